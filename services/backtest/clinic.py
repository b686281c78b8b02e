"""The clinic of a backtest, from a rules file: set up by intake's own rules, so what PUT /v1/clinic refuses is refused.

```yaml
base: starter              # or none
rules:
  mood_shift: {lambda: 0.2}
  gone_quiet: off
scales:                    # measures that are not built in
  moodpath: {minimum: 0, maximum: 4, items: {q16: {minimum: 0, maximum: 4, risk: true}}}
cut_offs:                  # optional: these scales are then judged by the rules about scores too
  bdi: {reliable_change: 9, caseness: 10}
zone: Europe/Berlin        # optional; UTC
working_hours: {mon: ["09:00", "17:00"]}   # optional; Monday to Friday, 9 to 5
```
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError

from services.backtest.refusals import Refused
from services.intake.domain import set_up_clinic
from shared.contracts import Clinic
from shared.contracts.clinics import ClinicSettings, CutOff, RuleSet, Scale, ScaleItem
from shared.errors import Problem

CLINIC: Final = "backtest"
"""The id and name of the one clinic of a backtest."""
_ALWAYS: Final = datetime(1900, 1, 1, tzinfo=UTC)
_OFFICE: Final = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), ("09:00", "17:00"))
_NOBODY: Final = {"name": "nobody", "email": "nobody@backtest.invalid"}
"""A clinic must have somebody to fall back on; a backtest tells nobody."""

_WANTED: Final = {
    "base": "write starter or none",
    "rules": "write each rule as `gone_quiet: {min_days: 10}`, or `gone_quiet: off`",
    "scales": "write each measure as `sleepscale: {minimum: 0, maximum: 10}`, the minimum below the maximum, and its "
    "items, where it has any, as `items: {q1: {minimum: 0, maximum: 4, risk: true}}`",
    "cut_offs": "write each measure's numbers as `bdi: {reliable_change: 9, caseness: 10}`, or one of the two",
    "zone": "write an IANA time zone such as Europe/London",
    "working_hours": 'write opening and closing time by weekday, as in `mon: ["09:00", "17:00"]`',
}


def starter_clinic() -> Clinic:
    """A clinic that has chosen nothing but the starter set: UTC, office hours, no scale of its own."""
    return _set_up({"base": "starter"}, "")


def with_rules(clinic: Clinic, rule_set: RuleSet) -> Clinic:
    """The same clinic under other rules."""
    settings = clinic.settings[0].model_copy(update={"rule_set": rule_set})
    return clinic.model_copy(update={"settings": [settings]})


def read_clinic(rules: Path) -> Clinic:
    """The clinic that a rules file describes.

    Raises:
        Refused: the file cannot be read, or what in it is wrong, key by key.
    """
    try:
        content = yaml.safe_load(rules.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise Refused([f"{rules} cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError as error:
        raise Refused([f"{rules.name} is not UTF-8 at byte {error.start}: save it as UTF-8"]) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # a date that is none is a ValueError to it
        raise Refused([f"{rules.name} is not readable as YAML: {' '.join(str(error).split())}"]) from None
    if not isinstance(content, dict):
        raise Refused([f"{rules.name}: write keys and values, beginning with `base: starter`"])
    return _set_up(content, f"{rules.name}: ")


def _set_up(content: Mapping[Any, Any], where: str) -> Clinic:
    problems = [
        f"there is no key {key}: the keys are {', '.join(_WANTED)}" for key in map(str, content) if key not in _WANTED
    ]
    rules, scales = _rules(content.get("rules"), problems), _scales(content.get("scales"), problems)
    given = {
        "effective_from": _ALWAYS,
        "zone": content.get("zone", "UTC"),
        "working_hours": _hours(content.get("working_hours", _OFFICE)),
        "rule_set": {"base": content.get("base"), "rules": rules},
        "scales": scales,
        "cut_offs": _cut_offs(content.get("cut_offs"), problems),
        "fallback_contact": _NOBODY,
    }
    try:
        clinic = set_up_clinic(
            None, clinic=CLINIC, name=CLINIC, settings=ClinicSettings.model_validate(given), in_care=False
        )
    except ValidationError as error:
        found = [_place(one["loc"], scales)[:2] for one in error.errors(include_url=False, include_input=False)]
        problems += [f"{'.'.join(place)}: {_WANTED[place[0]]}" for place in sorted({*map(tuple, found)})]
    except Problem as problem:
        problems += [f"{'.'.join(_place(e.pointer.split('/')[1:], scales))}: {e.message}" for e in problem.errors]
    if problems:
        raise Refused([f"{where}{problem}" for problem in problems])
    return clinic


def _rules(given: Any, problems: list[str]) -> dict[str, Any]:
    """The choices of rules as a rule set has them; YAML reads a bare `off` as False."""
    found: dict[str, Any] = {}
    for name, choice in _entries("rules", given, problems):
        if choice is False or choice == "off":
            found[name] = {"enabled": False}
        elif isinstance(choice, dict):
            parameters = {str(key): value for key, value in choice.items()}
            wrong = [key for key, value in parameters.items() if not _is_number(value)]
            problems += [f"rules.{name}.{key}: write a number" for key in wrong]
            found[name] = {"parameters": {key: value for key, value in parameters.items() if key not in wrong}}
        else:
            problems.append(f"rules.{name}: {_WANTED['rules']}")
    return found


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _scales(given: Any, problems: list[str]) -> list[dict[str, Any]]:
    """The scales as a clinic declares them. What is not known is refused, so that a misspelt `risk` is not lost."""
    found = []
    for name, scale in _entries("scales", given, problems):
        if not isinstance(scale, dict):
            problems.append(f"scales.{name}: {_WANTED['scales']}")
            continue
        items = dict(_entries(f"scales.{name}.items", scale.get("items"), problems))
        problems += _unknown(f"scales.{name}", scale, [key for key in Scale.model_fields if key != "name"])
        for item, field in items.items():
            if isinstance(field, dict):
                problems += _unknown(f"scales.{name}.items.{item}", field, [*ScaleItem.model_fields])
        found.append({**{str(key): value for key, value in scale.items()}, "name": name, "items": items})
    return found


def _cut_offs(given: Any, problems: list[str]) -> dict[str, Any]:
    """The clinic's own numbers by measure. What is not known is refused, so that a misspelt `caseness` is not lost."""
    found = {}
    for name, cut_off in _entries("cut_offs", given, problems):
        if not isinstance(cut_off, dict):
            problems.append(f"cut_offs.{name}: {_WANTED['cut_offs']}")
            continue
        problems += _unknown(f"cut_offs.{name}", cut_off, [*CutOff.model_fields])
        wrong = [key for key in CutOff.model_fields if key in cut_off and not _is_number(cut_off[key])]
        problems += [f"cut_offs.{name}.{key}: write a number" for key in wrong]
        found[name] = {key: value for key, value in cut_off.items() if key not in wrong}
    return found


def _entries(place: str, given: Any, problems: list[str]) -> list[tuple[str, Any]]:
    """A mapping's entries, their keys as text (YAML reads a bare 1 as a number); nothing where nothing was written."""
    if given is None:
        return []
    if not isinstance(given, dict):
        problems.append(f"{place}: {_WANTED[place.partition('.')[0]]}")
        return []
    return [(str(key), value) for key, value in given.items()]


def _unknown(place: str, given: Mapping[Any, Any], known: list[str]) -> list[str]:
    return [f"{place}: there is no key {key}: the keys are {', '.join(known)}" for key in given if key not in known]


def _hours(given: Any) -> Any:
    """YAML reads a bare 17:00 as 17 times 60: turned back into the time of day that was written."""
    if not isinstance(given, dict):
        return given
    return {
        str(day): [f"{t // 60:02}:{t % 60:02}" if type(t) is int and t >= 0 else t for t in times]
        if isinstance(times, list)
        else times
        for day, times in given.items()
    }


def _place(loc: Sequence[Any], scales: list[dict[str, Any]]) -> list[str]:
    """Where in the file a field of the clinic's settings stands."""
    parts = [str(part) for part in loc]
    if parts[0] == "rule_set":
        parts = [part for part in parts[1:] if part != "parameters"]
    if parts[0] == "scales" and len(parts) > 1:
        parts[1] = scales[int(parts[1])]["name"]
    return parts
