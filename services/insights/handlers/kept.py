"""Which events insights takes in, and how they are kept: the record's own bytes behind one letter for its kind.

Between the two, a fact has eight bytes more: when it was accepted at the door, in microseconds since 1970.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from functools import lru_cache
from typing import Final, cast

from services.insights.domain import PatientState
from services.insights.domain.ports import Remembered
from shared.contracts import (
    CheckInCorrected,
    CheckInRecorded,
    EntryWithdrawn,
    Patient,
    Question,
    QuestionAsked,
    QuestionnaireCompleted,
    Session,
    StrategiesPinned,
    StrategyTried,
)
from shared.contracts.base import Contract, Document, Fact, Number
from shared.contracts.screening import Screening
from shared.errors import Recoverable

FACTS: Final[Mapping[type[Contract], bytes]] = {
    CheckInRecorded: b"c",
    QuestionnaireCompleted: b"q",
    QuestionAsked: b"a",
    CheckInCorrected: b"k",
    EntryWithdrawn: b"w",
    StrategyTried: b"t",
    StrategiesPinned: b"p",
}
"""The facts taken in, and the letter each is kept under. What is no word from the patient is not among them."""

DOCUMENTS: Final[Mapping[type[Contract], bytes]] = {Patient: b"P", Session: b"S", Question: b"Q"}
"""The documents taken in, and the letter each is kept under."""

KINDS: Final = FACTS.keys() | DOCUMENTS.keys()
"""Everything that is kept with a patient."""

_READERS: Final = {letter: model for models in (FACTS, DOCUMENTS) for model, letter in models.items()}


_RECKONED: Final = 2**31 - 1
"""What an answer is kept as: a C int. Totals in hundredths, and their squares, are floats and ints then too."""


def place_of(document: Document) -> str:
    """Under which name a document is kept with its patient."""
    if isinstance(document, Session):
        return f"S{document.session}"
    if isinstance(document, Question):
        return f"Q{document.question}"
    return "P"


@lru_cache(maxsize=4096)
def month_of(day: date) -> str:
    """The month document that the facts of a local day are kept in."""
    return day.isoformat()[:7]


def reckonable(fact: QuestionnaireCompleted) -> bool:
    """Whether its numbers can be reckoned with. Doors take far less; what is beyond was recorded before they did."""
    numbers: list[Number] = [fact.score or 0, fact.prorated_score or 0, *(answer.value for answer in fact.risk_answers)]
    numbers += (fact.items or {}).values()
    return min(numbers) >= -_RECKONED and max(numbers) <= _RECKONED


def keep_fact(letter: bytes, accepted: int, value: bytes) -> bytes:
    """A fact as it is kept."""
    return letter + accepted.to_bytes(8) + value


def _read(kept: bytes, skipped: int) -> Contract:
    model = _READERS.get(kept[:1])
    if model is None:
        # a newer version of insights kept it: its owner is on the way
        raise Recoverable("The store holds an entry of a kind this version does not know yet.")
    return model.model_validate_json(kept[skipped:])


def fact_of(kept: bytes) -> Fact:
    """A fact as it was recorded. Raises Recoverable."""
    return cast("Fact", _read(kept, 9))


def document_of(kept: bytes) -> Contract:
    """A document as it was published. Raises Recoverable."""
    return _read(kept, 1)


def state_of(remembered: Remembered) -> PatientState:
    """A patient's state, computed anew from what is kept. Raises Recoverable."""
    state = PatientState()
    for fact_id, kept in remembered.facts:
        state.add(fact_id, fact_of(kept), int.from_bytes(kept[1:9]))
    for kept in remembered.documents:
        state.apply(document_of(kept))
    for event_id, risk in remembered.aside.items():
        state.set_aside(event_id, risk=risk)
    return state


def facts_of(remembered: Remembered) -> Iterator[tuple[str, Fact]]:
    """The facts kept of a patient, by id."""
    return ((fact_id, cast("Fact", _read(kept, 9))) for fact_id, kept in remembered.facts)


def questionnaires_of(remembered: Remembered) -> Iterator[tuple[str, QuestionnaireCompleted]]:
    """The questionnaires kept of a patient, by id, those withdrawn left out; other entries are not even parsed."""
    withdrawn = {cast("EntryWithdrawn", _read(kept, 9)).entry for _, kept in remembered.facts if kept[:1] == b"w"}
    for fact_id, kept in remembered.facts:
        if kept[:1] == FACTS[QuestionnaireCompleted] and fact_id not in withdrawn:
            yield fact_id, cast("QuestionnaireCompleted", _read(kept, 9))


def documents_of(remembered: Remembered) -> Iterator[Contract]:
    """The documents kept of a patient, tombstones included."""
    return (_read(kept, 1) for kept in remembered.documents)


def carries_risk(data: Contract) -> bool:
    """Whether somebody may be in danger if this event is not processed."""
    if isinstance(data, QuestionnaireCompleted):
        return any(answer.value >= 1 for answer in data.risk_answers)
    written = data.rating if isinstance(data, Session) else data
    screening: Screening | None = getattr(written, "screening", None)
    return screening is not None and screening.crisis_language
