"""What a clinic has settled, ready to be asked: the settings in force at an instant, its rules and working time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from services.insights.domain.catalogue import CATALOGUE, RISK_ITEM, InForce, in_force
from services.insights.domain.instants import instant_of, micros
from services.insights.domain.risk_rising import RISK_ITEM_RISING
from shared.contracts import Clinic
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
    told_from: Mapping[str, datetime] = field(default_factory=dict)

    def local(self, at: int) -> datetime:
        """An instant on the clinic's own clock."""
        return instant_of(at).astimezone(self.working_time.zone)


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
            stretches = [(in_force(None), _UNKNOWN)]
        else:
            self._from = [micros(settings.effective_from) for settings in clinic.settings]
            stretches = [(in_force(s.rule_set), s.working_time) for s in clinic.settings]
        told_from = _told_from([rules for rules, _ in stretches], self._from, new_rules_from)
        self._settled = [
            Settled(rules, working_time, {} if as_if_always else since)
            for (rules, working_time), since in zip(stretches, told_from, strict=True)
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


def _told_from(stretches: list[InForce], begins: list[int], new: datetime | None) -> list[dict[str, datetime]]:
    """Of each stretch of settings, since when its rules have been in force without a break, in this form.

    The first settings count as in force for ever, but for what the catalogue has had only since some day.
    """
    found: list[dict[str, datetime]] = []
    for number, rules in enumerate(stretches):
        since: dict[str, datetime] = {}
        for name in rules:
            introduced = CATALOGUE[name].introduced
            if number and _form(name, stretches[number - 1]) != _form(name, rules):
                since[name] = instant_of(begins[number])
            elif number and name in found[-1]:
                since[name] = found[-1][name]
            if introduced is not None:
                day = datetime(introduced.year, introduced.month, introduced.day, tzinfo=UTC)
                since[name] = max(since.get(name, day), day, new or day)
        found.append(since)
    return found


def _form(name: str, rules: InForce) -> tuple[object, ...] | None:
    """What makes a rule another one when it changes; None where it is off."""
    if name not in rules:
        return None
    form = tuple(rules[name][one.name] for one in CATALOGUE[name].parameters if one.restarts)
    # a rise that *risk item* has told must not be told again when that rule is switched off
    return (*form, RISK_ITEM.name in rules) if name == RISK_ITEM_RISING.name else form
