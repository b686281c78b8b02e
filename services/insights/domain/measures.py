"""Which questionnaires the rules about scores judge, and how each is read."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from services.insights.domain.catalogue import (
    NOT_ON_TRACK,
    RELAPSE,
    RELIABLE_DETERIORATION,
    STALLED,
    InForce,
)
from shared.contracts.base import Number
from shared.contracts.clinics import ClinicSettings
from shared.contracts.moods import PartialTotal, QuestionnaireCompleted


class Measure(NamedTuple):
    """A questionnaire: the inclusive range of its totals; worse: 1 where a higher total is worse, -1 where better."""

    minimum: Number
    maximum: Number
    worse: int = 1


Measures = Mapping[str, Measure]
"""The measures judged, by name, in the order in which a concern names them."""

ALWAYS: Final[Measures] = {"phq9": Measure(0, 27), "gad7": Measure(0, 21)}
"""Judged in every clinic, by the parameters of each rule."""

_INSTRUMENTS: Final[Measures] = {
    "phq4": Measure(0, 12),
    "core10": Measure(0, 40),
    "pcl5": Measure(0, 80),
    "k10-50": Measure(10, 50),
    "k10-40": Measure(0, 40),
    "who5": Measure(0, 100, -1),
    "wsas-40": Measure(0, 40),
    "wsas-32": Measure(0, 32),
    "ors": Measure(0, 40, -1),
    "srs": Measure(0, 40, -1),
    "wai-sr": Measure(1, 5, -1),
}
"""The other instruments of mood's catalogue: judged where the clinic gives a reliable change of its own."""


_SUMMED: Final[Mapping[str, tuple[int, int]]] = {"phq9": (9, 3), "gad7": (7, 3)}
"""How many items, "1", "2" and so on, a total is the plain sum of, and the greatest answer; the least is 0."""


def partial_of(fact: QuestionnaireCompleted) -> PartialTotal | None:
    """Between which totals a form with items left out lies; None where that is not known, or it has a valid score.

    Facts of before mood said so carry their items alone: for the two measures judged everywhere it follows from them.
    """
    if fact.score is not None:
        return None
    if fact.partial is not None or not fact.items or fact.instrument not in _SUMMED:
        return fact.partial
    count, greatest = _SUMMED[fact.instrument]
    given = [fact.items[name] for name in map(str, range(1, count + 1)) if name in fact.items]
    missing = count - len(given)
    if not given or not missing:
        return None
    return PartialTotal(least=sum(given), most=sum(given) + greatest * missing, missing=missing)


def known_measures(settings: ClinicSettings | None) -> Measures:
    """Every measure a clinic can record a total of, with how it is read."""
    scales = () if settings is None else settings.scales
    return {
        **ALWAYS,
        **_INSTRUMENTS,
        **{s.name: Measure(s.minimum, s.maximum, 1 if s.higher_is_worse else -1) for s in scales},
    }


def measures_of(settings: ClinicSettings | None) -> Measures:
    """PHQ-9 and GAD-7, then by name every other measure the clinic's `cut_offs` give a reliable change for."""
    found = dict(ALWAYS)
    if settings is None:
        return found
    known = known_measures(settings)
    for name, cut_off in sorted(settings.cut_offs.items()):
        if name in known and name not in found and cut_off.reliable_change is not None:
            found[name] = known[name]
    return found


def with_measures(rules: InForce, settings: ClinicSettings | None) -> InForce:
    """The rules in force, those about scores with parameters for the measures of the clinic's own cut-offs too."""
    found = dict(rules)
    for name in measures_of(settings):
        if settings is None or name in ALWAYS:
            continue
        caseness, change = settings.cut_offs[name].caseness, settings.cut_offs[name].reliable_change
        if change is not None and RELIABLE_DETERIORATION.name in found:
            found[RELIABLE_DETERIORATION.name] = {**found[RELIABLE_DETERIORATION.name], name: change}
        if change is not None and NOT_ON_TRACK.name in found:
            found[NOT_ON_TRACK.name] = {**found[NOT_ON_TRACK.name], f"{name}_change": change}
        if change is not None and caseness is not None:
            own = {f"{name}_caseness": caseness, f"{name}_change": change}
            found |= {rule: {**found[rule], **own} for rule in (RELAPSE.name, STALLED.name) if rule in found}
    if settings is None or settings.expected_response is None:
        found.pop(NOT_ON_TRACK.name, None)
    return found
