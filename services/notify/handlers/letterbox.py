"""The bus's side of messages to patients: what there is to write about gets its letter, and letters are found again.

Whatever comes twice, late or again after a store was lost makes no second letter: letters have ids made from what they
are about, stand in one document per patient, and that is on a topic which is read to its end before anything is sent.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, TypeAlias

from services.notify.domain.deliveries import Channel
from services.notify.domain.letters import (
    answer_letter,
    letter_token,
    next_look,
    overtaken,
    reminder_letter,
    with_letters,
)
from services.notify.domain.patient_links import link_reference
from services.notify.store import LATE, DueTimes, LetterNames
from shared.bus import Batch, Event
from shared.bus import Handler as BusHandler
from shared.clock import Clock
from shared.contracts import Patient, PatientLetters, Question, ReminderDue
from shared.contracts.letters import Letter, LetterKind
from shared.documents import Mirror, Owned
from shared.errors import Problem, Recoverable, not_found
from shared.logs import logger
from shared.metrics import LETTERS_QUEUED

log = logger(__name__)
GONE: Final = 410
Owed: TypeAlias = tuple[Letter, datetime]
"""A letter, and when what it is about was said."""


class Letters:
    """Patients' letters, stored and published, each marked where it will be looked at and found by its names."""

    def __init__(self, *, documents: Owned[PatientLetters], due: DueTimes, names: LetterNames, clock: Clock) -> None:
        self._documents, self._due, self._names, self._clock = documents, due, names, clock

    @property
    def documents(self) -> Owned[PatientLetters]:
        """The documents themselves."""
        return self._documents

    async def mark(self, key: str, letter: Letter, at: datetime) -> None:
        """Have a letter looked at then. Before it is written, or it could be forgotten. Raises Recoverable."""
        await self._due.mark(row_of(key, letter.letter), at)

    async def enter(self, key: str, letters: Iterable[Letter]) -> None:
        """Have letters found by what providers and links call them. Raises Recoverable."""
        names: dict[str, str] = {}
        for letter in letters:
            row = row_of(key, letter.letter)
            clinic, _, patient = key.partition("/")
            names[f"link/{link_reference(clinic, patient, letter.letter)}"] = row
            for channel in (Channel.SMS, Channel.EMAIL):
                names[letter_token(key, letter.letter, channel)] = row
        await self._names.enter(names)

    async def named(self, name: str) -> list[tuple[PatientLetters, Letter]]:
        """The letters that go by a name, each with all of its patient's. Raises Recoverable."""
        found = []
        for row in await self._names.find(name):
            key, letter = parts_of(row)
            known = await self._documents.load(key)
            found += [(known, one) for one in (known.letters if known else []) if known and one.letter == letter]
        return found

    async def of_patient(self, clinic: str, patient: str) -> list[Letter]:
        """A patient's letters, oldest first; none where nothing was ever written. Raises Recoverable."""
        known = await self._documents.load(f"{clinic}/{patient}")
        return [] if known is None else known.letters

    async def adopt(self, events: Sequence[Event]) -> None:
        """Learn from the own topic; a store that was dropped learns all of it. Raises Recoverable."""
        documents = [event.data for event in events if isinstance(event.data, PatientLetters)]
        if not documents:
            return
        for known in documents:
            waiting = [letter for letter in known.letters if not letter.finished]
            for letter in waiting:
                await self.mark(known.key, letter, next_look(letter))
            recent = [one for one in known.letters if not one.finished or self._clock.now() < one.expires_at]
            if recent and not known.deleted:
                await self.enter(known.key, recent)
        await self._documents.observe(events)

    async def queue(self, key: str, due: Sequence[Owed], questions: Sequence[Question]) -> None:
        """Add what is not known; end what is not needed any more. What was said to a patient who has been removed, and
        came back, is not said again. Raises Recoverable."""
        began = self._clock.now()
        stored = (await self._documents.load_many([key], with_deleted=True)).get(key)
        gone_at = stored.updated_at if stored is not None and stored.deleted else None
        there = {one.letter for one in stored.letters} if stored else set()
        new = [one for one, said_at in due if one.letter not in there and (gone_at is None or said_at > gone_at)]
        if not new and (stored is None or stored.deleted or overtaken(stored, questions) == stored):
            return
        await self.enter(key, new)
        for letter in new:
            await self.mark(key, letter, letter.look_at)
        clinic, _, patient = key.partition("/")
        nothing = PatientLetters(clinic=clinic, patient=patient, version=1, updated_at=began)
        before: set[str] = set()

        def change(known: PatientLetters | None) -> PatientLetters:
            nonlocal before
            before = {one.letter for one in known.letters} if known else set()
            return overtaken(with_letters(known or nothing, new, began), questions)

        try:
            await self._documents.write(key, change, revive=gone_at is not None)
        except Problem as problem:
            if problem.status != GONE:
                raise
            raise Recoverable("This patient was removed meanwhile; look again.") from problem
        for letter in new:
            if letter.letter not in before:
                LETTERS_QUEUED.labels(letter.kind.value).inc()
            if self._clock.now() - began > LATE / 2:  # that bucket may have been cleared away by now
                await self.mark(key, letter, letter.look_at)

    async def erase(self, key: str) -> None:
        """The patient was removed: nothing is sent any more, and of what was nothing is kept. Raises Recoverable."""
        if key in await self._documents.load_many([key]):
            try:
                await self._documents.remove(key)
            except Problem as problem:
                if problem.status != not_found("").status:
                    raise


class Letterbox:
    """Handles a partition's reminders, answered questions, patients and own letters."""

    def __init__(self, *, letters: Letters, patients: Mirror[Patient], clock: Clock) -> None:
        """patients: kept by whoever handles the batch before."""
        self._letters, self._patients, self._clock = letters, patients, clock
        for kind in LetterKind:  # from zero on, or Prometheus does not see the first one as an increase
            LETTERS_QUEUED.labels(kind.value)

    async def handle(self, batch: Batch) -> None:
        """See that what there is to write about has its letter. Raises Recoverable."""
        now = self._clock.now()
        await self._letters.adopt(batch.events)
        due: dict[str, list[Owed]] = {}
        questions: dict[str, list[Question]] = {}
        for event in batch.events:
            data = event.data
            if isinstance(data, ReminderDue):
                reminder = reminder_letter(data, event.id, now)
                if reminder is not None:
                    due.setdefault(data.key, []).append((reminder, event.time))
            elif isinstance(data, Question):
                key, answer = f"{data.clinic}/{data.patient}", answer_letter(data, now)
                questions.setdefault(key, []).append(data)
                if answer is not None:
                    due.setdefault(key, []).append((answer, data.answered_at or event.time))
        keys = list(dict.fromkeys([*due, *questions]))
        patients = await self._patients.get_many(due)
        for key in keys:
            patient = patients.get(key)
            if patient is None or not patient.deleted:
                await self._letters.queue(key, due.get(key, []), questions.get(key, []))
        erased = [event.data.key for event in batch.events if isinstance(event.data, Patient) and event.data.deleted]
        for key in dict.fromkeys(erased):
            patient = await self._patients.get(key)
            if patient is not None and patient.deleted:
                await self._letters.erase(key)


class Together:
    """Two handlers of the same batches, one after the other. What fails is done again by both: both converge."""

    def __init__(self, first: BusHandler, letterbox: Letterbox) -> None:
        self._first, self._letterbox = first, letterbox

    async def assigned(self, partition: int) -> None:
        """The partition is ours."""
        await self._first.assigned(partition)

    async def handle(self, batch: Batch) -> None:
        """The first one keeps the patients, which the letters go by."""
        await self._first.handle(batch)
        await self._letterbox.handle(batch)

    async def set_aside(self, event: Event, reason: str) -> None:
        """An event could not be applied."""
        await self._first.set_aside(event, reason)

    async def tick(self, partition: int, basis: int, horizon: datetime) -> None:
        """Nothing of the letters goes by this: what falls due is in the due times."""
        await self._first.tick(partition, basis, horizon)

    async def revoked(self, partition: int) -> None:
        """Another's from here on."""
        await self._first.revoked(partition)


def row_of(key: str, letter: str) -> str:
    """A letter's name in the due times: ids of clinics and patients have neither slash nor space."""
    return f"{key} {letter}"


def parts_of(row: str) -> tuple[str, str]:
    """The patient's key and the letter's id."""
    key, _, letter = row.partition(" ")
    return key, letter
