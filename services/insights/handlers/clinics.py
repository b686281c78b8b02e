"""The clinics, read whole by every instance before any patient is handled."""

from shared.bus import Event
from shared.contracts import Clinic
from shared.documents import Table


class ClinicTable:
    """The highest version of every clinic's document. Implements the `Clinics` port."""

    def __init__(self) -> None:
        self._table = Table[Clinic]()

    async def apply(self, event: Event) -> None:
        """Take in a record of the topic; clinicians are no concern of ours."""
        if isinstance(event.data, Clinic):
            self._table.keep_highest([event.data])

    def clinic(self, clinic: str) -> Clinic | None:
        """The highest version of a clinic's document, tombstones included."""
        return self._table.get(clinic)
