"""Messages to patients go out: what is due is claimed by any replica, handed over, and what came of it written down.

A claim stands on the topic before anything is handed over, so that a notify whose store was lost knows of it. One whose
claimer died may have gone: it is sent again when its lease ends, with the same reference.
"""

import asyncio
import random
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from services.notify.domain.deliveries import Channel, Heard, Outcome, Receipt, Result
from services.notify.domain.letters import (
    Now,
    Situation,
    address_of_patient,
    after_try,
    after_word,
    given_back,
    letter_token,
    next_look,
    replaced,
    taken_up,
    verdict,
)
from services.notify.domain.notices import Notice
from services.notify.handlers.handing_over import HAND_OVER, Messenger, persistently
from services.notify.handlers.letterbox import GONE, Letters, parts_of, row_of
from services.notify.handlers.own_read import OwnRead
from services.notify.handlers.writing import Writing
from services.notify.store import LATE, DueTimes, minute_of
from shared.bus.outcomes import describe
from shared.clock import Clock
from shared.contracts import Patient, PatientLetters
from shared.contracts.letters import Letter, LetterKind, LetterState
from shared.documents import Mirror
from shared.errors import Problem, Recoverable
from shared.logs import logger
from shared.metrics import LETTER_OLDEST_DUE, LETTERS

log = logger(__name__)
POLL: Final = 1.0
"""Seconds between looks at what is due."""
IN_FLIGHT: Final = 16
AT_ONCE: Final = 4
"""Hand-overs at once by one channel: few, so that a morning's reminders never stand in an alert's way."""
NOT_THERE: Final = timedelta(seconds=10)
"""When to look again for a letter that is marked and not written yet, or never."""
REMEMBERED: Final = 50_000
OPTED_OUT: Final = "21610"
"""Twilio's code where the number's owner has answered STOP to this sender."""
COMPLAINED: Final = "email.complained"
"""How the code of a receipt begins that says an e-mail was called spam (docs/providers.md)."""


class _Left(Exception):  # noqa: N818
    """Nothing is to be changed."""


class Carrier:
    """Looks at the letters that are due and sees each through."""

    def __init__(
        self,
        *,
        letters: Letters,
        due: DueTimes,
        patients: Mirror[Patient],
        writing: Writing,
        channels: Mapping[Channel, Messenger],
        own_read: OwnRead,
        clock: Clock,
    ) -> None:
        self._own_read = own_read
        self._letters, self._due, self._patients, self._clock = letters, due, patients, clock
        self._writing, self._contacts = writing, writing.post.contacts
        self._channels = {one: channels[one] for one in (Channel.SMS, Channel.EMAIL) if one in channels}
        self._slots = {one: asyncio.Semaphore(AT_ONCE) for one in self._channels}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._next: OrderedDict[str, datetime] = OrderedDict()
        self._since: datetime | None = None
        for kind in LetterKind:  # from zero on, or Prometheus does not see the first one as an increase
            for channel in self._channels:
                LETTERS.labels(kind.value, channel.value, "sent")

    # --- what is due --------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Look at what is due, for ever. While the store is away, go on trying."""
        while True:
            try:
                await self.poll()
            except Recoverable:
                log.warning("letters_not_read")
            await asyncio.sleep(POLL)

    async def poll(self) -> None:
        """Start what is due now; clear away the buckets that are done with. Raises Recoverable."""
        now = self._clock.now()
        if self._since is None:
            self._since = await self._due.open()
        marked = await self._due.marked(self._since, now)
        since = {row: minute_of(name) for name in sorted(marked, reverse=True) for row in marked[name]}
        waiting = [
            row
            for row in sorted(since, key=since.__getitem__)
            if row not in self._tasks and self._next.get(row, now) <= now and self._own_read.covers([parts_of(row)[0]])
        ]
        room = max(0, IN_FLIGHT - len(self._tasks))
        for row in waiting[:room]:
            self._tasks[row] = task = asyncio.create_task(self._guarded(row), name="letter")
            task.add_done_callback(partial(self._ended, row))
        oldest = min((self._next.get(row, since[row]) for row in waiting[room:]), default=now)
        LETTER_OLDEST_DUE.set(max(0.0, (now - oldest).total_seconds()))
        await self._clear({name: found for name, found in marked.items() if minute_of(name) < now - LATE}, now)

    def _ended(self, row: str, _: asyncio.Task[None]) -> None:
        self._tasks.pop(row, None)

    async def _clear(self, old: Mapping[str, list[str]], now: datetime) -> None:
        """Old buckets keep only the rows that are still due; where none are left, the beginning moves on."""
        held = {row for rows in old.values() for row in rows if self._next.get(row, now) <= now} | set(self._tasks)
        await self._due.clear({name: gone for name, rows in old.items() if (gone := set(rows) - held)})
        left = [minute_of(name) for name, rows in old.items() if held.intersection(rows)]
        beginning = min(left, default=now - LATE)
        if self._since is not None and beginning - self._since >= timedelta(minutes=1):
            self._since = beginning
            await self._due.advance(beginning)

    async def stop(self) -> None:
        """Let what is in flight finish for a moment, then let go of it: the leases end by themselves."""
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=5)
        for task in list(self._tasks.values()):
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def calm(self) -> None:
        """Wait for what is in flight."""
        while self._tasks:
            await asyncio.wait(list(self._tasks.values()))

    def _remember(self, row: str, at: datetime) -> None:
        self._next[row] = at
        self._next.move_to_end(row)
        while len(self._next) > REMEMBERED:
            self._next.popitem(last=False)

    async def _guarded(self, row: str) -> None:
        try:
            await self._see_to(row)
        except Recoverable:
            log.warning("letter_put_off")  # its lease ends, and it is looked at again
        except Exception as error:  # noqa: BLE001  one letter's bug must not end the others; it is looked at again
            self._remember(row, self._clock.now() + NOT_THERE)
            log.error("letter_failed", reason=describe(error))  # noqa: TRY400  a trace may hold what was said

    # --- one letter ---------------------------------------------------------------------------------------------------

    async def _see_to(self, row: str) -> None:
        """Take a letter up, hand it over where it is ours, and mark when it is looked at next. Raises Recoverable."""
        key, name = parts_of(row)
        known = await self._letters.documents.load(key)
        letter = _find(known, name)
        if letter is None:
            self._remember(row, self._clock.now() + (NOT_THERE if known is None else 2 * LATE))
            return
        claimed = await self._taken_up(key, name)
        if claimed is not None:
            await self._handed_over(key, claimed)
        letter = _find(await self._letters.documents.load(key), name)
        if letter is None or letter.finished:
            self._remember(row, self._clock.now() + 2 * LATE)  # cleared away before it would be looked at again
            return
        await self._letters.mark(key, letter, next_look(letter))
        self._remember(row, next_look(letter))

    async def _situation(self, key: str, now: datetime) -> Situation:
        patient = await self._patients.get(key)
        return Situation(
            patient=patient,
            zone=ZoneInfo("UTC") if patient is None else self._writing.zone(patient, now),
            stopped=() if patient is None else self._stopped(patient),
            channels=self._channels.keys(),
        )

    def _stopped(self, patient: Patient) -> list[Channel]:
        """Where a patient asked for no more."""
        stopped = []
        if patient.mobile is not None and self._contacts.is_stopped(Channel.SMS, patient.mobile):
            stopped.append(Channel.SMS)
        if patient.email is not None and self._contacts.has_complained(patient.email):
            stopped.append(Channel.EMAIL)
        return stopped

    async def _taken_up(self, key: str, name: str) -> Letter | None:
        """The letter, where it is claimed for us and that stands on the topic; else it was put off or closed, or is
        another's."""
        now = self._clock.now()
        situation = await self._situation(key, now)

        def change(known: PatientLetters | None) -> PatientLetters:
            letter = _find(known, name)
            after = None if known is None or letter is None else taken_up(letter, known.letters, situation, now)
            if known is None or after is None:
                raise _Left
            return replaced(known, after)

        try:
            written = await self._letters.documents.write(key, change)
        except _Left:
            return None
        except Problem as problem:
            if problem.status != GONE:
                raise
            return None
        letter = _find(written.document, name)
        _count_not_sent(letter)
        if letter is None or letter.state is not LetterState.SENDING:
            return None
        await self._letters.mark(key, letter, next_look(letter))
        return letter if written.position is not None else None

    async def _handed_over(self, key: str, letter: Letter) -> None:
        channel = letter.channel
        if channel is None:
            return

        def mine(one: Letter, after: Letter) -> Letter:
            """What becomes of it, unless it was taken from us."""
            return after if one.lease_until == letter.lease_until else one

        async with self._slots[channel]:
            now = self._clock.now()
            if letter.lease_until is None or (letter.lease_until - now).total_seconds() < HAND_OVER:
                await self._recorded(key, letter.letter, lambda one: mine(one, given_back(one, Now(channel), now)))
                return
            situation = await self._situation(key, now)
            found = verdict(letter, [letter], situation, now)  # the others were counted when it was claimed
            address = None if situation.patient is None else address_of_patient(situation.patient, channel)
            if found != Now(channel) or situation.patient is None or address is None:
                await self._recorded(key, letter.letter, lambda one: mine(one, given_back(one, found, now)))
                return
            result = await self._sent(self._writing.notice(situation.patient, letter, channel, address, now), channel)
        ended, jitter = self._clock.now(), random.random()  # noqa: S311  spreading load, not hiding anything
        accepted = result.outcome is Outcome.ACCEPTED

        def tried(one: Letter) -> Letter:
            after = after_try(one, channel, result, ended, jitter)
            return after if accepted else mine(one, after)

        await self._recorded(key, letter.letter, tried)
        if accepted:
            LETTERS.labels(letter.kind.value, channel.value, "sent").inc()
        if result.stopped:
            await persistently(lambda: self._contacts.stop(address, by="provider"))

    async def _sent(self, notice: Notice, channel: Channel) -> Result:
        try:
            async with asyncio.timeout(HAND_OVER):
                return await self._channels[channel].send(notice)
        except TimeoutError:
            return Result(outcome=Outcome.UNSURE, code="no answer in time")
        except Exception as error:  # noqa: BLE001  a fault of ours in one message must not end the others
            log.error("letter_hand_over_failed", channel=channel.value, reason=describe(error))  # noqa: TRY400
            return Result(outcome=Outcome.UNSURE, code="our own fault")

    async def _recorded(self, key: str, name: str, after: Callable[[Letter], Letter]) -> None:
        """What was sent is written down, or it is sent again."""

        def change(known: PatientLetters | None) -> PatientLetters:
            letter = _find(known, name)
            if known is None or letter is None:
                raise _Left
            return replaced(known, after(letter))

        try:
            written = await persistently(lambda: self._letters.documents.write(key, change))
        except _Left:
            log.warning("letter_without_document")
        except Problem as problem:
            if problem.status != GONE:
                raise
            log.info("letter_of_somebody_removed")
        else:
            _count_not_sent(_find(written.document, name))

    # --- what comes back ----------------------------------------------------------------------------------------------

    async def heard(self, token: str, heard: Heard) -> bool:
        """Take a receipt in; False where it is about no letter. Twice is once. Raises StillReading, Recoverable."""
        found = await self._letters.named(token)
        for known, _ in found:
            self._own_read.check(known.key)
        for known, letter in found:
            channel = next(
                (one for one in self._channels if letter_token(known.key, letter.letter, one) == token), None
            )
            if channel is not None:
                await self._taken_in(known.key, letter, channel, heard)
        return bool(found)

    async def _taken_in(self, key: str, letter: Letter, channel: Channel, heard: Heard) -> None:
        now = self._clock.now()
        await self._letters.mark(key, letter, now)
        await self._recorded(
            key,
            letter.letter,
            lambda one: after_word(
                one,
                channel,
                heard.receipt.value,
                arrived=heard.receipt is Receipt.DELIVERED,
                failed=heard.receipt is Receipt.FAILED_FOR_GOOD,
                now=now,
            ),
        )
        self._next.pop(row_of(key, letter.letter), None)
        patient = await self._patients.get(key)
        address = None if patient is None else address_of_patient(patient, channel)
        if address is not None and channel is Channel.SMS and heard.code == OPTED_OUT:
            await self._contacts.stop(address, by="provider")
        if address is not None and channel is Channel.EMAIL and heard.code.startswith(COMPLAINED):
            await self._contacts.complained(address)


def _count_not_sent(letter: Letter | None) -> None:
    if letter is not None and letter.state is LetterState.NOT_SENT:
        LETTERS.labels(letter.kind.value, "none", (letter.why or "").partition(":")[0]).inc()


def _find(known: PatientLetters | None, name: str) -> Letter | None:
    return next((one for one in known.letters if one.letter == name), None) if known is not None else None
