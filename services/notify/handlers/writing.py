"""What a letter to a patient says, from the documents as they are now."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from services.notify.domain.deliveries import Channel
from services.notify.domain.letters import letter_token
from services.notify.domain.notices import Notice
from services.notify.domain.patient_links import patient_link_token
from services.notify.domain.wording import Words, words_of
from services.notify.handlers.post import Post
from shared.contracts import Patient
from shared.contracts.clinics import Region
from shared.contracts.letters import Letter

SAY_STOP: Final = frozenset({Region.US})
"""Where an SMS has to say how to end them, and where it cannot be sent under a name."""


@dataclass(frozen=True, kw_only=True)
class Writing:
    """Puts a letter into words, from the documents as they are now. No link where `url` or `key` is empty."""

    post: Post
    url: str = ""
    key: str = ""

    def notice(self, patient: Patient, letter: Letter, channel: Channel, address: str, now: datetime) -> Notice:
        """What is handed over."""
        clinic = self.post.clinics.clinic(patient.clinic)
        return Notice(
            token=letter_token(patient.key, letter.letter, channel),
            address=address,
            name="",
            clinic_name=clinic.name if clinic else "",
            zone=self.zone(patient, now),
            written_at=now,
            digest=False,
            lines=(),
            clinic=patient.clinic,
            tried=tuple(one.provider for one in letter.tries if one.channel is channel and one.provider),
            letter=self._words(patient, letter, clinic.name if clinic else "", now),
        )

    def zone(self, patient: Patient, now: datetime) -> ZoneInfo:
        """The patient's own zone; else the clinic's."""
        return ZoneInfo(patient.zone) if patient.zone else self.post.working_time(patient.clinic, now).zone

    def _words(self, patient: Patient, letter: Letter, clinic: str, now: datetime) -> Words:
        settings, wishes = self.post.settings(patient.clinic, now), patient.contact
        says_stop = settings is not None and settings.region in SAY_STOP
        return words_of(
            letter.kind,
            neutral=wishes.neutral,
            language=wishes.language,
            sender=wishes.sender or ("" if wishes.neutral else clinic),
            named=wishes.sender is not None and not says_stop,
            link=self._link(patient, letter),
            stop=says_stop,
            own=settings.wording if settings is not None else {},
        )

    def _link(self, patient: Patient, letter: Letter) -> str | None:
        if not (self.url and self.key):
            return None
        token = patient_link_token(
            self.key,
            clinic=patient.clinic,
            patient=patient.patient,
            about=letter.about,
            letter=letter.letter,
            until=letter.answer_by or letter.expires_at,
        )
        return self.url.replace("{token}", token)
