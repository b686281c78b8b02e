"""Assessing: a pure function of a patient's facts and documents, the clinic's settings, the time and the horizon."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from services.insights.domain import (
    absence,
    crisis_language,
    deterioration,
    inquiries,
    instability,
    missed_sessions,
    mood_shift,
    not_on_track,
    rating_drop,
    relapse,
    risk_item,
    risk_rising,
    risk_skipped,
    stalled,
)
from services.insights.domain.catalogue import (
    CATALOGUE,
    CRISIS_LANGUAGE,
    GONE_QUIET,
    LINGERING_QUESTION,
    MISSED_SESSIONS,
    MOOD_INSTABILITY,
    MOOD_SHIFT,
    MOOD_SHIFT_UP,
    NOT_ON_TRACK,
    QUESTION_OVERDUE,
    QUESTION_UNANSWERED,
    RATING_DROP,
    RELAPSE,
    RELIABLE_DETERIORATION,
    RISK_ITEM,
    STALLED,
)
from services.insights.domain.instants import instant_of, key_at, micros
from services.insights.domain.listing import bounded
from services.insights.domain.past import without_the_past
from services.insights.domain.risk_rising import RISK_ITEM_RISING
from services.insights.domain.risk_skipped import RISK_ITEM_SKIPPED
from services.insights.domain.standing import Settled, Standing
from shared.contracts.patients import PatientStatus

if TYPE_CHECKING:
    from services.insights.domain.state import PatientState
    from shared.contracts.assessments import Concern


@dataclass(frozen=True, slots=True)
class Findings:
    """What an assessment says, and `due`: the next instant at which time alone may change it."""

    registered: bool
    entries: int
    entries_not_processed: int
    last_heard: datetime | None
    concerns: "list[Concern]"
    due: datetime | None


class _Sight:
    """One patient as seen at one instant; each rule gives its concern and when time changes it."""

    def __init__(self, state: "PatientState", standing: Standing, now: int, horizon: int) -> None:
        self.state, self.standing, self.now, self.horizon = state, standing, now, horizon
        self.settled: Settled = standing.at(now)
        self.concerns: list[Concern] = []
        self.dues: list[int] = []

    def take(self, concern: "Concern | None", due: int | None = None) -> None:
        if concern is not None:
            told_from = self.settled.told_from.get(concern.rule)
            if told_from is not None:
                concern = without_the_past(concern, told_from, CATALOGUE[concern.rule].severity)
        if concern is not None:
            self.concerns.append(bounded(concern))
        if due is not None:
            self.dues.append(due)

    def judge(self) -> None:
        """All rules in force, in the order of the catalogue: each has a method of its name."""
        for name in CATALOGUE:
            if name in self.settled.rules:
                rule: Callable[[], None] = getattr(self, f"_{name}")
                rule()

    def _risk_item(self) -> None:
        if self.state.risk is not None:
            self.take(
                *risk_item.concern(
                    self.state.risk,
                    self.settled.rules[RISK_ITEM.name],
                    now=self.now,
                    local=self.settled.local,
                    items=self.state.risk_items,
                    rising=self.settled.rules.get(RISK_ITEM_RISING.name),
                )
            )

    def _risk_item_rising(self) -> None:
        if self.state.risk is not None and self.state.risk_items is not None:
            self.take(
                *risk_rising.concern(
                    self.state.risk_items,
                    self.state.risk,
                    self.settled.rules[RISK_ITEM_RISING.name],
                    now=self.now,
                    local=self.settled.local,
                    tells=RISK_ITEM.name not in self.settled.rules,
                )
            )

    def _risk_item_skipped(self) -> None:
        if self.state.skips is not None:
            self.take(
                *risk_skipped.concern(
                    self.state.skips,
                    self.state.risk_items,
                    self.settled.rules[RISK_ITEM_SKIPPED.name],
                    now=self.now,
                    local=self.settled.local,
                )
            )

    @property
    def _episode_from(self) -> int:
        known = self.state.registered
        return known.episode_from if known else 0

    def _reliable_deterioration(self) -> None:
        if self.state.scores:
            self.take(
                deterioration.concern(
                    self.state.scores,
                    self.settled.rules[RELIABLE_DETERIORATION.name],
                    self.settled.measures,
                    episode_from=self._episode_from,
                    local=self.settled.local,
                )
            )

    def _relapse(self) -> None:
        if self.state.scores:
            self.take(
                relapse.concern(
                    self.state.scores,
                    self.settled.rules[RELAPSE.name],
                    self.settled.measures,
                    deterioration=self.settled.rules.get(RELIABLE_DETERIORATION.name),
                    episode_from=self._episode_from,
                    local=self.settled.local,
                )
            )

    def _not_on_track(self) -> None:
        model, attended = self.settled.expected, self.state.attended
        if self.state.scores and model is not None and attended is not None:
            self.take(
                not_on_track.concern(
                    self.state.scores,
                    attended,
                    model,
                    self.settled.rules[NOT_ON_TRACK.name],
                    self.settled.measures,
                    episode_from=self._episode_from,
                    local=self.settled.local,
                )
            )

    def _stalled(self) -> None:
        if self.state.scores and self.state.attended is not None:
            self.take(
                stalled.concern(
                    self.state.scores,
                    self.state.attended,
                    self.settled.rules[STALLED.name],
                    self.settled.measures,
                    episode_from=self._episode_from,
                    local=self.settled.local,
                )
            )

    def _mood_shift(self) -> None:
        if self.state.mood is not None:
            self.take(mood_shift.concern(self.state.mood, self.settled.rules[MOOD_SHIFT.name]))

    def _mood_shift_up(self) -> None:
        if self.state.mood is not None:
            self.take(mood_shift.concern(self.state.mood, self.settled.rules[MOOD_SHIFT_UP.name], MOOD_SHIFT_UP))

    def _mood_instability(self) -> None:
        if self.state.mood is not None:
            self.take(instability.concern(self.state.mood, self.settled.rules[MOOD_INSTABILITY.name]))

    def _gone_quiet(self) -> None:
        known = self.state.registered
        if known is not None and known.status is PatientStatus.ACTIVE:
            self.take(
                *absence.gone_quiet(
                    self.state.observed,
                    self.settled.rules[GONE_QUIET.name],
                    last=self.state.last,
                    expected_from=known.expected_from,
                    horizon=self.horizon,
                    local=self.settled.local,
                    expected=self.state.expected(self.standing),
                    meetings=self.state.meetings,
                )
            )

    def _question_unanswered(self) -> None:
        if self.state.questions is not None:
            self.take(
                *absence.question_unanswered(
                    self.state.questions,
                    self.settled.rules[QUESTION_UNANSWERED.name],
                    standing=self.standing,
                    horizon=self.horizon,
                    local=self.settled.local,
                    passed_over=self._has_target,
                )
            )

    def _has_target(self, question: str) -> bool:
        """Whether `question_overdue` watches a question."""
        known = self.state.inquiries
        return known is not None and QUESTION_OVERDUE.name in self.settled.rules and known.has_target(question)

    def _crisis_language(self) -> None:
        if self.state.words is not None:
            parameters = self.settled.rules[CRISIS_LANGUAGE.name]
            self.take(*crisis_language.concern(self.state.words, parameters, now=self.now, local=self.settled.local))

    def _question_overdue(self) -> None:
        if self.state.inquiries is not None:
            local = self.settled.local
            self.take(*inquiries.question_overdue(self.state.inquiries, horizon=self.horizon, local=local))

    def _lingering_question(self) -> None:
        if self.state.inquiries is not None:
            self.take(
                *inquiries.lingering_question(
                    self.state.inquiries,
                    self.settled.rules[LINGERING_QUESTION.name],
                    horizon=self.horizon,
                    local=self.settled.local,
                )
            )

    def _rating_drop(self) -> None:
        if self.state.ratings is not None:
            self.take(rating_drop.concern(self.state.ratings, self.settled.rules[RATING_DROP.name]))

    def _missed_sessions(self) -> None:
        known, attended = self.state.registered, self.state.attendances
        if known is not None and known.status is PatientStatus.ACTIVE and attended is not None:
            parameters = self.settled.rules[MISSED_SESSIONS.name]
            local = self.settled.local
            self.take(*missed_sessions.concern(attended, self.state.risk_items, parameters, now=self.now, local=local))


def assess(state: "PatientState", standing: Standing, *, now: datetime, horizon: datetime) -> Findings:
    """What holds for a patient and why, as of `now`; rules of absence as of `horizon`, at most now.

    The same set of facts and documents gives the same findings, whatever the order in which they came.
    """
    at = micros(now)
    sight = _Sight(state, standing, at, min(micros(horizon), at))
    known, last = state.registered, state.last
    if known is None or known.status is not PatientStatus.DECEASED:
        sight.judge()
        sight.take(None, standing.next_change(at))
    return Findings(
        registered=known is not None,
        entries=state.entries,
        entries_not_processed=len(state.aside),
        last_heard=instant_of(key_at(last[0])) if last else None,
        concerns=sight.concerns,
        due=instant_of(min(sight.dues)) if sight.dues else None,
    )


def next_due(state: "PatientState", standing: Standing, *, now: datetime, horizon: datetime) -> datetime | None:
    """The next instant at which time alone may change what `assess` says; None where it cannot."""
    return assess(state, standing, now=now, horizon=horizon).due
