"""insights' use case: take in what was recorded of patients, assess them, say what changed, look again when due."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Final

from services.insights.domain import RULES_VERSION, PatientState, micros
from services.insights.domain.ports import Additions, Clinics, Store
from services.insights.handlers.kept import (
    DOCUMENTS,
    FACTS,
    KINDS,
    carries_risk,
    keep_fact,
    month_of,
    place_of,
    reckonable,
    state_of,
)
from services.insights.handlers.owned import Known, Owned
from services.insights.handlers.voice import View, Voice, Word
from shared.bus import Batch, Event, Publisher
from shared.bus.outcomes import WORLD, describe
from shared.clock import Clock
from shared.contracts import Assessment, QuestionnaireCompleted
from shared.contracts.base import Document, Fact, Origin
from shared.logs import logger

log = logger(__name__)

PORTION: Final = 200
"""Patients worked on before other work gets its turn, and per message to the store."""
AGAIN: Final = 400
"""Patients looked at again, without news of them, per batch or tick."""

_FORM: Final = FACTS[QuestionnaireCompleted]
Touched = Mapping[str, Sequence[Event]]
"""Events by patient, clinic/patient."""


class Insights:
    """Implements `shared.bus.Handler`. Everything may be done again after a crash and comes to the same.

    cached: how many patients' states are kept in memory, over all partitions.
    recent: those judged within so many records of a partition are looked at again when it becomes ours; to be several
        batches.
    epoch: counts up when the log was restored from a backup, so that we outdo what was said before.
    new_rules_from: since when we have rules that the catalogue has not had from the beginning; None: since it has.
    """

    def __init__(
        self,
        *,
        store: Store,
        publisher: Publisher,
        clinics: Clinics,
        clock: Clock,
        epoch: int = 0,
        new_rules_from: datetime | None = None,
        cached: int = 50_000,
        recent: int = 20_000,
    ) -> None:
        self._store, self._clock, self._cached = store, clock, cached
        self._epoch, self._recent = epoch, recent
        self._voice = Voice(
            store=store, publisher=publisher, clinics=clinics, clock=clock, epoch=epoch, new_rules_from=new_rules_from
        )
        self._owned: dict[int, Owned] = {}

    # --- whose partition it is

    async def assigned(self, partition: int) -> None:
        """The partition is ours; what is needed of it is loaded when it is needed."""
        await self.revoked(partition)
        self._owned[partition] = Owned(partition)

    async def revoked(self, partition: int) -> None:
        """Drop everything held of the partition."""
        owned = self._owned.pop(partition, None)
        if owned is not None:
            owned.close()

    # --- what the runner brings

    async def handle(self, batch: Batch) -> None:
        """Add what is new to the patients' entries, assess everybody touched, say and save what came of it."""
        owned = self._owned[batch.partition]
        touched = _sorted(owned, batch.events)
        if not owned.replayed and (touched or batch.caught_up):
            await self._end_replay(owned, batch.basis)
        view = View(batch.basis, batch.horizon, batch.caught_up, self._clock.now())
        storing: list[asyncio.Task[None]] = []
        try:
            await self._take_in(owned, touched, storing)
            words = await self._judge(owned, touched, view)
            for task in storing:
                await task
            await self._voice.say(owned, words, _accepted(touched))
        except BaseException:
            owned.forget(touched)  # they may know what the store does not
            raise
        finally:
            for task in storing:
                task.cancel()
            await asyncio.gather(*storing, return_exceptions=True)
        await self._look_again(owned, view)

    async def tick(self, partition: int, basis: int, horizon: datetime) -> None:
        """Look again at those whom time alone may have changed, a bounded portion at a time."""
        owned = self._owned[partition]
        if not owned.replayed:
            await self._end_replay(owned, basis)
        owned.pending.update(dict.fromkeys(owned.dues.fallen(micros(horizon), AGAIN)))
        await self._look_again(owned, View(basis, horizon, caught_up=True, now=self._clock.now()))

    async def set_aside(self, event: Event, reason: str) -> None:
        """Note that an entry is missing, take it out of the patient's entries, and have that said."""
        data = event.data
        if type(data) in FACTS and isinstance(data, Fact):
            name = event.id
        elif type(data) in DOCUMENTS and isinstance(data, Document):
            name = place_of(data)
        else:
            return
        risk = carries_risk(data)
        log.error("entry_set_aside", topic=data.topic, risk=risk, reason=reason)
        key = f"{data.clinic}/{data.patient}"  # type: ignore[union-attr]  # all of these have a patient
        await self._store.put_aside(key, name, risk=risk)
        owned = self._owned.get(event.position.partition)
        if owned is not None:
            owned.forget([key])
            owned.pending[key] = None

    # --- taking in

    async def _take_in(self, owned: Owned, touched: Touched, storing: list[asyncio.Task[None]]) -> None:
        """Add events to the states; storing them goes on meanwhile, in the tasks added to `storing`."""
        for portion in _portions(touched):
            await self._recall(owned, portion)
            additions = [added for key in portion if (added := _add(key, owned.states[key], touched[key]))]
            if additions:
                storing.append(asyncio.create_task(self._store.add(additions)))
            await asyncio.sleep(0)

    async def _recall(self, owned: Owned, keys: Sequence[str]) -> None:
        """Have these patients' states in memory, from the store where need be, as those used last."""
        cold = [key for key in keys if key not in owned.states]
        remembered = await self._store.load(cold) if cold else {}
        for key in keys:
            known = owned.states.get(key)
            if known is None:
                kept = remembered.get(key)
                known = Known(state_of(kept), kept.months) if kept else Known(PatientState(), set())
            owned.keep(key, known)

    async def _judge(self, owned: Owned, keys: Iterable[str], view: View) -> list[Word]:
        words = []
        for portion in _portions(keys):
            words += [self._voice.judge(owned, key, view) for key in portion]
            await asyncio.sleep(0)
        return words

    # --- looking again

    async def _look_again(self, owned: Owned, view: View) -> None:
        """Assess a portion of those who are pending: due, under changed settings, or said otherwise by somebody."""
        self._notice_settings(owned)
        if not owned.replayed or not self._voice.may_outdo(owned, view):
            return
        keys = owned.ready(AGAIN, outdoes=lambda key, said: self._voice.outdoes(key, said, view))
        for portion in _portions(keys):
            words = []
            await self._recall(owned, portion)
            for key in portion:
                try:
                    words.append(self._voice.judge(owned, key, view))
                except Exception as error:  # noqa: BLE001  nobody else has to wait for this one
                    reason = describe(error)
                    log.error("assessment_failed", partition=owned.partition, reason=reason)  # noqa: TRY400
                    self._voice.put_off(owned, key)
            await self._say_apart(owned, words)
        owned.shrink(self._cached // len(self._owned))

    async def _say_apart(self, owned: Owned, words: Sequence[Word]) -> None:
        """Say words that no event asks for. One that cannot be said or saved keeps neither the others nor a batch."""
        try:
            await self._voice.say(owned, words, {})
        except WORLD:
            raise
        except Exception as error:  # noqa: BLE001  whose it is shows when each is said by itself
            reason = describe(error)
            log.error("assessment_failed", partition=owned.partition, reason=reason)  # noqa: TRY400
            if len(words) == 1:
                self._voice.put_off(owned, words[0].assessment.key)
                return
            for word in words:
                await self._say_apart(owned, [word])

    def _notice_settings(self, owned: Owned) -> None:
        """Where a clinic's settings have changed, its patients are to be looked at again."""
        for clinic, version in owned.settings.items():
            known = self._voice.standing(clinic).version
            if known != version:
                owned.settings[clinic] = known
                owned.pending.update(dict.fromkeys(owned.of_clinic(clinic)))

    async def _end_replay(self, owned: Owned, basis: int) -> None:
        """Our own topic is read, the runner sees to that before it brings anything else: load when patients are due.

        Pending are those judged under other settings or rules, and those judged of late: an owner before us may have
        gone before it could say what it found, or another, who was none any more, may have said less than is known.
        """
        stored = 0
        for portion in _portions(owned.said):
            for due in await self._store.dues(portion):
                stored += not due.provisional
                clinic = due.key.partition("/")[0]
                version = self._voice.standing(clinic).version
                owned.settings.setdefault(clinic, version)
                owned.dues.set(due.key, None if due.due is None else micros(due.due))
                owned.count_aside(due.key, due.aside, due.aside_risk)
                judged_of_late = due.judged[:2] >= (self._epoch, basis - self._recent)
                if judged_of_late or (due.settings_version, due.rules_version) != (version, RULES_VERSION):
                    owned.pending[due.key] = None
        owned.end_replay(rebuilding=2 * stored < len(owned.said))


def _sorted(owned: Owned, events: Sequence[Event]) -> dict[str, list[Event]]:
    """The events by patient; words on our own topic are heard at once."""
    touched: dict[str, list[Event]] = {}
    for event in events:
        data = event.data
        if type(data) in KINDS:
            key = f"{data.clinic}/{data.patient}"  # type: ignore[attr-defined]  # all of these have a patient
            group = touched.get(key)
            if group is None:
                touched[key] = [event]
            else:
                group.append(event)
        elif isinstance(data, Assessment):
            owned.hear(event, data)
    return touched


def _add(key: str, known: Known, events: Sequence[Event]) -> Additions | None:
    """Take events into a patient's state; what is to be stored of them, None where all was known."""
    state, added = known.state, Additions(key)
    facts, take, aside = added.facts, known.state.add, known.state.aside
    for event_id, time, data, _, value in events:
        name = event_id
        letter = FACTS.get(type(data))
        if letter is not None:
            if letter is _FORM and not reckonable(data):  # type: ignore[arg-type]  # that letter is a questionnaire's
                raise ValueError("A questionnaire has a number that cannot be reckoned with.")
            accepted = micros(time)
            if take(name, data, accepted):  # type: ignore[arg-type]  # the table holds facts only
                month = month_of(data.local_day)  # type: ignore[attr-defined]
                kept = facts.get(month)
                if kept is None:
                    kept = facts[month] = {}
                kept[name] = keep_fact(letter, accepted, value)
        elif isinstance(data, Document):
            name = place_of(data)
            if state.apply(data):
                added.documents[name] = (data.version, DOCUMENTS[type(data)] + value)
        if aside and aside.pop(name, None) is not None:
            added.recovered.append(name)
    added.months = [month for month in facts if month not in known.months]
    known.months.update(added.months)
    return added if facts or added.documents or added.recovered else None


def _accepted(touched: Touched) -> dict[str, datetime]:
    """When the first live entry of each patient was accepted."""
    found = {}
    for key, events in touched.items():
        for event in events:
            if getattr(event.data, "origin", None) is Origin.LIVE:
                found[key] = event.time
                break
    return found


def _portions(keys: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(list(keys))
    while portion := list(islice(rest, PORTION)):
        yield portion
