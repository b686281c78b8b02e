"""What a clinic has settled, ready to be asked: the settings in force at an instant, its rules and working time."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from services.insights.domain.catalogue import (
    CATALOGUE,
    NOT_ON_TRACK,
    RELAPSE,
    RELIABLE_DETERIORATION,
    RISK_ITEM,
    InForce,
    in_force,
)
from services.insights.domain.instants import instant_of, micros
from services.insights.domain.measures import ALWAYS, Measures, known_measures, measures_of, with_measures
from services.insights.domain.risk_rising import RISK_ITEM_RISING
from shared.contracts import Clinic
from shared.contracts.clinics import ClinicSettings
from shared.contracts.expected_response import ExpectedResponse
from shared.working_time import WorkingTime

_OFFICE: Final = (time(9), time(17))
_UNKNOWN: Final = WorkingTime(ZoneInfo("UTC"), dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), _OFFICE))


@dataclass(frozen=True, slots=True)
class Settled:
    """The settings of one stretch of time.

    told_from: by rule, since when it has been in force without a break; evidence from before is the past. Those not
    named have been in force for ever.
    """

    rules: InForce
    working_time: WorkingTime
    measures: Measures = field(default_factory=lambda: ALWAYS)
    expected: ExpectedResponse | None = None
    known: Measures = field(default_factory=lambda: known_measures(None))
    told_from: Mapping[str, datetime] = field(default_factory=dict)

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

    __slots__ = ("_from", "_settled", "clinic", "version")

    def __init__(
        self, clinic: Clinic | None, *, as_if_always: bool = False, new_rules_from: datetime | None = None
    ) -> None:
        """as_if_always: every rule counts as in force for ever, as a backtest has it.

        new_rules_from: since when we have the rules that the catalogue has not had from the beginning.
        """
        self.version = clinic.version if clinic else 0
        self.clinic = None if clinic is None or clinic.deleted else clinic
        if clinic is None or clinic.deleted:
            self._from = [0]
            stretches = [Settled(with_measures(in_force(None), None), _UNKNOWN)]
        else:
            self._from = [micros(settings.effective_from) for settings in clinic.settings]
            stretches = [_settled(settings) for settings in clinic.settings]
        told_from = _told_from(stretches, self._from, new_rules_from)
        self._settled = [
            one if as_if_always else replace(one, told_from=since)
            for one, since in zip(stretches, told_from, strict=True)
        ]

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


def _told_from(stretches: list[Settled], begins: list[int], new: datetime | None) -> list[dict[str, datetime]]:
    """Of each stretch of settings, since when its rules have been in force without a break, in this form.

    The first settings count as in force for ever, but for what the catalogue has had only since some day.
    """
    found: list[dict[str, datetime]] = []
    for number, settled in enumerate(stretches):
        since: dict[str, datetime] = {}
        for name in settled.rules:
            introduced = CATALOGUE[name].introduced
            if number and _form(name, stretches[number - 1]) != _form(name, settled):
                since[name] = instant_of(begins[number])
            elif number and name in found[-1]:
                since[name] = found[-1][name]
            if introduced is not None:
                day = datetime(introduced.year, introduced.month, introduced.day, tzinfo=UTC)
                since[name] = max(since.get(name, day), day, new or day)
            revised = CATALOGUE[name].revised
            if new is not None and revised is not None and new.astimezone(UTC).date() >= revised:
                since[name] = max(since.get(name, new), new)
        found.append(since)
    return found


def _form(name: str, settled: Settled) -> tuple[object, ...] | None:
    """What makes a rule another one when it changes; None where it is off."""
    rules = settled.rules
    if name not in rules:
        return None
    lasting = {one.name for one in CATALOGUE[name].parameters if not one.restarts}
    # with the numbers of the clinic's own measures, which are no parameters of the catalogue
    form: tuple[object, ...] = (sorted((key, value) for key, value in rules[name].items() if key not in lasting),)
    if name == RISK_ITEM_RISING.name:  # a rise that *risk item* has told must not be told again when it is switched off
        return (*form, RISK_ITEM.name in rules)
    if name == RELAPSE.name:  # the same of a score that *reliable deterioration* has told
        return (*form, _form(RELIABLE_DETERIORATION.name, settled))
    if name == NOT_ON_TRACK.name and settled.expected is not None:
        return (*form, {key: bands for key, bands in settled.expected.measures.items() if key in settled.measures})
    return form
