"""The instruments: what can be recorded, how it is scored, and its wording where that may be shown."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field

from services.mood.domain import Instrument, Item, Licence, Range, Showing, Threshold, WordingShown
from services.mood.handlers import Catalogue
from shared.auth import Caller
from shared.contracts.base import Id, Number
from shared.runtime import BEHIND_DOCUMENTED, Patients, WaitForPosition, caller_with, problems, settle

router = APIRouter(tags=["instruments"])
InstrumentId = Annotated[Id, Path(description="The id it is recorded under, as in phq9.")]


class InstrumentListed(BaseModel):
    """An instrument, in short."""

    id: str = Field(description="What to send as `instrument` with POST /v1/questionnaires.")
    measure: str = Field(description="What variants with other ranges have in common; they are never compared.")
    title: str
    range: Range
    higher_is_worse: bool
    recall_days: int = Field(description="How many days back it asks; 0: now, or the session.")
    item_count: int = Field(description="0 where a total alone is recorded.")
    external: bool = Field(description="Given and scored elsewhere: a total alone is recorded, and nothing is shown.")
    snomed: str | None = Field(
        description="The SNOMED CT concept of its score, as this deployment has it under its own licence; null: none."
    )
    licence: Licence
    showing: Showing = Field(description="Whether its wording can be shown to this clinic's patients.")
    why: str | None = Field(description="Why it is not shown and what to do; null where it is.")


class ItemShown(BaseModel):
    """An item and its inclusive range. Send answers as printed: reversed ones are turned round when scored."""

    item: str
    minimum: int
    maximum: int
    reversed: bool
    scored: bool = Field(description="False: asked, but not part of the total.")
    risk: bool = Field(
        description="It asks about harm; any answer above 0 is told to a human, and it is never estimated."
    )
    urgent_from: int | None = Field(description="A risk answer this high is told at once; null for other items.")
    loinc: str | None
    text: str | None = Field(description="Its words; null where the wording may not be shown or is not there.")
    options: dict[int, str] | None = Field(description="What each answer is called; null as for `text`.")


class BandShown(BaseModel):
    """A severity band."""

    name: str
    minimum: Number
    maximum: Number


class ProratingShown(BaseModel):
    """How many items may be missing for an estimated total."""

    most_missing: int
    source: str


class InstrumentShown(InstrumentListed):
    """An instrument, whole. Null and empty mean that nothing is confirmed, not that there is nothing."""

    items: list[ItemShown]
    times: int = Field(description="What the sum of the items is multiplied by.")
    bands: list[BandShown]
    caseness: Threshold | None = Field(description="A total at it or beyond, in the worse direction, is a case.")
    reliable_change: Threshold | None = Field(description="A difference this large is more than chance.")
    prorating: ProratingShown | None = Field(description="Null: no total is estimated.")
    source: str
    loinc_panel: str | None
    loinc_total: str | None
    stem: str | None = Field(description="The question above the items; null where the wording is not shown.")
    attribution: str | None = Field(description="To be shown with the wording.")


class Instruments(BaseModel):
    """What this clinic can record."""

    items: list[InstrumentListed] = Field(description="The published ones first, then the clinic's own scales.")


@router.get(
    "/v1/instruments",
    operation_id="list_instruments",
    summary="The instruments that can be recorded",
    responses={200: {"headers": BEHIND_DOCUMENTED}, **problems(400)},
)
async def list_instruments(
    request: Request, *, wait_for: WaitForPosition, caller: Caller = caller_with("entries:read", Patients.ALIKE)
) -> Instruments:
    """The published instruments and the clinic's own scales, in short. Answers of all of them are recorded with
    POST /v1/questionnaires, whether or not their wording may be shown."""
    await settle(wait_for, request.state.reached)
    catalogue: Catalogue = request.state.catalogue
    return Instruments(items=[InstrumentListed(**_in_short(one, words)) for one, words in catalogue.all(caller.clinic)])


@router.get(
    "/v1/instruments/{instrument}",
    operation_id="read_instrument",
    summary="One instrument: items, scoring, numbers with their sources, wording where it may be shown",
    responses={200: {"headers": BEHIND_DOCUMENTED}, **problems(400, 404)},
)
async def read_instrument(
    request: Request,
    *,
    instrument: InstrumentId,
    wait_for: WaitForPosition,
    caller: Caller = caller_with("entries:read", Patients.ALIKE),
) -> InstrumentShown:
    """A wording is shown where its licence lets everybody show it, or where the clinic has attested to a licence
    (`licences` of PUT /v1/clinic); else `why` says what to do. Show it as it is, with its `attribution`."""
    await settle(wait_for, request.state.reached)
    catalogue: Catalogue = request.state.catalogue
    return _whole(*catalogue.one(caller.clinic, instrument))


def _in_short(one: Instrument, words: WordingShown) -> dict[str, object]:
    return {
        "id": one.name,
        "measure": one.measure,
        "title": one.title,
        "range": Range(minimum=one.minimum, maximum=one.maximum),
        "higher_is_worse": one.higher_is_worse,
        "recall_days": one.recall_days,
        "item_count": len(one.items),
        "external": one.external,
        "snomed": one.snomed,
        "licence": one.licence,
        "showing": words.showing,
        "why": words.why,
    }


def _whole(one: Instrument, words: WordingShown) -> InstrumentShown:
    wording, case, change, rule = words.wording, one.caseness, one.reliable_change, one.prorating
    return InstrumentShown.model_validate(
        _in_short(one, words)
        | {
            "items": [_item(name, item, words) for name, item in one.items.items()],
            "times": one.times,
            "bands": [BandShown(name=band.name, minimum=band.minimum, maximum=band.maximum) for band in one.bands],
            "caseness": None if case is None else Threshold(value=case.value, source=case.source),
            "reliable_change": None if change is None else Threshold(value=change.value, source=change.source),
            "prorating": None if rule is None else ProratingShown(most_missing=rule.most_missing, source=rule.source),
            "source": one.source,
            "loinc_panel": one.loinc_panel,
            "loinc_total": one.loinc_total,
            "stem": None if wording is None else wording.stem,
            "attribution": None if wording is None else wording.attribution,
        }
    )


def _item(name: str, item: Item, words: WordingShown) -> ItemShown:
    wording = words.wording
    return ItemShown(
        item=name,
        minimum=item.minimum,
        maximum=item.maximum,
        reversed=item.reversed,
        scored=item.scored,
        risk=item.risk,
        urgent_from=item.urgent_from if item.risk else None,
        loinc=item.loinc,
        text=None if wording is None else wording.items[name],
        options=None if wording is None else dict(wording.other_answers.get(name, wording.answers)),
    )
