"""Escalation in any order of what may happen: nobody at risk is left without a next step, and nobody is told twice."""

import asyncio
import copy
from collections import Counter
from collections.abc import Coroutine
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from unittest.mock import patch

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.notify.domain import (
    LEASE,
    RISK,
    Channel,
    Delivery,
    Heard,
    Item,
    Kind,
    Receipt,
    delivery_id,
    going_on,
    next_due,
    owed,
    rounds_of,
    step_needed,
    step_rows,
    used_up,
)
from services.notify.domain.attempts import LAST_RETRY
from services.notify.handlers import Receiving
from services.notify.handlers import handing_over as handing_over_module
from services.notify.store import minute_of
from shared.contracts import Alert, ContactState
from shared.contracts.alerts import AlertStatus
from shared.contracts.base import Urgency
from shared.contracts.clinics import Fatigue, QuietHours, Webhook
from shared.contracts.escalation import Who
from shared.documents import Idempotency
from shared.errors import Problem, Recoverable
from tests.unit.notify.escalating import ROTA, STAFF, Story, clinic, policy, staff
from tests.unit.notify.memory_mongo import Killed, Life
from tests.unit.notify.world import Process, silenced

FATIGUE = Fatigue(bundle_minutes=10, alert_budget=3)
HOOKS = [Webhook(name="records", url="https://records.example/alerts")]
QUIET = [QuietHours.model_validate({"starts": "10:30", "ends": "12:00"})]
PEOPLE = (staff("priya", deputy="dee", quiet=QUIET), *STAFF[1:])
NUMBER = PEOPLE[0].mobile or ""
RETRY = LAST_RETRY * 1.25 + LEASE
"""The longest between two tries of one message: the last backoff with its jitter, and a lease that has to end."""
URGENCIES = st.sampled_from([Urgency.AT_ONCE, Urgency.AT_ONCE, Urgency.WORKING_HOURS])
SHORT = policy((Who.CLINICIAN, 0), (Who.DUTY, 10), (Who.LEAD, 25), repeats=1)


class Escalating(RuleBasedStateMachine):
    """The real reconciler, dispatcher and desk, a clock that is moved, and everything that may come between."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.runner.get_loop().set_exception_handler(lambda *_: None)  # a dead process's tasks end as they may
        self.patched = patch.object(handing_over_module, "RECORD_TRIES", 1)
        self.patched.start()
        self.versions = 1
        self.story = Story(people=PEOPLE, escalation=SHORT, fatigue=FATIGUE, webhooks=HOOKS)
        self.news = self.accidents = self.asked = self.undelivered = 0
        self.silent_from: int | None = None
        self.backup: dict[str, Any] | None = None

    def teardown(self) -> None:
        """End what is left of the processes."""
        self.patched.stop()
        self.runner.run(silenced())
        self.runner.close()

    def does(self, work: Coroutine[Any, Any, Any]) -> None:
        """Something happens, and what is due is seen to."""
        self.runner.run(self._done(work))

    async def _done(self, work: Coroutine[Any, Any, Any]) -> None:
        try:
            await work
            await self.story.process.calm()
        except Recoverable:
            await self._restarted()  # the runner brings the batch again
        except Killed:
            await self._restarted()

    async def _restarted(self) -> None:
        self.accidents += 1
        self.story.process.life.dead = True
        await silenced()
        self.story.process = self._started(Life())
        await self._with_contacts(self.story.process)
        await self.story.process.learn()
        await self.story.process.handle(self.story.world.said)
        await self.story.process.calm()

    def _started(self, life: Life) -> Process:
        """A process that has read its tables, as it does before anything else."""
        process = self.story.world.process(life)
        for event in self.story.world.log.events:
            if isinstance(event.data, ContactState):
                process.contacts._keep(event.data)
        return process

    async def _with_contacts(self, process: Process) -> None:
        """The store as well learns them from their topic, or what is said next would seem older than it."""
        for event in list(self.story.world.log.events):
            if isinstance(event.data, ContactState):
                await process.contacts.take_in(event)

    @property
    def open_alert(self) -> Alert | None:
        """One that nobody has closed."""
        return next((one for one in self.story.world.alerts() if one.status is not AlertStatus.CLOSED), None)

    # --- what may happen ----------------------------------------------------------------------------------------------

    @initialize(urgency=URGENCIES)
    def fires(self, urgency: Urgency) -> None:
        """The patient answers, and an alert is opened."""
        self.hears(urgency)

    @rule(urgency=URGENCIES, name=st.sampled_from([RISK, RISK, "trend"]))
    def hears(self, urgency: Urgency, name: str = RISK) -> None:
        """News, or another alert where the last was closed, of risk or of what can wait."""
        self.news += 1
        self.does(self.story.hears(f"e{self.news}", urgency=urgency, rule=name))

    @rule()
    def hears_it_again(self) -> None:
        """Two owners handle the same at once."""
        other = self._started(self.story.process.life)
        said = self.story.world.said

        async def twice() -> None:
            await asyncio.gather(self.story.process.handle(said), other.handle(said))
            await other.calm()

        self.does(twice())

    @rule(by=st.sampled_from(["priya", "dan", "somebody else"]))
    def acknowledges(self, by: str) -> None:
        """Somebody has it, if anybody can."""
        self.does(self._decided(partial(self.story.acknowledges, by)))

    @rule(text=st.sampled_from(["a", "a", "e", "c", "what?"]), who=st.sampled_from([0, 0, 3]))
    def answers_by_sms(self, text: str, who: int) -> None:
        """Whoever was told may have it, or send it on; who was not changes nothing."""

        async def answered() -> None:
            await self.story.process.desk.reply(PEOPLE[who].mobile or "", text)

        self.does(answered())

    @rule(which=st.integers(0, 50), receipt=st.sampled_from([one for one in Receipt if one is not Receipt.ACCEPTED]))
    def a_receipt_comes(self, which: int, receipt: Receipt) -> None:
        """Of any message that was ever sent: it arrived, or did not."""
        sent = self.story.world.sent
        if not sent:
            return
        self.undelivered += receipt is not Receipt.DELIVERED
        process, heard = self.story.process, Heard(message="", receipt=receipt, code="")
        receiving = Receiving(
            deliveries=process.store.deliveries,
            post=process.post,
            contacts=process.contacts,
            dispatcher=process.dispatcher,
            clock=self.story.world.clock,
            on_reply=process.desk.answer,
        )
        self.does(receiving.receipt("twilio", sent[which % len(sent)].notice.token, heard))

    @rule(stop=st.booleans())
    def texts_stop_or_start(self, *, stop: bool) -> None:
        """The clinician wants no more texts, or wants them again."""

        async def texted() -> None:
            contacts = self.story.process.contacts
            if stop:
                await contacts.stop(NUMBER, by="recipient")
                if self.silent_from is None:
                    self.silent_from = len(self.story.world.sent)
            else:
                self.silent_from = None
                await contacts.start(NUMBER)

        self.does(texted())

    @rule(clinician=st.sampled_from([None, "nia"]))
    def asks_for_it_again(self, clinician: str | None) -> None:
        """Somebody wants its message once more."""
        self.asked += 1
        key = Idempotency.of(client="tests", key=f"again {self.asked}", body=b"")

        async def again() -> None:
            desk, alert = self.story.process.desk, self.story.alert.alert
            await desk.send_again("harbour", alert, by="ola", clinician=clinician, idempotency=key)

        self.does(self._decided(again))

    @rule(duty=st.sampled_from(["dan", "ola", None]), quiet=st.booleans())
    def rota_and_quiet_hours_change(self, duty: str | None, *, quiet: bool) -> None:
        """Somebody else is on duty, or nobody; the clinician's mornings are quiet, or not."""
        self.versions += 1
        rota = ROTA.model_copy(update={"clinicians": [duty]})
        settings = {"escalation": SHORT, "duty_rota": rota, "fatigue": FATIGUE, "webhooks": HOOKS}
        self.story.world.documents = [
            clinic(**settings).model_copy(update={"version": self.versions}),
            PEOPLE[0].model_copy(update={"version": self.versions, "quiet": QUIET if quiet else []}),
            *PEOPLE[1:],
        ]
        self.story.process.clinics.keep(self.story.world.documents)

    @rule()
    def is_audited(self) -> None:
        """The auditor compares, and sets going what is not as it should be."""

        async def audited() -> None:
            await self.story.process.auditor.audit()

        self.does(audited())

    @rule()
    def closes(self) -> None:
        """Somebody has dealt with it."""
        self.does(self._decided(self.story.closes))

    @rule(minutes=st.sampled_from([1, 5, 9, 10, 11, 25, 60, 1440, 4320]))
    def ticks(self, minutes: int) -> None:
        """Time passes."""
        self.does(self.story.minutes(minutes))

    @rule()
    def provider_fails_or_works_again(self) -> None:
        """Every channel at once."""
        self.story.world.away = not self.story.world.away

    @rule(minutes=st.sampled_from([0, 10, 25]), steps=st.integers(0, 40), closing=st.booleans())
    def dies(self, minutes: int, steps: int, *, closing: bool) -> None:
        """The process is killed at some step of handing over, reading or deciding, and another one starts."""
        self.story.process = self._started(Life(steps))
        self.story.world.clock.advance(timedelta(minutes=minutes))
        self.does(self._decided(self.story.closes) if closing else self.story.process.calm())
        if self.story.process.life.left is not None:
            self.runner.run(self._restarted())

    @rule()
    def loses_its_store(self) -> None:
        """It is rebuilt from the topics; what a killed process had not published is lost with it."""
        self.story.world.database.drop()
        self.runner.run(self._restarted())

    @rule()
    def is_backed_up(self) -> None:
        """The store, as it stands; contacts are read from their topic whole, and are left out."""
        records = self.story.world.database._records
        self.backup = copy.deepcopy({name: each for name, each in records.items() if name != "contacts"})

    @precondition(lambda self: self.backup is not None)
    @rule(minutes=st.sampled_from([0, 11, 1440]))
    def is_restored(self, minutes: int) -> None:
        """The backup is all there is, and notify starts: nothing goes out before it has read its own topic."""
        self.runner.run(self._restored(minutes))

    async def _restored(self, minutes: int) -> None:
        world, backup = self.story.world, copy.deepcopy(self.backup or {})
        self.story.process.life.dead = True
        await silenced()
        for name in set(world.database._records) - {"contacts"}:
            world.database._records[name].clear()
        for name, records in backup.items():
            world.database._records.setdefault(name, {}).update(records)
        # what a system of the clinic's was told since is told it once more: the row's own word is lost
        self.accidents += 1 + sum(not row.finished for row in world.rows().values())
        world.clock.advance(timedelta(minutes=minutes))
        process, before = self._started(Life()), len(world.sent)
        process.lane.own_read = False
        versions = [alert.version for alert in world.alerts()]
        await process.calm()
        assert (len(world.sent), [alert.version for alert in world.alerts()]) == (before, versions)
        self.story.process = process
        await process.learn()
        await process.handle(world.said)
        await process.calm()

    async def _decided(self, decide: Any) -> None:
        alert = self.open_alert
        if alert is None:
            return
        self.story.chosen = alert
        try:
            await decide()
        except Problem as refused:
            if refused.code not in ("already_closed", "sent_again_often"):
                raise

    # --- what always holds --------------------------------------------------------------------------------------------

    @invariant()
    def an_unacknowledged_at_once_alert_has_a_next_attempt_within_policy_or_has_used_up_all_steps(self) -> None:
        """Its row is there, not done, due by then, and marked where the dispatcher looks.

        Where all of that was told and news that can wait came after it, the news may wait in a digest, to the deadline.
        """
        rows, now = self.story.world.rows(), self.story.world.clock.now()
        for alert in self.story.world.alerts():
            if alert.status is not AlertStatus.OPEN or alert.urgency is not Urgency.AT_ONCE or used_up(alert):
                continue
            run = going_on(alert)
            assert run is not None
            due = min(step.due_at for step in run.steps if step.settled_at is None)
            mine = [rows[row] for row in _ids(alert) if row in rows and not rows[row].done]
            by = max(due, now + RETRY)
            if run.urgency is not Urgency.AT_ONCE:
                by = max(by, alert.deadline)
                mine += [row for row in rows.values() if not row.done and alert.key in {one.alert for one in row.items}]
            assert any(next_due(row) <= by and self._is_marked(row, now) for row in mine)

    def _is_marked(self, row: Delivery, now: datetime) -> bool:
        buckets = self.story.world.database._records.get("due", {})
        looked_at = [name for name, record in buckets.items() if row.id in record.get("ids", ())]
        return any(minute_of(name) <= max(next_due(row), now) for name in looked_at)

    @invariant()
    def nothing_is_claimed_after_closing(self) -> None:
        """No attempt is made later than the alert was closed, and no row of it waits."""
        rows = self.story.world.rows()
        for alert in self.story.world.alerts():
            if alert.closed_at is not None:
                mine = [rows[row] for row in _ids(alert) if row in rows]
                tried = [attempt.at for row in mine for leg in row.legs for attempt in leg.attempts]
                assert all(at <= alert.closed_at for at in tried)

    @invariant()
    def held_is_never_lost(self) -> None:
        """What a row gave up stands in its digest, which is still to come or has told it; or it was settled."""
        rows, alerts = self.story.world.rows(), {alert.key: alert for alert in self.story.world.alerts()}
        for row in rows.values():
            for item in row.items if row.held is not None else ():
                alert = alerts.get(item.alert)
                if alert is None or not _owed(alert, item, row):
                    continue
                assert row.held is not None
                digest = rows[row.held.into]
                assert item.alert in {one.alert for one in digest.items if one.origin == row.id}
                assert not digest.done or digest.handed_over or self.accidents

    @invariant()
    def no_two_deliveries_have_one_alert_step_recipient_channel_and_round(self) -> None:
        """One leg each; and what went twice went with one id, and is owed to an accident, or to a receipt that said it
        had not arrived."""
        legs = Counter(
            (row.items[0].alert, row.step or row.items[0].round, leg.to, leg.channel)
            for row in self.story.world.rows().values()
            for leg in row.legs
            if row.kind not in (Kind.DIGEST, Kind.AGAIN, Kind.HOOK)
        )
        sent = Counter((one.notice.token, one.channel) for one in self.story.world.sent)
        assert set(legs.values()) <= {1}
        assert sum(count - 1 for count in sent.values()) <= 2 * self.accidents + self.undelivered

    @invariant()
    def a_stopped_number_gets_no_text(self) -> None:
        """From STOP on, until START."""
        since = [] if self.silent_from is None else self.story.world.sent[self.silent_from :]
        assert [one.to for one in since if one.channel is Channel.SMS and one.to == NUMBER] == []

    @invariant()
    def no_step_is_told_before_it_is_due(self) -> None:
        """Nor after somebody acted, but for what was on its way."""
        for alert in self.story.world.alerts():
            for run in alert.escalations:
                for step in run.steps:
                    assert step.settled_at is None or step.settled_at >= step.due_at or step.recipient is None


def _owed(alert: Alert, item: Item, row: Delivery) -> bool:
    if row.step is not None:
        return step_needed(alert, row.step, row.due_at)
    return any(news.number == item.round for news in owed(alert))


def _ids(alert: Alert) -> list[str]:
    return [delivery_id(alert.key, news.number) for news in rounds_of(alert)] + step_rows(alert)


Escalating.TestCase.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
TestEscalating = Escalating.TestCase
