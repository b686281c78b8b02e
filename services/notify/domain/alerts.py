"""Reconciling: what holds is compared with what was told. Level-triggered, so asking again changes nothing."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from services.notify.domain.deaths import DIED, RAPPORT, counting, lives_after_all
from services.notify.domain.deliveries import Delivery, Item, Kind
from services.notify.domain.escalation import (
    ended,
    escalated,
    going_further,
    going_on,
    last_reminded,
    reminded,
    settle_message,
    settle_step,
    used_up,
    was_ended,
)
from services.notify.domain.links import reference_of
from services.notify.domain.remembering import shortened, told_by
from services.notify.domain.resending import settle_again
from services.notify.domain.rounds import covers, rounds_of, urgency_of
from shared.contracts.alerts import Acknowledgement, Alert, AlertStatus, Disposition, Route, Told, Via
from shared.contracts.assessments import Assessment, Concern, Telling
from shared.contracts.base import Origin, Urgency
from shared.contracts.escalation import EscalationSettings
from shared.contracts.patients import Patient, PatientStatus
from shared.contracts.safety import answer_by
from shared.errors import Problem
from shared.working_time import WorkingTime

RISK: Final = "risk_item"
RISK_RULES: Final = frozenset({RISK, "risk_item_rising", "crisis_language"})
"""The rules whose alerts only a human closes."""
KEPT: Final = 50
"""Acknowledgements, and requests to send again, that stay in the alert."""
_ALERTS: Final = uuid.UUID("3c9f5b0e-8d57-5e0b-a0f6-72f5f4f2d4a9")


@dataclass(frozen=True, slots=True)
class Situation:
    """All that is known of one patient: what insights last said, the patient, and every alert there ever was.

    escalation: the clinic's own, as it is to be frozen in what fires now.
    """

    assessment: Assessment | None
    patient: Patient | None
    alerts: Sequence[Alert]
    working_time: WorkingTime
    now: datetime
    escalation: EscalationSettings = field(default_factory=EscalationSettings)

    @property
    def deceased(self) -> bool:
        """Nobody is sent anything new about somebody who has died."""
        patient = self.patient
        return patient is not None and not patient.deleted and patient.status is PatientStatus.DECEASED

    @property
    def clinician(self) -> str | None:
        """Whose patient this is."""
        return None if self.patient is None or self.patient.deleted else self.patient.clinician

    @property
    def order(self) -> tuple[int, ...]:
        """How new the assessment is."""
        return () if self.assessment is None else self.assessment.order


def alert_key(clinic: str, patient: str, alert: str) -> str:
    """The key of an alert's document."""
    return f"{clinic}/{patient}/{alert}"


def reconcile(situation: Situation) -> list[Alert]:
    """The alerts that must be opened or changed, whole. Once they are stored, the same question is answered with none.

    An assessment older than one that an alert was decided from decides nothing: it is a stale owner's, or a replay's.
    """
    assessment = situation.assessment
    if assessment is None or any(alert.as_of > assessment.order for alert in situation.alerts):
        return []
    silent = assessment.deleted or situation.deceased
    concerns = {} if silent else {concern.rule: concern for concern in assessment.concerns}
    rules = dict.fromkeys([*concerns, *(alert.rule for alert in situation.alerts if _is_open(alert))])
    changed = (_reconcile_rule(situation, assessment, rule, concerns.get(rule)) for rule in rules)
    return [alert for alert in changed if alert is not None]


def _is_open(alert: Alert) -> bool:
    return alert.status is not AlertStatus.CLOSED and not alert.deleted


def _reconcile_rule(situation: Situation, assessment: Assessment, rule: str, concern: Concern | None) -> Alert | None:
    mine = [alert for alert in situation.alerts if alert.rule == rule]
    current = max((alert for alert in mine if _is_open(alert)), key=lambda alert: alert.opened_at, default=None)
    news = [] if concern is None else _news(concern, mine, situation.patient)
    if concern is not None and news:
        if current is not None:
            return _appended(situation, current, concern, news)
        return _opened(situation, assessment, concern, news, before=len(mine))
    if current is None:
        return None
    if was_ended(current) and not assessment.deleted and lives_after_all(current, situation.patient):
        return _resumed(situation, current, concern)
    wanted = _ended(situation, current) if concern is None or not concern.holds else _going_on(current, concern)
    if wanted.status is not AlertStatus.CLOSED:
        wanted = wanted.model_copy(update={"clinician": situation.clinician or wanted.clinician})
    return None if wanted == current else wanted.model_copy(update={"as_of": situation.order})


def _news(concern: Concern, alerts: Sequence[Alert], patient: Patient | None) -> list[Telling]:
    """The telling evidence to take up: untold, and somebody is waiting for it.

    Imported evidence alone pages nobody: it is taken up while the concern holds, and otherwise only beside live news.
    """
    told = told_by(counting(alerts, patient))
    untold = {telling.id: telling for telling in concern.telling if not told(telling.id)}
    live = any(telling.origin is not Origin.IMPORT for telling in untold.values())
    if concern.holds or (live and concern.rule in RISK_RULES):
        return list(untold.values())
    return []


def _told(news: Sequence[Telling], number: int, now: datetime) -> list[Told]:
    return [
        Told(
            id=telling.id,
            at=telling.at,
            origin=telling.origin,
            urgency=telling.urgency,
            said=telling.said,
            accepted_at=telling.accepted_at,
            added_at=now,
            round=number,
        )
        for telling in news
    ]


def _opened(
    situation: Situation, assessment: Assessment, concern: Concern, news: Sequence[Telling], *, before: int
) -> Alert:
    """A new alert. Its id counts the rule's alerts before it, so that whoever else opens it opens the same one."""
    now = situation.now
    alert = str(uuid.uuid5(_ALERTS, f"{assessment.clinic}/{assessment.patient}/{concern.rule}/{before}"))
    told = _told(news, 1, now)
    urgency = urgency_of(told)
    opened = Alert(
        clinic=assessment.clinic,
        patient=assessment.patient,
        version=1,
        alert=alert,
        reference=reference_of(alert),
        rule=concern.rule,
        status=AlertStatus.OPEN,
        route=Route.DIGEST if urgency is None else Route.MESSAGE,
        urgency=urgency or Urgency.WORKING_HOURS,
        holds=concern.holds,
        reason=concern.reason,
        opened_at=now,
        open_since=now,
        deadline=answer_by(situation.working_time, now, urgency or Urgency.WORKING_HOURS),
        told=told,
        clinician=situation.clinician,
        as_of=situation.order,
        updated_at=now,
    )
    return shortened(opened if urgency is None else _escalated(situation, opened, urgency))


def _escalated(situation: Situation, alert: Alert, urgency: Urgency) -> Alert:
    return escalated(alert, urgency, situation.escalation, situation.working_time, situation.now)


def _appended(situation: Situation, alert: Alert, concern: Concern, news: Sequence[Telling]) -> Alert:
    """The open alert with news: live news un-acknowledge it, and may make it more urgent; imported news do neither.

    An escalation that is under way goes on in its own time: news that put it off would keep the next one from hearing.
    """
    now = situation.now
    added = _told(news, 1 + max((evidence.round for evidence in alert.told), default=0), now)
    update: dict[str, Any] = {
        "told": [*alert.told, *added],
        "holds": concern.holds,
        "reason": concern.reason,
        "clinician": situation.clinician or alert.clinician,
        "as_of": situation.order,
    }
    urgency = urgency_of(added)
    if urgency is not None:
        update |= {"status": AlertStatus.OPEN, "route": Route.MESSAGE, "died_as_of": None}
        update |= {"acknowledged_at": None, "acknowledged_by": None}
        deadline = answer_by(situation.working_time, now, urgency)
        if alert.status is AlertStatus.OPEN and alert.route is Route.MESSAGE:
            # it was waiting already: what was said of it stands, unless this is more urgent
            update["urgency"] = Urgency.AT_ONCE if Urgency.AT_ONCE in (urgency, alert.urgency) else urgency
            update["deadline"] = min(deadline, alert.deadline)
            run = going_on(alert)
            # against the run, not the alert: a run begun by calmer news goes by the calmer policy
            anew = run is None or used_up(alert) or (urgency is Urgency.AT_ONCE and run.urgency is not urgency)
        else:
            update |= {"urgency": urgency, "deadline": deadline, "open_since": now}
            anew = True
        if anew:
            return shortened(_escalated(situation, alert.model_copy(update=update), urgency))
    return shortened(alert.model_copy(update=update))


def _resumed(situation: Situation, alert: Alert, concern: Concern | None) -> Alert:
    """The death was recorded by mistake: what was live evidence is told again as a round of its own; who had the alert
    already is reminded of it anew."""
    holds = concern is not None and concern.holds
    if alert.status is AlertStatus.ACKNOWLEDGED:
        held = alert.model_copy(update={"holds": holds, "as_of": situation.order, "died_as_of": None})
        settings, working_time = situation.escalation, situation.working_time
        return reminded(held, settings, working_time, situation.now, holder=last_reminded(alert))
    number = 1 + max(evidence.round for evidence in alert.told)
    again = {"round": number, "added_at": situation.now, "settled_at": None}
    update = {
        "told": [one if one.origin is Origin.IMPORT else one.model_copy(update=again) for one in alert.told],
        "holds": holds,
        "as_of": situation.order,
        "died_as_of": None,
        "open_since": situation.now,
        "deadline": answer_by(situation.working_time, situation.now, alert.urgency),
    }
    return _escalated(situation, alert.model_copy(update=update), alert.urgency)


def _going_on(alert: Alert, concern: Concern) -> Alert:
    """What was told stands as it was told; only a risk alert shows what came after (a later 0)."""
    reason = concern.reason if alert.rule in RISK_RULES or not alert.holds else alert.reason
    return alert.model_copy(update={"holds": True, "reason": reason})


def _ended(situation: Situation, alert: Alert) -> Alert:
    """What raised it is over: that closes it, but for a risk alert, which a human closes."""
    if situation.deceased and situation.patient is not None and alert.died_as_of is None:
        alert = alert.model_copy(update={"died_as_of": situation.patient.version})
    if alert.rule in RISK_RULES:
        over = alert.model_copy(update={"holds": False})
        return ended(_all_settled(over, situation.now), situation.now) if situation.deceased else over
    note = DIED if situation.deceased else "Ended by itself: what raised this alert no longer holds."
    return _closed(alert, by=RAPPORT, disposition=None, note=note, now=situation.now)


def _closed(alert: Alert, *, by: str, disposition: Disposition | None, note: str | None, now: datetime) -> Alert:
    return _all_settled(
        alert.model_copy(
            update={
                "status": AlertStatus.CLOSED,
                "holds": alert.holds and by != RAPPORT,
                "closed_at": now,
                "closed_by": by,
                "disposition": disposition,
                "note": note,
            }
        ),
        now,
    )


def _all_settled(alert: Alert, now: datetime) -> Alert:
    """Nothing of it has to be sent any more."""
    if all(evidence.settled_at is not None for evidence in alert.told):
        return alert
    told = [e if e.settled_at is not None else e.model_copy(update={"settled_at": now}) for e in alert.told]
    return alert.model_copy(update={"told": told})


def settle(alert: Alert, number: int, working_time: WorkingTime, now: datetime) -> Alert:
    """The message of a round was handed over: that round is settled, and those its message speaks for."""
    rounds = {news.number: news for news in rounds_of(alert)}
    mine = rounds.get(number)
    if mine is None:
        return alert
    done = {number} | {n for n, news in rounds.items() if covers(mine, news, working_time, now)}
    told = [
        evidence.model_copy(update={"settled_at": now})
        if evidence.round in done and evidence.settled_at is None
        else evidence
        for evidence in alert.told
    ]
    return alert.model_copy(update={"told": told})


def told_of(alert: Alert, delivery: Delivery, item: Item, working_time: WorkingTime, now: datetime) -> Alert:
    """A row that tells of this alert was handed over: whatever it was, the alert remembers it."""
    if delivery.kind is Kind.AGAIN:
        return settle_again(alert, delivery.id, now)
    step = delivery.step or item.step
    if step is not None:
        settled_step = settle_step(alert, delivery.model_copy(update={"step": step}), now)
        return going_further(settled_step, working_time, now)
    settled = settle(alert, item.round, working_time, now)
    return settle_message(settled, delivery, item.round, now, was=item.was)


def acknowledge(
    alert: Alert,
    *,
    by: str,
    now: datetime,
    via: Via = Via.API,
    link: str | None = None,
    follow_up: Callable[[Alert], Alert] = lambda alert: alert,
) -> Alert:
    """Somebody has it. The first one keeps it; what was still to be sent is no longer needed.

    link: the fingerprint of the link it was said by; one that was used before changes nothing, though the alert may
    have come back since. follow_up: adds what is to happen if it is not closed. Raises Problem 409 where it is closed.
    """
    if alert.status is AlertStatus.CLOSED:
        raise _already_closed()
    if alert.status is AlertStatus.ACKNOWLEDGED or used_by(alert, link) is not None:
        return alert
    said = Acknowledgement(at=now, by=by, via=via, link=link)
    update = {
        "status": AlertStatus.ACKNOWLEDGED,
        "acknowledged_at": now,
        "acknowledged_by": by,
        "acknowledgements": [*alert.acknowledgements, said][-KEPT:],
    }
    acknowledged = _all_settled(alert.model_copy(update=update), now)
    return acknowledged if was_ended(alert) else follow_up(acknowledged)


def used_by(alert: Alert, link: str | None) -> Acknowledgement | None:
    """The acknowledgement that a link was used up with; None where it was not used."""
    mine = [one for one in alert.acknowledgements if link is not None and one.link == link]
    return mine[-1] if mine else None


def close(alert: Alert, *, by: str, disposition: Disposition, note: str | None, now: datetime) -> Alert:
    """A human closes it and says what was done. Raises Problem 409 where it is closed already."""
    if alert.status is AlertStatus.CLOSED:
        raise _already_closed()
    return _closed(alert, by=by, disposition=disposition, note=note, now=now)


def _already_closed() -> Problem:
    return Problem(
        409,
        "already_closed",
        "This alert is closed already",
        "Nothing more is to be done with it; new evidence opens another. Read this one to see who closed it and why.",
    )
