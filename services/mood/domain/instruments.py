"""Questionnaires as data, and what their answers add up to.

PHQ-9 and GAD-7: nine and seven items of 0-3 about the last two weeks, plain sums (Kroenke 2001, Spitzer 2006; the
authors ask no permission to reproduce, translate, display or distribute them). A clinic declares any other scale.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from services.mood.domain.refusals import refused
from shared.contracts.base import Number
from shared.contracts.clinics import Scale, ScaleItem
from shared.contracts.moods import RiskAnswer
from shared.errors import FieldError

_ANSWER: Final = ScaleItem(minimum=0, maximum=3)
_MOST_LISTED: Final = 30


@dataclass(frozen=True)
class Instrument:
    """A questionnaire: its items (inclusive ranges) and the inclusive range of its total.

    reliable_change: a difference this large between two totals is more than chance; None where nobody has said.
    """

    name: str
    title: str
    items: Mapping[str, ScaleItem]
    minimum: Number
    maximum: Number
    recall_days: int
    whole: bool = False
    higher_is_worse: bool = True
    reliable_change: int | None = None


@dataclass(frozen=True)
class Scoring:
    """What a questionnaire's answers come to. `score` is None where there is no valid total."""

    score: Number | None
    risk_answers: list[RiskAnswer] = field(default_factory=list)

    @property
    def risk(self) -> bool:
        """Whether a risk item was answered above 0."""
        return any(answer.value > 0 for answer in self.risk_answers)

    @property
    def urgent(self) -> bool:
        """Whether a risk item was answered so that a human is told at once."""
        return any(answer.value >= max(1, answer.urgent_from) for answer in self.risk_answers)


PHQ9: Final = Instrument(
    name="phq9",
    title="PHQ-9",
    items={str(n): _ANSWER for n in range(1, 9)} | {"9": ScaleItem(minimum=0, maximum=3, risk=True, urgent_from=2)},
    minimum=0,
    maximum=27,
    recall_days=14,
    whole=True,
    reliable_change=6,  # NHS Talking Therapies
)
GAD7: Final = Instrument(
    name="gad7",
    title="GAD-7",
    items={str(n): _ANSWER for n in range(1, 8)},
    minimum=0,
    maximum=21,
    recall_days=14,
    whole=True,
    reliable_change=4,  # NHS Talking Therapies
)
INSTRUMENTS: Final[Mapping[str, Instrument]] = {one.name: one for one in (PHQ9, GAD7)}


def instrument_named(name: str, scales: Sequence[Scale]) -> Instrument:
    """A published instrument, or a scale the clinic declared; the published ones cannot be redefined.

    Raises Problem 422 naming what there is.
    """
    if name in INSTRUMENTS:
        return INSTRUMENTS[name]
    for scale in scales:
        if scale.name == name:
            return Instrument(
                name=scale.name,
                title=scale.name,
                items=scale.items,
                minimum=scale.minimum,
                maximum=scale.maximum,
                recall_days=scale.recall_days,
                higher_is_worse=scale.higher_is_worse,
            )
    known = ", ".join([*INSTRUMENTS, *(scale.name for scale in scales)])
    raise refused(
        FieldError("/instrument", f"send one of: {known}; a scale of your own is declared with PUT /v1/clinic first")
    )


def score_answers(instrument: Instrument, items: Mapping[str, Any] | None, total: Any) -> Scoring:
    """Check answers, a total, or both, and say what they come to.

    There is a score where every item is answered, or a total in range is given; nothing is prorated. A total beside
    items must be one that they can add up to. A bare total says nothing about risk items. Should all answers of a
    clinic's own scale add up to less or more than its declared range, they are kept without a score: an answer about
    harm must not be refused because a scale was declared wrongly. Raises Problem 422 naming fields and ranges.
    """
    if not items and total is None:
        raise refused(FieldError("/items", "send the answered items, a total, or both"))
    errors = [] if items is None else _wrong_items(instrument, items)
    if total is not None and not _fits(total, instrument):
        errors.append(FieldError("/total", _number_wanted(instrument)))
    if errors:
        raise refused(*errors)
    answers: dict[str, int] = dict(items or {})
    score = _total_of(instrument, answers) if total is None else _agreeing(instrument, answers, total)
    risk = [
        RiskAnswer(item=name, value=answers[name], recall_days=instrument.recall_days, urgent_from=item.urgent_from)
        for name, item in instrument.items.items()
        if item.risk and name in answers
    ]
    return Scoring(score, risk)


def _total_of(instrument: Instrument, answers: Mapping[str, int]) -> Number | None:
    if not instrument.items or answers.keys() != instrument.items.keys():
        return None
    total = sum(answers.values())
    return total if instrument.minimum <= total <= instrument.maximum else None


def _agreeing(instrument: Instrument, answers: Mapping[str, int], total: Number) -> Number:
    """The total, where the answers given can add up to it."""
    if answers:
        missing = [item for name, item in instrument.items.items() if name not in answers]
        least = sum(answers.values()) + sum(item.minimum for item in missing)
        most = sum(answers.values()) + sum(item.maximum for item in missing)
        if not least <= total <= most:
            raise refused(
                FieldError("/total", "the answered items cannot add up to this: send the items alone, or correct one")
            )
    return int(total) if instrument.whole else total


def _wrong_items(instrument: Instrument, items: Mapping[str, Any]) -> list[FieldError]:
    errors = []
    for name, value in items.items():
        item = instrument.items.get(name)
        if item is None:
            errors.append(FieldError(f"/items/{_shown(name)}", _items_wanted(instrument)))
        elif not isinstance(value, int) or isinstance(value, bool) or not item.minimum <= value <= item.maximum:
            errors.append(
                FieldError(f"/items/{_shown(name)}", f"send a whole number from {item.minimum} to {item.maximum}")
            )
        if len(errors) == _MOST_LISTED:
            break
    return errors


def _items_wanted(instrument: Instrument) -> str:
    if not instrument.items:
        return f"{instrument.title} has no items declared: send a total"
    names = list(instrument.items)
    if len(names) > _MOST_LISTED:
        names = [*names[:_MOST_LISTED], "and so on"]
    return f"{instrument.title} has no such item: it has {', '.join(names)}"


def _shown(name: str) -> str:
    """An item's name as a JSON pointer's part; what is no name at all is not repeated."""
    plain = len(name) <= 64 and name.isascii() and all(c.isalnum() or c in "._~-" for c in name)
    return name.replace("~", "~0") if plain else "…"


def _fits(total: Any, instrument: Instrument) -> bool:
    if isinstance(total, bool) or not isinstance(total, int | float):
        return False
    return instrument.minimum <= total <= instrument.maximum and (not instrument.whole or total == int(total))


def _number_wanted(instrument: Instrument) -> str:
    kind = "whole number" if instrument.whole else "number"
    return f"send a {kind} from {instrument.minimum} to {instrument.maximum}"
