"""What a clinic has settled, ready to be asked: the settings in force at an instant, its rules and working time."""

from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from services.insights.domain.catalogue import InForce, in_force
from services.insights.domain.instants import instant_of, micros
from services.insights.domain.measures import ALWAYS, Measures, known_measures, measures_of, with_measures
from shared.contracts import Clinic
from shared.contracts.clinics import ClinicSettings
from shared.contracts.expected import ExpectedResponse
from shared.working_time import WorkingTime

_OFFICE: Final = (time(9), time(17))
_UNKNOWN: Final = WorkingTime(ZoneInfo("UTC"), dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), _OFFICE))


@dataclass(frozen=True, slots=True)
class Settled:
    """The settings of one stretch of time."""

    rules: InForce
    working_time: WorkingTime
    measures: Measures = field(default_factory=lambda: ALWAYS)
    expected: ExpectedResponse | None = None
    known: Measures = field(default_factory=lambda: known_measures(None))

    def local(self, at: int) -> datetime:
        """An instant on the clinic's own clock."""
        return instant_of(at).astimezone(self.working_time.zone)


def _settled(settings: ClinicSettings) -> Settled:
    return Settled(
        with_measures(in_force(settings.rule_set), settings),
        settings.working_time,
        measures_of(settings),
        settings.expected_response,
        known_measures(settings),
    )


class Standing:
    """A clinic's effective-dated settings. A clinic not (or no longer) known counts as UTC, office hours, `starter`."""

    __slots__ = ("_from", "_settled", "version")

    def __init__(self, clinic: Clinic | None) -> None:
        known = clinic is not None and not clinic.deleted
        self.version = clinic.version if clinic else 0
        if clinic is None or not known:
            self._from = [0]
            self._settled = [Settled(with_measures(in_force(None), None), _UNKNOWN)]
        else:
            self._from = [micros(settings.effective_from) for settings in clinic.settings]
            self._settled = [_settled(settings) for settings in clinic.settings]

    def at(self, instant: int) -> Settled:
        """The settings in force at an instant; before the first, the first."""
        found = self._settled[0]
        for since, settled in zip(self._from, self._settled, strict=True):
            if since <= instant:
                found = settled
        return found

    def next_change(self, now: int) -> int | None:
        """The next instant at which other settings come into force."""
        return min((since for since in self._from if since > now), default=None)
