"""Risk item rising: an answer about harm above the one before it (docs/rules.md). Never a score or a tier of risk."""

from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Final

from services.insights.domain.declaring import Parameter, Parameters, Rule, Severity
from services.insights.domain.instants import IMPORTED, ORIGINS, instant_of, key_at, key_id, span
from services.insights.domain.listing import beyond, listed, named
from services.insights.domain.risk_answers import Answered, RiskAnswers, came
from services.insights.domain.risk_items import Rise, RiskItems
from services.insights.domain.words import at_time, counted, item, meaning, reached
from shared.contracts.assessments import Concern, Telling
from shared.contracts.base import Urgency

RISK_ITEM_RISING: Final = Rule(
    name="risk_item_rising",
    title="Risk item rising",
    says="An answer to a question about harm is above 0 and above the previous answer to the same question.",
    until=(
        "A later answer to that question is at or below the value it rose from, or the rise is past the time its "
        "question asks about."
    ),
    source=(
        "The project's clinical reference (6.3): from 0 to above 0, and any step up, are events of their own. The time "
        "between the two answers is a proposal of ours. Never a score or tier of suicide risk (NICE NG225)."
    ),
    urgency=Urgency.AT_ONCE,
    parameters=(
        Parameter("within_days", 90, 1, 365, "days at most between the two answers"),
        Parameter(
            "at_once_from", 2, 1, 100, "a rise by so many points is told at once, whatever the answer", restarts=False
        ),
    ),
    severity=Severity.SAFETY,
    watches="Each answer to an item about harm beside the previous answer to the same item of the same instrument.",
    wording="PHQ-9 item 9 rose from 0 on Tue 27 Oct 2026 at 10:00 to 1 (several days) on Tue 3 Nov 2026 at 14:05.",
    evidence=(
        "The questionnaire with the higher answer. Where the rule *Risk item above 0* is on, it tells of that "
        "questionnaire, once, and says the rise; this rule then only shows it."
    ),
    is_not="No score, level or tier of suicide risk, and no prediction. That it does not hold is no reassurance.",
    introduced=date(2026, 11, 23),
)

Local = Callable[[int], datetime]


def urgency_of(known: Answered, rises: Iterable[Rise], parameters: Parameters) -> Urgency:
    """How soon an answer is told: at once where it is urgent by itself, or rose by enough."""
    far = any(rise.value - rise.risen_from >= parameters["at_once_from"] for rise in rises)
    return Urgency.AT_ONCE if known.urgent or far else Urgency.WORKING_HOURS


def concern(
    items: RiskItems, answers: RiskAnswers, parameters: Parameters, *, now: int, local: Local, tells: bool
) -> tuple[Concern | None, int | None]:
    """What the rule says, and when time alone changes it next. tells: nobody else tells of the same questionnaires."""
    found: list[tuple[Rise, Answered]] = []
    for rise in items.rises(after=now - answers.longest, within=span(parameters["within_days"])):
        known = answers.find(rise.key)
        if key_at(known.key) + known.recall > now:
            found.append((rise, known))
    still = [rise for rise, _ in found if not rise.over]
    if not (still or (tells and found)):
        return None, None
    newest = still[-1] if still else found[-1][0]
    told: dict[bytes, tuple[Answered, list[Rise]]] = {}
    for rise, known in found if tells else ():
        told.setdefault(rise.key, (known, []))[1].append(rise)
    listing = listed(
        list(told.values()),
        kind=lambda one: (one[0].origin == IMPORTED, urgency_of(*one, parameters) is Urgency.AT_ONCE),
        came=lambda one: came(one[0]),
    )
    return (
        Concern(
            rule=RISK_ITEM_RISING.name,
            holds=bool(still),
            since=instant_of(key_at(still[0].key)) if still else None,
            reason=_reason(newest, still, local) + beyond(len(told) - len(listing)),
            until=RISK_ITEM_RISING.until,
            source=RISK_ITEM_RISING.source,
            parameters=dict(parameters),
            numbers={"from": newest.risen_from, "to": newest.value, "rises": len(still)},
            telling=[_telling(known, rises, parameters, local) for known, rises in listing],
        ),
        min(key_at(known.key) + known.recall for _, known in found),
    )


def _reason(newest: Rise, still: list[Rise], local: Local) -> str:
    words = [f"{rose(newest, local)}."]
    if len(still) > 1:
        words.append(f"{counted(len(still), 'answer', 'answers')} rose within the time the questions ask about.")
    if not still:
        words.append("A later answer is back at or below that. It is not reassurance.")
    return " ".join(words)


def rose(rise: Rise, local: Local) -> str:
    """PHQ-9 item 9 rose from 0 on ... to 1 (several days) on ..."""
    return (
        f"{item(rise.instrument, rise.item)} rose from {rise.risen_from} on {at_time(local(rise.before))} to "
        f"{rise.value}{meaning(rise.instrument, rise.value)} on {at_time(local(key_at(rise.key)))}"
    )


def _telling(known: Answered, rises: list[Rise], parameters: Parameters, local: Local) -> Telling:
    at, origin = key_at(known.key), ORIGINS[known.origin]
    return Telling(
        id=key_id(known.key),
        at=instant_of(at),
        origin=origin,
        urgency=urgency_of(known, rises, parameters),
        said=f"{'; '.join(named([rose(rise, local) for rise in rises]))}{reached(origin)}.",
        accepted_at=instant_of(known.accepted) if known.accepted else None,
    )
