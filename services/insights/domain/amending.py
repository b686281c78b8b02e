"""What a patient corrected or withdrew: kept apart, so that it may come before its entry, twice, or in any order."""

from array import array

from services.insights.domain.packed_ids import PackedIds


class Amendments:
    """The last correction of each check-in, and what was withdrawn. Only few patients have any.

    corrected: by the entry's id, the correction's place in the order of facts and its mood in whole hundredths.
    """

    __slots__ = ("corrected", "withdrawn")

    def __init__(self) -> None:
        self.corrected: dict[str, tuple[bytes, int]] = {}
        self.withdrawn: set[str] = set()

    def correct(self, entry: str, key: bytes, hundredths: int) -> bool:
        """Take in a correction; whether it is what counts now. A withdrawal wins over every correction."""
        known = self.corrected.get(entry)
        if known is not None and known[0] > key:
            return False
        self.corrected[entry] = key, hundredths
        return entry not in self.withdrawn

    def withdraw(self, entry: str) -> bool:
        """Take in a withdrawal; whether it is the first of this entry."""
        if entry in self.withdrawn:
            return False
        self.withdrawn.add(entry)
        return True

    def mood_of(self, entry: str, recorded: int) -> int:
        """The mood a check-in counts with."""
        return self.corrected[entry][1] if entry in self.corrected else recorded


class Forms:
    """The days of a patient's questionnaires without a score we follow, by id: what is needed to withdraw one."""

    __slots__ = ("_day", "_ids")

    def __init__(self) -> None:
        self._ids = PackedIds()
        self._day = array("i")

    def add(self, fact_id: str, day: int) -> None:
        """Take in a questionnaire and its day (ordinal)."""
        self._ids.insert(len(self._day), fact_id)
        self._day.append(day)

    def withdraw(self, fact_id: str) -> int | None:
        """Take one out; its day, or None where there is none of this id."""
        row = self._ids.find(fact_id)
        if row < 0:
            return None
        self._ids.remove(row)
        return self._day.pop(row)
