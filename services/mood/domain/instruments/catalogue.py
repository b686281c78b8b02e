"""Every instrument there is: the published ones, and what a clinic adds of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from services.mood.domain.instruments.core10 import CORE10
from services.mood.domain.instruments.declaration import Cut, Instrument, Item, Licence
from services.mood.domain.instruments.external import ORS, SRS, WAI_SR
from services.mood.domain.instruments.gad7 import GAD7
from services.mood.domain.instruments.k10 import K10_40, K10_50
from services.mood.domain.instruments.pcl5 import PCL5
from services.mood.domain.instruments.phq4 import PHQ4
from services.mood.domain.instruments.phq9 import PHQ9
from services.mood.domain.instruments.who5 import WHO5
from services.mood.domain.instruments.wsas import WSAS_32, WSAS_40
from services.mood.domain.refusals import refused
from shared.contracts.clinics import ClinicSettings, CutOff, Scale
from shared.errors import FieldError

INSTRUMENTS: Final[Mapping[str, Instrument]] = {
    one.name: one for one in (PHQ9, GAD7, PHQ4, CORE10, PCL5, K10_50, K10_40, WHO5, WSAS_40, WSAS_32, ORS, SRS, WAI_SR)
}
_WATCHED: Final = frozenset({PHQ9.name, GAD7.name})
"""Those the rules look at: never a clinic's own, however it was declared."""
_BY_THE_CLINIC: Final = "set by the clinic"


def instrument_named(name: str, scales: Sequence[Scale]) -> Instrument:
    """A published instrument, or a scale the clinic declared.

    A scale that was declared before an instrument of its name was built in goes on as the clinic's own, so that its
    answers are not refused overnight; intake takes no new one. PHQ-9 and GAD-7 cannot be redefined.
    Raises Problem 422 naming what there is.
    """
    if name not in _WATCHED:
        for scale in scales:
            if scale.name == name:
                return _declared(scale)
    if name in INSTRUMENTS:
        return INSTRUMENTS[name]
    variants = [one for one in INSTRUMENTS.values() if one.measure == name]
    if variants:
        which = " or ".join(f"{one.name} for {one.title}" for one in variants)
        raise refused(FieldError("/instrument", f"send the variant, so that its scores are not mixed: {which}"))
    known = ", ".join([*INSTRUMENTS, *(scale.name for scale in scales)])
    raise refused(
        FieldError("/instrument", f"send one of: {known}; a scale of your own is declared with PUT /v1/clinic first")
    )


def instruments_of(settings: ClinicSettings | None) -> dict[str, Instrument]:
    """All that a clinic can record by name, its own scales last, with the cut-offs it has set."""
    scales = [] if settings is None else settings.scales
    cut_offs = {} if settings is None else settings.cut_offs
    names = [*INSTRUMENTS, *(scale.name for scale in scales if scale.name not in INSTRUMENTS)]
    return {name: _with(instrument_named(name, scales), cut_offs.get(name)) for name in names}


def _declared(scale: Scale) -> Instrument:
    return Instrument(
        name=scale.name,
        measure=scale.name,
        title=scale.name,
        items={
            name: Item(minimum=item.minimum, maximum=item.maximum, risk=item.risk, urgent_from=item.urgent_from)
            for name, item in scale.items.items()
        },
        minimum=scale.minimum,
        maximum=scale.maximum,
        recall_days=scale.recall_days,
        whole=False,
        higher_is_worse=scale.higher_is_worse,
        licence=Licence.CLINICS_OWN,
        source="declared by the clinic",
        own=True,
    )


def _with(instrument: Instrument, cut_off: CutOff | None) -> Instrument:
    if cut_off is None:
        return instrument
    case, change = cut_off.caseness, cut_off.reliable_change
    return replace(
        instrument,
        caseness=instrument.caseness if case is None else Cut(case, _BY_THE_CLINIC),
        reliable_change=instrument.reliable_change if change is None else Cut(change, _BY_THE_CLINIC),
    )
