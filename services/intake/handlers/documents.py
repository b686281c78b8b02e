"""Everything intake owns, and what every use case asks of it."""

from dataclasses import dataclass
from typing import Any, Final, Self, TypeVar

from services.intake import domain
from services.intake.store import Questions
from shared.bus import Publisher
from shared.clock import Clock
from shared.contracts import Clinic, Clinician, Document, Patient, Question, Session
from shared.documents import Owned
from shared.errors import FieldError, Problem, invalid, not_found
from shared.mongo import Database

SERVICE: Final = "intake"
D = TypeVar("D", bound=Document)


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """Everything intake owns."""

    clinics: Owned[Clinic]
    clinicians: Owned[Clinician]
    patients: Owned[Patient]
    sessions: Owned[Session]
    questions: Owned[Question]

    @classmethod
    def of(cls, database: Database, publisher: Publisher, clock: Clock) -> Self:
        """In a database, published with a publisher."""
        rest: dict[str, Any] = {"publisher": publisher, "clock": clock, "service": SERVICE}
        return cls(
            clinics=Owned(collection=database["clinics"], model=Clinic, **rest),
            clinicians=Owned(collection=database["clinicians"], model=Clinician, **rest),
            patients=Owned(collection=database["patients"], model=Patient, tombstone=domain.forget_patient, **rest),
            sessions=Owned(
                collection=database["sessions"],
                model=Session,
                facets={"patient": lambda session: session.patient},
                tombstone=domain.forget_session,
                **rest,
            ),
            questions=Owned(
                collection=database["questions"],
                model=Question,
                facets={"patient": lambda question: question.patient},
                tombstone=domain.forget_question,
                **rest,
            ),
        )

    def each(self) -> "tuple[Owned[Any], ...]":
        """One after the other."""
        return self.clinics, self.clinicians, self.patients, self.sessions, self.questions


def clinic_not_set_up() -> Problem:
    """409: everything begins with the clinic."""
    return Problem(
        409,
        "clinic_not_set_up",
        "Your clinic is not set up yet",
        "PUT /v1/clinic first: its time zone, working hours, rule set and fallback contact. Then send this again.",
    )


async def found(owned: Owned[D], key: str, noun: str) -> D:
    """A document that must be there. Raises Problem 404 that names it by `noun`."""
    return present(await owned.load(key), noun)


def present(document: D | None, noun: str) -> D:
    """The document, which must be there. Raises Problem 404 that names it by `noun`."""
    if document is None:
        raise not_found(noun)
    return document


async def expect_clinician(documents: Documents, clinic: str, clinician: str | None) -> None:
    """Refuse (422) a clinician the clinic does not have."""
    if clinician is not None and await documents.clinicians.load(f"{clinic}/clinician/{clinician}") is None:
        raise invalid(
            FieldError(
                "/clinician", "Your clinic has no such clinician: PUT /v1/clinicians/{id} first, or leave it out."
            )
        )


async def forget(documents: Documents, asked: Questions, clinic: str, patient: str) -> None:
    """Leave tombstones of a deleted patient's sessions and questions, and drop what they asked. Safe to repeat."""
    while sessions := (await documents.sessions.page(clinic, where={"patient": patient}, limit=200)).items:
        for session in sessions:
            await documents.sessions.remove(session.key)
    while questions := (await documents.questions.page(clinic, where={"patient": patient}, limit=200)).items:
        for question in questions:
            await documents.questions.remove(question.key)
    await asked.forget(clinic, patient)
