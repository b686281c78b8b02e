"""A clinic with everybody an escalation may go to, and its story told with a clock that is moved."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import uuid4

from services.notify.domain import RISK
from shared.contracts import Alert, Clinic, Clinician
from shared.contracts.alerts import Disposition, Escalation
from shared.contracts.assessments import Telling
from shared.contracts.base import Urgency
from shared.contracts.escalation import DutyRota, EscalationPolicy, EscalationSettings, Step, Who
from shared.documents import Idempotency
from tests.unit.notify.made import MONDAY, assessment, concern, telling
from tests.unit.notify.memory_mongo import Life
from tests.unit.notify.world import CLINIC, Process, World

ROTA = DutyRota(
    zone="Europe/London",
    turn="weekly",
    starts_on=date(2026, 11, 16),
    hand_over_at=time(9),
    clinicians=["ola", "dan"],
)
"""From Monday 23 November on it is Dan's turn."""
LEAD = EscalationSettings(lead="lee")
FALLBACK = "duty@listed.example"


def mail(who: str) -> str:
    """A clinician's e-mail address."""
    return f"{who}@listed.example"


def staff(name: str, **changes: Any) -> Clinician:
    """A clinician with an e-mail address and a mobile."""
    number = f"+4477009{sum(name.encode()):05}"
    fields: dict[str, Any] = {"email": mail(name), "mobile": number, "channels": ["email", "sms"]}
    return Clinician(clinic="harbour", clinician=name, version=1, name=name.title(), **fields | changes)


STAFF = (staff("priya", deputy="dee"), staff("dee"), staff("ola"), staff("dan"), staff("lee"), staff("nia"))


def clinic(**changes: Any) -> Clinic:
    """The clinic with other settings: its rota and its lead, unless said otherwise."""
    changes = {"escalation": LEAD, "duty_rota": ROTA} | changes
    return CLINIC.model_copy(update={"settings": [CLINIC.settings[0].model_copy(update=changes)]})


def policy(*steps: tuple[Who, int], repeats: int = 0, **more: Any) -> EscalationSettings:
    """At-once alerts go to these, after so many minutes each."""
    wanted = [Step(who=who, after_minutes=minutes) for who, minutes in steps]
    return EscalationSettings(lead="lee", at_once=EscalationPolicy(steps=wanted, repeats=repeats), **more)


class Story:
    """What happens at the clinic, minute by minute."""

    def __init__(self, *, people: Iterable[Clinician] = STAFF, **settings: Any) -> None:
        self.world = World(documents=[clinic(**settings), *people])
        self.process: Process = self.world.process(Life())
        self.said: dict[str, list[Telling]] = {}
        self.chosen: Alert | None = None
        self.basis = 0

    async def hears(self, name: str, *, urgency: Urgency = Urgency.AT_ONCE, rule: str = RISK) -> None:
        """The patient says something that must be told."""
        self.said.setdefault(rule, []).append(telling(name, at=self.world.clock.now(), urgency=urgency))
        await self.assessed()

    async def assessed(self) -> None:
        """What insights says now."""
        self.basis += 1
        concerns = [concern(*evidence, rule=rule) for rule, evidence in self.said.items()]
        self.world.said.append(assessment(*concerns, basis=self.basis))
        await self.process.handle(self.world.said[-1:])
        await self.process.calm()

    async def passes(self, by: timedelta) -> None:
        """Time passes, and what is due is seen to."""
        self.world.clock.advance(by)
        await self.process.calm()

    async def minutes(self, number: float) -> None:
        """So many minutes pass."""
        await self.passes(timedelta(minutes=number))

    async def until(self, instant: datetime) -> None:
        """It is this time."""
        await self.passes(instant - self.world.clock.now())

    async def acknowledges(self, by: str = "priya") -> Alert:
        """Somebody has it."""
        done = await self.process.desk.acknowledge("harbour", self.alert.alert, by=by, idempotency=_key())
        return done.document

    async def closes(self, disposition: Disposition = Disposition.CONTACTED) -> Alert:
        """Somebody has dealt with it."""
        done = await self.process.desk.close(
            "harbour", self.alert.alert, by="priya", disposition=disposition, note=None, idempotency=_key()
        )
        return done.document

    async def restarts(self) -> None:
        """The process is killed and another one started, which reads its own topic first."""
        self.process.life.dead = True
        self.process = self.world.process(Life())
        await self.process.learn()

    @property
    def alert(self) -> Alert:
        """The alert that was chosen, as it is now; else the only one there is."""
        alerts = self.world.alerts()
        if self.chosen is not None:
            return next(alert for alert in alerts if alert.key == self.chosen.key)
        (alert,) = alerts
        return alert

    @property
    def run(self) -> Escalation:
        """The latest run of its escalation."""
        return self.alert.escalations[-1]

    @property
    def link(self) -> str:
        """What the last message's link has behind `/a/`."""
        return self.world.sent[-1].notice.lines[0].link.rpartition("/")[2]

    @property
    def told(self) -> list[tuple[str, int]]:
        """Whom e-mails went to, each with the minutes since Monday at ten."""
        return [
            (one.to.partition("@")[0], int((one.at - MONDAY).total_seconds() // 60))
            for one in self.world.sent
            if one.channel == "email"
        ]


def _key() -> Idempotency:
    return Idempotency.of(client="tests", key=uuid4().hex, body=b"")
