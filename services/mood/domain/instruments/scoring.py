"""What answers, a total, or both come to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from services.mood.domain.instruments.declaration import Instrument, Item
from services.mood.domain.refusals import refused
from shared.contracts.base import LARGEST_NUMBER, Number
from shared.contracts.moods import PartialTotal, RiskAnswer
from shared.errors import FieldError

_MOST_LISTED: Final = 30


@dataclass(frozen=True)
class Scoring:
    """What a questionnaire's answers come to.

    score: the valid total; None where there is none. prorated: an estimate of it, where its publishers allow one.
    skipped_risk_items: those left out while others were answered; of a bare total nothing is said to be skipped.
    partial: between which totals it lies, where scored items were left out and no total was given.
    """

    score: Number | None
    risk_answers: list[RiskAnswer] = field(default_factory=list)
    prorated: int | None = None
    skipped_risk_items: list[str] = field(default_factory=list)
    partial: PartialTotal | None = None

    @property
    def risk(self) -> bool:
        """Whether a risk item was answered above 0."""
        return any(answer.value > 0 for answer in self.risk_answers)

    @property
    def urgent(self) -> bool:
        """Whether a risk item was answered so that a human is told at once."""
        return any(answer.value >= max(1, answer.urgent_from) for answer in self.risk_answers)


def score_answers(instrument: Instrument, items: Mapping[str, Any] | None, total: Any) -> Scoring:
    """Check answers, a total, or both, and say what they come to.

    There is a score where every scored item is answered, or a total in range is given. Where a few are missing and the
    instrument's rule allows it, there is an estimate of the total, kept apart from the score; a risk item that was
    skipped is said to be, and never given a value, unless the total, beside the other answers or by itself,
    cannot be reached without it: then it has the least it can be. A total beside items must be one that they can add up
    to. Any other bare total says nothing about risk items. Should all answers of a clinic's own scale add up to less or
    more than its declared range, they are kept without a score: an answer about harm must not be refused because a
    scale was declared wrongly. Raises Problem 422 naming fields and ranges.
    """
    if instrument.external and (items or total is None):
        raise refused(FieldError("/items" if items else "/total", _total_alone(instrument)))
    if not items and total is None:
        raise refused(FieldError("/items", "send the answered items, a total, or both"))
    errors = [] if items is None else _wrong_items(instrument, items)
    if total is not None and not _fits(total, instrument):
        errors.append(FieldError("/total", _number_wanted(instrument)))
    if errors:
        raise refused(*errors)
    answers: dict[str, int] = dict(items or {})
    risk = [
        RiskAnswer(
            item=name,
            value=answers[name],
            recall_days=instrument.recall_days,
            urgent_from=instrument.items[name].urgent_from,
        )
        for name in instrument.risk_items
        if name in answers
    ]
    risk += _proved(instrument, answers, total)
    settled = {answer.item for answer in risk}
    return Scoring(
        score=_total_of(instrument, answers) if total is None else _agreeing(instrument, answers, total),
        risk_answers=risk,
        prorated=_estimated(instrument, answers) if total is None else None,
        skipped_risk_items=[name for name in instrument.risk_items if answers and name not in settled],
        partial=_partial(instrument, answers) if total is None else None,
    )


def _proved(instrument: Instrument, answers: Mapping[str, int], total: Number | None) -> list[RiskAnswer]:
    """Risk items left out that the total cannot be reached without, beside the answers there are, if any: at the least
    they can be. It is arithmetic and no guess, so it holds for a bare total: 25 of the PHQ-9 needs item 9."""
    if total is None or instrument.own:
        return []
    missing = {name: item for name, item in instrument.scored.items() if name not in answers}
    rest = int(total) // instrument.times - _points(instrument.scored, answers)
    found = []
    for name, item in missing.items():
        least = rest - sum(other.maximum for key, other in missing.items() if key != name)
        if item.risk and least > item.minimum:
            found.append(
                RiskAnswer(item=name, value=least, recall_days=instrument.recall_days, urgent_from=item.urgent_from)
            )
    return found


def prorate(points: int, answered: int, of: int) -> int:
    """`floor(points * of / answered + 0.5)`: the total if the others had been answered alike, half rounded up.

    In whole numbers, so that 18.5 is 19 on every machine.
    """
    return (2 * points * of + answered) // (2 * answered)


def _points(scored: Mapping[str, Item], answers: Mapping[str, int]) -> int:
    return sum(item.points(answers[name]) for name, item in scored.items() if name in answers)


def _total_of(instrument: Instrument, answers: Mapping[str, int]) -> Number | None:
    scored = instrument.scored
    if not scored or not scored.keys() <= answers.keys():
        return None
    total = instrument.times * _points(scored, answers)
    return total if instrument.minimum <= total <= instrument.maximum else None


def _estimated(instrument: Instrument, answers: Mapping[str, int]) -> int | None:
    """The prorated total, where some but not too many scored items are missing; None otherwise."""
    if instrument.prorating is None:
        return None
    scored = instrument.scored
    missing = len(scored.keys() - answers.keys())
    if not 1 <= missing <= instrument.prorating.most_missing:
        return None
    return instrument.times * prorate(_points(scored, answers), len(scored) - missing, len(scored))


def _partial(instrument: Instrument, answers: Mapping[str, int]) -> PartialTotal | None:
    """Between which totals the answers leave it, within the declared range; None where none or all are answered."""
    missing = len(instrument.scored.keys() - answers.keys())
    if not 0 < missing < len(instrument.scored):
        return None
    least, most = _possible(instrument, answers)
    least, most = max(least, instrument.minimum), min(most, instrument.maximum)
    # a scale declared wrongly may have a range that its answers cannot come to
    return PartialTotal(least=least, most=most, missing=missing) if least <= most else None


def _possible(instrument: Instrument, answers: Mapping[str, int]) -> tuple[Number, Number]:
    """The least and the greatest total the answers can be part of. A reversed item adds between the same two ends."""
    missing = [item for name, item in instrument.scored.items() if name not in answers]
    given = _points(instrument.scored, answers)
    least = instrument.times * (given + sum(item.minimum for item in missing))
    return least, instrument.times * (given + sum(item.maximum for item in missing))


def _agreeing(instrument: Instrument, answers: Mapping[str, int], total: Number) -> Number:
    """The total, where the answers given can add up to it."""
    if answers:
        least, most = _possible(instrument, answers)
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
        elif not isinstance(value, int) or isinstance(value, bool) or not _within(value, item):
            least, most = _bounds(item)
            errors.append(FieldError(f"/items/{_shown(name)}", f"send a whole number from {least} to {most}"))
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
    return _within(total, instrument) and (not instrument.whole or total % instrument.times == 0)


def _bounds(of: Instrument | Item) -> tuple[Number, Number]:
    """The range of what is taken: a clinic may have declared a wider one before there was a bound."""
    return max(of.minimum, -LARGEST_NUMBER), min(of.maximum, LARGEST_NUMBER)


def _within(value: Number, of: Instrument | Item) -> bool:
    least, most = _bounds(of)
    return least <= value <= most


def _number_wanted(instrument: Instrument) -> str:
    kind = "whole number" if instrument.whole else "number"
    steps = "" if instrument.times == 1 else f" in steps of {instrument.times} (the sum times {instrument.times})"
    least, most = _bounds(instrument)
    return f"send a {kind} from {least} to {most}{steps}"


def _total_alone(instrument: Instrument) -> str:
    return (
        f"{instrument.title} is scored elsewhere and its answers are not recorded here: send its total alone, "
        f"from {instrument.minimum} to {instrument.maximum}"
    )
