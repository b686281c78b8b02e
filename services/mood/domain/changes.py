"""Corrections and withdrawals: what an entry counts as now, and what it was. Nothing is overwritten."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from services.mood.domain.timeline import Recorded
from shared.contracts import CheckInCorrected, CheckInRecorded, EntryWithdrawn, Fact, QuestionnaireCompleted

CHANGES: Final[Mapping[str, type[Fact]]] = {"corrected": CheckInCorrected, "withdrawn": EntryWithdrawn}
"""The facts that change what an entry counts as, by the name they are stored under."""


def change_of(fact: Fact) -> str | None:
    """The name of a fact that changes an entry; None for any other."""
    return next((name for name, model in CHANGES.items() if type(fact) is model), None)


@dataclass(frozen=True, slots=True)
class Version:
    """What a check-in said from an instant on: its own, or that of a correction."""

    since: datetime
    check_in: CheckInRecorded


@dataclass(frozen=True, slots=True)
class Changed:
    """What became of one entry.

    why: every reason it was withdrawn for, a line each, oldest first: words of harm in a later one must be readable.
    previous: what a corrected check-in said before, oldest first.
    """

    now: Recorded
    corrected_at: datetime | None = None
    withdrawn_at: datetime | None = None
    why: str = ""
    previous: tuple[Version, ...] = ()


class Changes:
    """All corrections and withdrawals of one patient, in any order."""

    def __init__(self, recorded: Iterable[Recorded] = ()) -> None:
        self._corrections: dict[str, list[Recorded]] = {}
        self._withdrawals: dict[str, list[EntryWithdrawn]] = {}
        for one in sorted(recorded, key=lambda one: one.place):
            if isinstance(one.fact, CheckInCorrected):
                self._corrections.setdefault(one.fact.entry, []).append(one)
            elif isinstance(one.fact, EntryWithdrawn):
                self._withdrawals.setdefault(one.fact.entry, []).append(one.fact)

    def of(self, entry: Recorded) -> Changed:
        """What an entry counts as: with the content of its last correction, at its own time and on its own day.

        A withdrawal wins over every correction. What is neither a check-in nor a questionnaire stays as it is.
        """
        fact = entry.fact
        if not isinstance(fact, CheckInRecorded | QuestionnaireCompleted):
            return Changed(entry)
        found = Changed(entry)
        corrections = self._corrections.get(entry.id, [])
        if corrections and isinstance(fact, CheckInRecorded):
            versions = [Version(fact.occurred_at, fact)]
            versions += [Version(one.fact.occurred_at, _corrected(fact, one.fact)) for one in corrections]
            now = replace(entry, fact=versions[-1].check_in)
            found = Changed(now, corrected_at=versions[-1].since, previous=tuple(versions[:-1]))
        withdrawals = self._withdrawals.get(entry.id)
        if withdrawals:
            why = "\n".join(dict.fromkeys(one.why for one in withdrawals if one.why))
            found = replace(found, withdrawn_at=withdrawals[0].occurred_at, why=why)
        return found

    def counting(self, entries: Sequence[Recorded]) -> list[Recorded]:
        """The entries that count, as they count now."""
        found = [self.of(entry) for entry in entries]
        return [one.now for one in found if one.withdrawn_at is None]


def _corrected(fact: CheckInRecorded, correction: Fact) -> CheckInRecorded:
    if not isinstance(correction, CheckInCorrected):
        raise TypeError("only a correction corrects")
    said = {
        "mood": correction.mood,
        "energy": correction.energy,
        "sleep": correction.sleep,
        "feelings": correction.feelings,
        "note": correction.note,
        "answers": correction.answers,
        "screening": correction.screening,
    }
    return fact.model_copy(update=said)
