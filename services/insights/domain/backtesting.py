"""Backtesting: what the rules would have raised of a patient, had each entry been assessed when it happened.

Nothing is judged here: a `PatientState` is filled as it is from the topics and `assess` is asked, as it is live.
docs/backtest.md says at which instants.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from services.insights.domain.assessing import assess
from services.insights.domain.standing import Standing
from services.insights.domain.state import PatientState
from shared.contracts import Patient
from shared.contracts.assessments import Concern
from shared.contracts.base import Document, Fact, Urgency


@dataclass(frozen=True, slots=True)
class Raised:
    """One unbroken stretch of assessments in which a rule held for a patient.

    severity and reason: as of the assessment that raised it; severity is the most urgent of its telling evidence, None
    where there is none: it is shown, and nobody is told.
    cleared_at: the first assessment in which it held no longer; None where it still holds at the end.
    """

    patient: str
    rule: str
    severity: Urgency | None
    reason: str
    raised_at: datetime
    cleared_at: datetime | None = None


def backtest(
    patient: str,
    facts: Iterable[tuple[str, Fact]],
    standing: Standing,
    *,
    until: datetime,
    documents: Iterable[tuple[datetime, Document]] = (),
) -> list[Raised]:
    """What would have been raised of one patient up to and including `until`, in the order in which it was raised.

    facts: (id, fact), in any order, none after `until`. documents: each with the instant from which it stood so, in any
    order (`retracing.past_of`). Where none is the patient's own, they count as registered and in care from the first
    fact to the end, and nothing was known of them before; all their scores count as of one episode of care.
    """
    happened: list[tuple[datetime, int, tuple[str, Fact] | Document]] = [
        *((at, 0, document) for at, document in documents if at <= until),
        *((named[1].occurred_at, 1, named) for named in facts),
    ]
    happened.sort(key=lambda one: one[:2])
    registers = not any(isinstance(thing, Patient) for _, _, thing in happened)
    course = _Course(patient, standing, registers=registers)
    for at, together in groupby(happened, key=lambda one: one[0]):
        course.wait(until=at - datetime.resolution)
        course.take(at, (thing for _, _, thing in together))
    course.wait(until=until)
    return course.raised()


class _Course:
    """One patient, assessed at one instant after the other; `now` is the horizon too, as nothing lags behind."""

    def __init__(self, patient: str, standing: Standing, *, registers: bool) -> None:
        self._patient, self._standing, self._registers = patient, standing, registers
        self._state = PatientState()
        self._due: datetime | None = None
        self._open: dict[str, Raised] = {}
        self._closed: list[Raised] = []

    def wait(self, *, until: datetime) -> None:
        """Let time pass: assess whenever an assessment said that time alone may change it."""
        while self._due is not None and self._due <= until:
            self._assess(self._due)

    def take(self, at: datetime, things: Iterable[tuple[str, Fact] | Document]) -> None:
        """Take in what happened at one instant, and assess."""
        for thing in things:
            if isinstance(thing, Document):
                self._state.apply(thing)
                continue
            fact_id, fact = thing
            if self._registers and self._state.registered is None:
                self._state.apply(
                    Patient(clinic=fact.clinic, patient=self._patient, version=1, registered_at=at, updated_at=at)
                )
            self._state.add(fact_id, fact)
        self._assess(at)

    def raised(self) -> list[Raised]:
        """Everything raised so far, in order; what still holds among it."""
        return sorted([*self._closed, *self._open.values()], key=lambda one: (one.raised_at, one.rule))

    def _assess(self, now: datetime) -> None:
        findings = assess(self._state, self._standing, now=now, horizon=now)
        self._due = findings.due
        holding = {concern.rule: concern for concern in findings.concerns if concern.holds}
        for rule in self._open.keys() - holding.keys():
            self._closed.append(replace(self._open.pop(rule), cleared_at=now))
        for rule, concern in holding.items():
            if rule not in self._open:
                self._open[rule] = Raised(self._patient, rule, _severity(concern), concern.reason, now)


def _severity(concern: Concern) -> Urgency | None:
    """When a human would have been told: at once as soon as any of the evidence says so."""
    urgencies = {telling.urgency for telling in concern.telling}
    if not urgencies:
        return None
    return Urgency.AT_ONCE if Urgency.AT_ONCE in urgencies else Urgency.WORKING_HOURS
