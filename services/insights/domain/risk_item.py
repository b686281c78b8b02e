"""Risk item: a question about harm answered above 0 (docs/rules.md, 1). Never a score or a tier of risk."""

from collections.abc import Callable, Sequence
from datetime import datetime

from services.insights.domain.catalogue import RISK_ITEM, Parameters
from services.insights.domain.instants import DAY, IMPORTED, ORIGINS, instant_of, key_at, key_id, span
from services.insights.domain.listing import beyond, listed, named
from services.insights.domain.risk_answers import Answered, RiskAnswers, came
from services.insights.domain.risk_items import Rise, RiskItems
from services.insights.domain.risk_rising import rose, urgency_of
from services.insights.domain.words import at_time, days, item, meaning, reached
from shared.contracts.assessments import Concern, Telling
from shared.contracts.base import Urgency


def concern(
    answers: RiskAnswers,
    parameters: Parameters,
    *,
    now: int,
    local: Callable[[int], datetime],
    items: RiskItems | None = None,
    rising: Parameters | None = None,
) -> tuple[Concern | None, int | None]:
    """What the rule says, and when time alone changes it next.

    rising: the parameters of *risk item rising*, where that rule is on: what it would tell is then told here, once.
    """
    tell = span(parameters["tell_days"])
    shown = answers.within(now, tell)
    if not shown or answers.last is None:
        return None, None
    recalled = [known for known in shown if key_at(known.key) + known.recall > now]
    told = [
        known for known in shown if (key_at(known.key) + (known.recall if known.origin == IMPORTED else tell)) > now
    ]
    listing = listed(
        told,
        kind=lambda known: (known.origin == IMPORTED, _urgency(known, items, rising)[0] is Urgency.AT_ONCE),
        came=came,
    )
    ends = [key_at(known.key) + known.recall for known in recalled]
    ends += [key_at(known.key) + tell for known in shown if known.origin != IMPORTED]
    return (
        Concern(
            rule=RISK_ITEM.name,
            holds=bool(recalled),
            since=instant_of(answers.since(now)) if recalled else None,
            reason=_reason(shown, recalled, answers.last, parameters["tell_days"], local, items=items)
            + beyond(len(told) - len(listing)),
            until=RISK_ITEM.until,
            source=RISK_ITEM.source,
            parameters=dict(parameters),
            numbers={
                "highest": max(known.value for known in shown),
                "latest": answers.last.value,
                "above_zero": len(shown),
            },
            telling=[_telling(known, local, items, rising) for known in listing],
        ),
        min(end for end in ends if end > now),
    )


def _reason(
    shown: list[Answered],
    recalled: list[Answered],
    last: Answered,
    tell_days: float,
    local: Callable[[int], datetime],
    *,
    items: RiskItems | None,
) -> str:
    newest, highest = shown[-1], max(known.value for known in shown)
    words = [f"{_answer(newest)} on {at_time(local(key_at(newest.key)))}."]
    if len(shown) > 1:
        words.append(
            f"{len(shown)} answers above 0 are within the time asked about or the {days(tell_days)} we tell of them; "
            f"the highest is {highest}."
        )
    if not recalled:
        words.append("The time the question asks about has passed.")
    if last.key != newest.key:
        words.append(_later(newest, last, local, items))
    if last.value == 0:
        words.append("A 0 is not reassurance.")
    return " ".join(words)


def _later(newest: Answered, last: Answered, local: Callable[[int], datetime], items: RiskItems | None) -> str:
    """What was answered last. Of another question than the one named before, which one; the two are not one series."""
    when = f"on {at_time(local(key_at(last.key)))}"
    same = items.latest(newest.instrument, newest.item) if items is not None else None
    if same is not None and same == (last.key, last.value):
        return f"The latest answer is {last.value}, {when}."
    other, named = item(last.instrument, last.item), item(newest.instrument, newest.item)
    words = f"The latest answer about harm is {last.value}, to another question, {other}, {when}."
    if same is None or same[0] == newest.key:
        return f"{words} {named} has not been answered since."
    return f"{words} {named} was last answered {same[1]}, on {at_time(local(key_at(same[0])))}."


def _answer(known: Answered) -> str:
    return f"{item(known.instrument, known.item)} was answered {known.value}{meaning(known.instrument, known.value)}"


def _urgency(known: Answered, items: RiskItems | None, rising: Parameters | None) -> tuple[Urgency, Sequence[Rise]]:
    """How soon an answer is told, and what rose with it where *risk item rising* is on."""
    if items is None or rising is None:
        return Urgency.AT_ONCE if known.urgent else Urgency.WORKING_HOURS, ()
    rises = list(items.of(known.key, span(rising["within_days"])))
    return urgency_of(known, rises, rising), rises


def _telling(
    known: Answered, local: Callable[[int], datetime], items: RiskItems | None, rising: Parameters | None
) -> Telling:
    at, origin = key_at(known.key), ORIGINS[known.origin]
    asks = f"it asks about the last {days(known.recall / DAY)}"
    said = f"{_answer(known)}, given on {at_time(local(at))}{reached(origin)} ({asks})."
    urgency, rises = _urgency(known, items, rising)
    said = " ".join([said, *(f"{words}." for words in named([rose(rise, local) for rise in rises]))])
    return Telling(
        id=key_id(known.key),
        at=instant_of(at),
        origin=origin,
        urgency=urgency,
        said=said,
        accepted_at=instant_of(known.accepted) if known.accepted else None,
    )
