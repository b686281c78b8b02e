"""What an owner makes of its own topic: the judgement alone, under every small history."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bus import Position
from shared.contracts import Patient
from shared.documents.healing import judge
from shared.documents.record import Stored

AT = datetime(2026, 11, 2, tzinfo=UTC)


def version(number: int, offset: int, name: str = "Ada", **rest: Any) -> Stored[Patient]:
    document = Patient(clinic="riverside", patient="p1", version=number, name=name, registered_at=AT, updated_at=AT)
    position = Position(Patient.topic, 0, offset)
    return Stored(document=document, changed_at=AT, published=position, published_version=number, **rest)


def log(*numbers: int, start: int = 0) -> list[Stored[Patient]]:
    return [version(number, offset) for offset, number in enumerate(numbers, start)]


def does(known: Stored[Patient] | None, told: Sequence[Stored[Patient]]) -> tuple[int, str]:
    verdict = judge(known, told)
    done = {"adopt": verdict.adopt, "again": verdict.again, "outvote": verdict.outvote}
    return verdict.known.version, " ".join(name for name, it in done.items() if it)


@pytest.mark.parametrize(
    ("known", "told", "expected"),
    [
        (None, log(1), (1, "adopt")),
        (None, log(1, 2, 1), (2, "adopt again")),
        (None, log(2, 1, 3), (3, "adopt")),
        (None, log(2, 1, 2), (2, "adopt")),
        (version(2, 9), log(1, 2, start=8), (2, "")),
        (version(2, 9), log(1, start=10), (2, "again")),
        (version(2, 9), log(1, 2, start=10), (2, "")),
        (version(2, 9), log(3, start=10), (3, "adopt")),
        (version(2, 9), log(1, 3, start=10), (3, "adopt")),
        (version(2, 9), log(3, start=4), (2, "outvote")),
        (version(2, 9), [version(2, 10, "Bea")], (2, "outvote")),
        (version(2, 1, pending=True), log(1, start=10), (2, "")),
        (version(2, 1, pending=True), log(3, start=10), (2, "outvote")),
    ],
)
def test_each_situation_has_its_remedy(
    known: Stored[Patient] | None, told: list[Stored[Patient]], expected: tuple[int, str]
) -> None:
    """Take what the store lacks; publish again what an older one hides; outvote what the store had lost."""
    assert expected == does(known, told)


@given(numbers=st.lists(st.integers(1, 5), min_size=1, max_size=8), cut=st.integers(0, 8))
def test_the_newest_is_published_again_exactly_where_it_does_not_stand_last(numbers: list[int], cut: int) -> None:
    """In one batch or two, from an empty store: adopt the highest, heal if need be, and never outvote."""
    told = log(*numbers)
    batches = [batch for batch in (told[:cut], told[cut:]) if batch]
    known, again = None, False
    for batch in batches:
        verdict = judge(known, batch)
        assert not verdict.outvote
        known = verdict.known
        again = verdict.again or (again and known.version != batch[-1].version)

    assert known is not None
    assert max(numbers) == known.version
    assert (numbers[-1] != max(numbers)) == again


def test_there_is_nothing_to_judge_in_nothing() -> None:
    """Who asks has made a mistake."""
    with pytest.raises(ValueError, match="at least one"):
        judge(None, [])
