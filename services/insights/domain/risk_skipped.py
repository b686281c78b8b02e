"""Risk item skipped: a question about harm was left out while others were answered (docs/rules.md)."""

from bisect import insort
from collections.abc import Callable
from datetime import date, datetime
from sys import intern
from typing import Final, NamedTuple

from services.insights.domain.declaring import Parameter, Parameters, Rule, Severity
from services.insights.domain.instants import IMPORTED, ORIGINS, instant_of, key_at, key_id, span
from services.insights.domain.listing import beyond, listed, named
from services.insights.domain.risk_items import RiskItems
from services.insights.domain.words import at_time, counted, item, reached
from shared.contracts.assessments import Concern, Telling
from shared.contracts.base import Urgency

RISK_ITEM_SKIPPED: Final = Rule(
    name="risk_item_skipped",
    title="Risk item skipped",
    says="A question about harm was left out while other questions of the same questionnaire were answered.",
    until="Every question about harm that was left out has been answered since, or has been shown for its time.",
    source=(
        "A proposal of ours: what is left out has no value, neither 0 nor an estimate, and an unasked question about "
        "harm is one to ask."
    ),
    urgency=Urgency.WORKING_HOURS,
    parameters=(Parameter("days", 30, 1, 365, "days after which a question left out is no longer shown"),),
    severity=Severity.SAFETY,
    watches="Questionnaires with items about harm of which some answers were given and those items were not.",
    wording="PHQ-9 item 9 was left out on Tue 3 Nov 2026 at 14:05. Not answered since: in 1 questionnaire.",
    evidence="Each questionnaire with such an item that has not been answered since.",
    is_not="No answer about harm, neither yes nor no: people leave questions out for many reasons.",
    introduced=date(2026, 11, 23),
)


class Skipped(NamedTuple):
    """A questionnaire's risk items left out. accepted: when at the door, 0 where that is not known."""

    key: bytes
    instrument: str
    items: tuple[str, ...]
    origin: int
    accepted: int


class Skips:
    """A patient's questionnaires with risk items left out, in the order of facts."""

    __slots__ = ("known",)

    def __init__(self) -> None:
        self.known: list[Skipped] = []

    def add(self, key: bytes, instrument: str, items: list[str], origin: int, accepted: int) -> None:
        """Take in a questionnaire that leaves out risk items."""
        names = tuple(intern(name) for name in sorted(items))
        insort(self.known, Skipped(key, intern(instrument), names, origin, accepted))

    def waiting(self, answers: RiskItems | None, *, after: int) -> list[tuple[Skipped, tuple[str, ...]]]:
        """Those after an instant, oldest first, each with its items that have not been answered since."""
        found = []
        for skipped in reversed(self.known):
            if key_at(skipped.key) <= after:
                break
            left = tuple(
                name
                for name in skipped.items
                if answers is None or answers.last(skipped.instrument, name) < skipped.key
            )
            if left:
                found.append((skipped, left))
        return found[::-1]


def concern(
    skips: Skips,
    answers: RiskItems | None,
    parameters: Parameters,
    *,
    now: int,
    local: Callable[[int], datetime],
) -> tuple[Concern | None, int | None]:
    """What the rule says, and when time alone changes it next."""
    shown = span(parameters["days"])
    waiting = skips.waiting(answers, after=now - shown)
    if not waiting:
        return None, None
    newest, left = waiting[-1]
    listing = listed(
        waiting,
        kind=lambda one: (one[0].origin == IMPORTED, False),
        came=lambda one: (one[0].accepted or key_at(one[0].key), one[0].key),
    )
    reason = (
        f"{_left_out(newest, left, local)} while other questions were answered. Not answered since: in "
        f"{counted(len(waiting), 'questionnaire', 'questionnaires')}. Left out is not 0: ask in person."
        f"{beyond(len(waiting) - len(listing))}"
    )
    return (
        Concern(
            rule=RISK_ITEM_SKIPPED.name,
            holds=True,
            since=instant_of(key_at(waiting[0][0].key)),
            reason=reason,
            until=RISK_ITEM_SKIPPED.until,
            source=RISK_ITEM_SKIPPED.source,
            parameters=dict(parameters),
            numbers={"skipped": len(waiting)},
            telling=[
                Telling(
                    id=key_id(skipped.key),
                    at=instant_of(key_at(skipped.key)),
                    origin=ORIGINS[skipped.origin],
                    urgency=RISK_ITEM_SKIPPED.urgency,
                    said=f"{_left_out(skipped, names, local)}{reached(ORIGINS[skipped.origin])}.",
                    accepted_at=instant_of(skipped.accepted) if skipped.accepted else None,
                )
                for skipped, names in listing
            ],
        ),
        key_at(waiting[0][0].key) + shown,
    )


def _left_out(skipped: Skipped, names: tuple[str, ...], local: Callable[[int], datetime]) -> str:
    items = ", ".join(named([item(skipped.instrument, name) for name in names]))
    return f"{items} {'was' if len(names) == 1 else 'were'} left out on {at_time(local(key_at(skipped.key)))}"
