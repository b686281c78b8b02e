"""What HTTP asks of messages to patients: the trail of one patient's, and whose a link is."""

from dataclasses import dataclass
from datetime import datetime

from services.notify.domain.patient_links import parse_patient_link, patient_link_is
from services.notify.handlers.letterbox import Letters
from shared.clock import Clock
from shared.contracts import Patient
from shared.contracts.letters import Letter, LetterKind
from shared.documents import Mirror
from shared.errors import Problem, not_found


@dataclass(frozen=True, slots=True)
class Followed:
    """What a link leads to. until: from when on it is good no more."""

    patient: str
    kind: LetterKind
    about: str
    until: datetime


class Messages:
    """Reads; changes nothing."""

    def __init__(self, *, letters: Letters, patients: Mirror[Patient], key: str, clock: Clock) -> None:
        """key: of patients' links; empty where there are none."""
        self._letters, self._patients, self._key, self._clock = letters, patients, key, clock

    async def of_patient(self, clinic: str, patient: str) -> list[Letter]:
        """A patient's messages, newest first. Raises Problem 404 where the clinic has no such patient; Recoverable."""
        known = await self._patients.get(f"{clinic}/{patient}")
        if known is None or known.deleted:
            raise not_found("patient")
        return list(reversed(await self._letters.of_patient(clinic, patient)))

    async def follow(self, clinic: str, token: str, *, of: str | None = None) -> Followed:
        """Whose a link is and what it is about. Raises Problem 404 where it is none of this clinic's (or, where `of`
        names a patient, not theirs) or is no longer good, Recoverable."""
        parsed, now = parse_patient_link(token), self._clock.now()
        for known, letter in await self._letters.named(f"link/{parsed[1]}") if parsed and self._key else []:
            good = patient_link_is(
                self._key, token, clinic=known.clinic, patient=known.patient, about=letter.about, now=now
            )
            patient = await self._patients.get(known.key) if of in (None, known.patient) else None
            if good and parsed and known.clinic == clinic and patient is not None and not patient.deleted:
                return Followed(known.patient, letter.kind, letter.about, parsed[0])
        raise Problem(
            404,
            "link_not_good",
            "This link is no longer good",
            "It has expired, or is not whole. Open the app without it, or wait for the next message.",
        )
