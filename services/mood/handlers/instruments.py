"""The instruments a clinic can use, and what may be shown of them. Answers from memory."""

from collections.abc import Mapping
from datetime import datetime

from services.mood.domain import Instrument, Wording, WordingShown, coded, instruments_of, wording_of
from services.mood.handlers.clinics import Clinics, settings_now
from shared.clock import Clock
from shared.contracts.clinics import ClinicSettings
from shared.errors import not_found


class Catalogue:
    """The published instruments for everybody, and for a clinic that is set up its own scales, licences and cut-offs.

    packs: wordings the deployment installed, by instrument. codes: its SNOMED CT codes of scores, by instrument.
    """

    def __init__(
        self, *, clinics: Clinics, clock: Clock, packs: Mapping[str, Wording], codes: Mapping[str, str]
    ) -> None:
        self._clinics, self._clock, self._packs, self._codes = clinics, clock, packs, codes

    def all(self, clinic: str) -> list[tuple[Instrument, WordingShown]]:
        """Every instrument of a clinic, the published ones first."""
        settings = in_force(self._clinics, clinic, self._clock.now())
        return [(coded(one, self._codes), self._shown(one, settings)) for one in instruments_of(settings).values()]

    def one(self, clinic: str, name: str) -> tuple[Instrument, WordingShown]:
        """One instrument. Raises Problem 404."""
        settings = in_force(self._clinics, clinic, self._clock.now())
        instrument = instruments_of(settings).get(name)
        if instrument is None:
            raise not_found("instrument")
        return coded(instrument, self._codes), self._shown(instrument, settings)

    def _shown(self, instrument: Instrument, settings: ClinicSettings | None) -> WordingShown:
        return wording_of(instrument, {} if settings is None else settings.licences, self._packs)


def in_force(clinics: Clinics, clinic: str, now: datetime) -> ClinicSettings | None:
    """A clinic's settings; None for one that is not set up."""
    known = clinics.known(clinic)
    return None if known is None else settings_now(known, now)
