"""Whether an instrument's wording may be shown, and wordings that a deployment brings along."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.mood.domain.instruments.catalogue import INSTRUMENTS
from services.mood.domain.instruments.declaration import Instrument, Wording


class Showing(StrEnum):
    """What may be done with an instrument's wording."""

    SHOWN = "shown"
    LICENCE_NEEDED = "licence_needed"
    NOT_INSTALLED = "not_installed"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class WordingShown:
    """The wording where it may be shown and is there; else None, and `why` says what to do."""

    showing: Showing
    wording: Wording | None = None
    why: str | None = None


class Pack(BaseModel):
    """A wording as a deployment brings it, under a licence of its own: one JSON file for each instrument."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stem: str = Field(min_length=1)
    items: dict[str, str] = Field(min_length=1)
    answers: dict[int, str] = Field(min_length=2)
    other_answers: dict[str, dict[int, str]] = Field(default_factory=dict)
    attribution: str = Field(min_length=1)


_EXTERNAL: Final = "It is given and scored under somebody else's licence; only its name and total are recorded here."


def wording_of(instrument: Instrument, licences: Mapping[str, str], packs: Mapping[str, Wording]) -> WordingShown:
    """What may be shown of an instrument to a clinic.

    licences: what the clinic has attested to, by measure. packs: wordings that the deployment installed, by instrument.
    """
    if instrument.external:
        return WordingShown(Showing.NEVER, why=_EXTERNAL)
    if instrument.own:
        return WordingShown(
            Showing.NOT_INSTALLED, why="It is the clinic's own scale, and its wording is with the clinic."
        )
    if not instrument.licence.free and instrument.measure not in licences:
        why = (
            f"Its licence ({instrument.licence.value}) does not let us show it to everybody. If your clinic may use "
            f'it, send PUT /v1/clinic with licences: {{"{instrument.measure}": "<the licence you hold>"}}.'
        )
        return WordingShown(Showing.LICENCE_NEEDED, why=why)
    wording = packs.get(instrument.name, instrument.wording)
    if wording is None:
        why = f"Its wording is not part of Rapport: install {instrument.name}.json in the folder of wording packs."
        return WordingShown(Showing.NOT_INSTALLED, why=why)
    return WordingShown(Showing.SHOWN, wording)


def read_pack(name: str, content: bytes) -> Wording:
    """The wording in a pack's file. Raises ValueError that says what to correct, so that a wrong one does not start.

    Every item and every answer needs its words, since a patient cannot answer what is not there.
    """
    instrument = INSTRUMENTS.get(name)
    if instrument is None or instrument.external:
        showable = ", ".join(one.name for one in INSTRUMENTS.values() if not one.external)
        raise ValueError(f"{name}.json: name the file after one of {showable}")
    try:
        pack = Pack.model_validate_json(content)
    except ValidationError as error:
        wrong = "; ".join(f"{'/'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise ValueError(f"{name}.json: {wrong}") from None
    if pack.items.keys() != instrument.items.keys():
        raise ValueError(f"{name}.json: give the words of exactly these items: {', '.join(instrument.items)}")
    for number, item in instrument.items.items():
        words = pack.other_answers.get(number, pack.answers)
        if words.keys() != set(range(item.minimum, item.maximum + 1)):
            raise ValueError(
                f"{name}.json: item {number} needs a word for each answer, {item.minimum} to {item.maximum}"
            )
    return Wording(
        stem=pack.stem,
        items=pack.items,
        answers=pack.answers,
        attribution=pack.attribution,
        other_answers=pack.other_answers,
    )
