"""Escalation: whom an alert goes to next while nobody has acted.

A run is the clinic's policy with its due times, frozen in the alert. What goes out next is a function of the alert, and
each step's message is a row with an id of its own, so no crash loses a step and no replica tells one twice.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from services.notify.domain.deliveries import FALLBACK, Delivery, Item, Kind, Leg, LegState, StepRef
from shared.contracts.alerts import Alert, AlertStatus, Cause, Escalation, EscalationStep
from shared.contracts.base import ChannelName, Urgency
from shared.contracts.escalation import EscalationSettings, Who
from shared.working_time import WorkingTime

KEPT_RUNS: Final = 10
"""Runs that stay in the alert; rows of older ones are no longer listed."""
KEPT_REPEATS: Final = 5
"""Of the steps that the lead was told again and again, the ones that stay in the alert."""
_UNTOLD: Final = {"settled_at": None, "recipient": None, "told_clinician": None, "fell_back": None, "in_flight": False}
_YOU: Final = {
    Who.CLINICIAN: "you are the patient's clinician",
    Who.DEPUTY: "you stand in for the patient's clinician",
    Who.DUTY: "you are on duty",
    Who.LEAD: "you are the service lead",
    Who.NAMED: "the clinic's policy names you",
    Who.FALLBACK: "you are the clinic's fallback contact",
}


def escalated(
    alert: Alert, urgency: Urgency, settings: EscalationSettings, working_time: WorkingTime, now: datetime
) -> Alert:
    """The alert with its escalation begun anew, by the policy of an urgency: it has news nobody was told of."""
    steps = list(_steps(urgency, settings, working_time, now))
    return _with_run(alert, Cause.UNACKNOWLEDGED, urgency, steps, now)


def _steps(
    urgency: Urgency, settings: EscalationSettings, working_time: WorkingTime, now: datetime
) -> Iterator[EscalationStep]:
    policy, at_once = settings.policy(urgency), urgency is Urgency.AT_ONCE
    again = policy.steps[-1].after_minutes + policy.repeat_after_minutes
    for repeat in range(policy.repeats + 1):
        for number, step in enumerate(policy.steps, 1):
            minutes = step.after_minutes + repeat * again
            delay = timedelta(minutes=minutes)
            spent = _spent(minutes) + ("" if at_once else " of working time")
            yield EscalationStep(
                step=number,
                repeat=repeat,
                who=step.who,
                clinician=step.clinician,
                channels=step.channels,
                due_at=now + delay if at_once else working_time.after(now, delay),
                why=f"nobody had acknowledged it {spent} after it was raised" if minutes else "it is new",
            )


def _spent(minutes: int) -> str:
    hours, odd = divmod(minutes, 60)
    return f"{minutes} minutes" if odd or hours < 2 else f"{hours} hours"


def reminded(
    alert: Alert, settings: EscalationSettings, working_time: WorkingTime, now: datetime, *, holder: str | None
) -> Alert:
    """The alert, just acknowledged, with what follows if it is not closed: a reminder, then the lead each working day.

    The step after the one that is told next always stands there too, so that its row is written before that is tried.
    holder: the clinician who acknowledged it; the patient's, where that is not one we know.
    """
    days = settings.days_to_close(alert.urgency)
    why = f"it was acknowledged, and not closed within {days} working day{'s' if days > 1 else ''}"
    common: dict[str, Any] = {"channels": [ChannelName.EMAIL], "why": why}
    steps = [
        EscalationStep(
            step=1,
            who=Who.NAMED if holder else Who.CLINICIAN,
            clinician=holder,
            due_at=working_time.open_after(now, days),
            **common,
        ),
    ]
    repeats = settings.close_within.lead_repeats
    first = 1 if repeats is None else repeats
    for repeat in range(first + 1):
        due_at = working_time.open_after(now, days + 1 + repeat)
        steps.append(EscalationStep(step=2, repeat=repeat, who=Who.LEAD, due_at=due_at, **common))
    return _with_run(alert, Cause.UNCLOSED, alert.urgency, steps, now, until_closed=repeats is None)


def last_reminded(alert: Alert) -> str | None:
    """Whom the alert's last reminder was for; None: the patient's clinician, or there was none."""
    return next((run.steps[0].clinician for run in reversed(alert.escalations) if run.cause is Cause.UNCLOSED), None)


def going_further(alert: Alert, working_time: WorkingTime, now: datetime) -> Alert:
    """The alert with another step behind the next one, where its run goes on until it is closed.

    Of the lead's steps that were told the latest stay. The same alert where two are still to come, or none is wanted.
    """
    run = going_on(alert)
    if run is None or not run.until_closed:
        return alert
    last = run.steps[-1]
    if sum(step.settled_at is None and step.step == last.step for step in run.steps) > 1:
        return alert
    due_at = working_time.open_after(max(now, last.due_at), 1)
    following = last.model_copy(update=_UNTOLD | {"repeat": last.repeat + 1, "due_at": due_at})
    steps = [*run.steps[:2], *run.steps[2:][-KEPT_REPEATS:], following]
    runs = [one if one is not run else run.model_copy(update={"steps": steps}) for one in alert.escalations]
    return alert.model_copy(update={"escalations": runs})


def _with_run(
    alert: Alert,
    cause: Cause,
    urgency: Urgency,
    steps: list[EscalationStep],
    now: datetime,
    *,
    until_closed: bool = False,
) -> Alert:
    run = Escalation(
        run=alert.escalations[-1].run + 1 if alert.escalations else 1,
        cause=cause,
        urgency=urgency,
        started_at=now,
        round=latest_round(alert),
        steps=steps,
        until_closed=until_closed,
    )
    return alert.model_copy(update={"escalations": [*alert.escalations, run][-KEPT_RUNS:]})


def latest_round(alert: Alert) -> int:
    """The number of its newest round of news."""
    return max((evidence.round for evidence in alert.told), default=1)


def going_on(alert: Alert) -> Escalation | None:
    """The run that is going on; None where somebody has acted, or there is none."""
    if alert.deleted or alert.status is AlertStatus.CLOSED or not alert.escalations:
        return None
    run = alert.escalations[-1]
    waits_for = Cause.UNACKNOWLEDGED if alert.status is AlertStatus.OPEN else Cause.UNCLOSED
    return run if run.cause is waits_for and run.ended_at is None else None


def ended(alert: Alert, now: datetime) -> Alert:
    """The alert with nobody further to tell, though it stays open."""
    run = going_on(alert)
    if run is None:
        return alert
    runs = [*alert.escalations[:-1], run.model_copy(update={"ended_at": now})]
    return alert.model_copy(update={"escalations": runs})


def was_ended(alert: Alert) -> bool:
    """Whether nobody further is told, because the patient's death was recorded."""
    return bool(alert.escalations) and alert.escalations[-1].ended_at is not None


def used_up(alert: Alert) -> bool:
    """Whether everybody whom the policy names was told, repeats included, and nobody acknowledged."""
    run = going_on(alert)
    return run is None or all(step.settled_at is not None for step in run.steps)


def to_nobody(alert: Alert) -> bool:
    """Whether nobody has it, and whoever was told of it so far was the fallback contact, for want of anybody else."""
    run = going_on(alert)
    if run is None or run.cause is not Cause.UNACKNOWLEDGED:
        return False
    told = [step for step in run.steps if step.recipient is not None]
    return bool(told) and all(step.fell_back is not None for step in told)


def next_step(alert: Alert, now: datetime) -> Delivery | None:
    """The row of the first step not told yet. The very first is the alert's own message, which has its own row."""
    run = going_on(alert)
    steps = (
        [] if run is None else [step for step in run.steps if step.settled_at is None and not _is_message(run, step)]
    )
    return _row(alert, run, steps[0], now) if run and steps else None


def step_after(alert: Alert, ref: StepRef, now: datetime) -> Delivery | None:
    """The row of the step after one, where its run goes on."""
    run = going_on(alert)
    if run is None or not is_of(ref, run):
        return None
    later = [step for step in run.steps if (step.repeat, step.step) > (ref.repeat, ref.step)]
    return _row(alert, run, later[0], now) if later else None


def step_rows(alert: Alert) -> list[str]:
    """The ids of the rows that steps may have, the first message's aside."""
    return [
        _row_id(alert, _ref(run, step)) for run in alert.escalations for step in run.steps if not _is_message(run, step)
    ]


def step_needed(alert: Alert, ref: StepRef, now: datetime) -> bool:
    """Whether a step has to be told now: nobody has acted, and no repeat of it that is due as well says the same."""
    run = going_on(alert)
    if run is None or not is_of(ref, run):
        return False
    mine = next((step for step in run.steps if _ref(run, step) == ref), None)
    return mine is not None and mine.settled_at is None and not _repeated(run, mine, now)


def _repeated(run: Escalation, mine: EscalationStep, now: datetime) -> bool:
    return any(step.step == mine.step and step.repeat > mine.repeat and step.due_at <= now for step in run.steps)


def settle_step(alert: Alert, delivery: Delivery, now: datetime) -> Alert:
    """A step's message was handed over: the alert remembers who was told, and that it need not be told again."""
    ref = delivery.step
    mine = next((run for run in alert.escalations if ref is not None and is_of(ref, run)), None)
    if ref is None or mine is None:
        return alert
    update = _told(delivery, now) | {"in_flight": mine is not going_on(alert)}

    def settled(step: EscalationStep) -> EscalationStep:
        if step.settled_at is not None or step.step != ref.step or step.repeat > ref.repeat:
            return step
        return step.model_copy(update=update if step.repeat == ref.repeat else {"settled_at": now})

    return _changed(alert, mine, settled)


def settle_message(alert: Alert, delivery: Delivery, number: int, now: datetime, *, was: Kind | None = None) -> Alert:
    """The message of a round of news was handed over, which is the first step of the run it belongs to.

    was: what a line of a digest was before it was held there; imported evidence is no step.
    """
    run = going_on(alert)
    if run is None or number < run.round or Kind.MESSAGE not in (delivery.kind, was):
        return alert

    def settled(step: EscalationStep) -> EscalationStep:
        if not _is_message(run, step) or step.settled_at is not None:
            return step
        return step.model_copy(update=_told(delivery, now))

    return _changed(alert, run, settled)


def _told(delivery: Delivery, now: datetime) -> dict[str, Any]:
    """What a step says once it is told; a clinician counts before the fallback contact, where both were reached."""
    sent = [leg.to for leg in delivery.legs if leg.state is LegState.SENT]
    told = next((to for to in sent if to != FALLBACK), None)
    return {
        "settled_at": now,
        "recipient": "fallback" if told is None else "clinician",
        "told_clinician": told,
        "fell_back": delivery.fell_back if told is None else None,
    }


def _changed(alert: Alert, mine: Escalation, change: Callable[[EscalationStep], EscalationStep]) -> Alert:
    steps = [change(step) for step in mine.steps]
    if steps == mine.steps:
        return alert
    changed = mine.model_copy(update={"steps": steps})
    runs = [changed if run is mine else run for run in alert.escalations]
    return alert.model_copy(update={"escalations": runs})


def because(delivery: Delivery, leg: Leg, alerts: Mapping[str, Alert]) -> str | None:
    """Why a leg's recipient is told, in words for a message; None where it is no step of an escalation."""
    ref = delivery.step
    for alert in alerts.values():
        for run in alert.escalations:
            for step in run.steps:
                if _ref(run, step) == ref:
                    role = _YOU[Who.FALLBACK if leg.to_fallback else step.who]
                    return step.why if run.cause is Cause.UNCLOSED else f"{step.why}, and {role}"
    return None


def because_of(alert: Alert, ref: StepRef) -> str | None:
    """Why a step of an alert was gone to, in words for a line of a digest."""
    return next((step.why for run in alert.escalations for step in run.steps if _ref(run, step) == ref), None)


def addressed(delivery: Delivery, alert: Alert) -> Delivery:
    """The row of an alert's message, to whom its policy's first step says."""
    run = going_on(alert)
    if run is None or run.cause is not Cause.UNACKNOWLEDGED:
        return delivery
    first = run.steps[0]
    channels = tuple(first.channels) if run.urgency is delivery.urgency else ()
    return delivery.model_copy(update={"who": first.who, "named": first.clinician, "channels": channels})


def _is_message(run: Escalation, step: EscalationStep) -> bool:
    return run.cause is Cause.UNACKNOWLEDGED and (step.repeat, step.step) == (0, 1)


def _ref(run: Escalation, step: EscalationStep) -> StepRef:
    return StepRef(run=run.run, started_at=run.started_at, repeat=step.repeat, step=step.step)


def is_of(ref: StepRef, run: Escalation) -> bool:
    """Whether a step is one of this run's."""
    return ref.run == run.run and ref.started_at == run.started_at


def _row_id(alert: Alert, ref: StepRef) -> str:
    began = int(ref.started_at.timestamp() * 1_000_000)
    return f"{alert.key}/escalation/{ref.run}-{began}/{ref.repeat}/{ref.step}"


def _row(alert: Alert, run: Escalation, step: EscalationStep, now: datetime) -> Delivery:
    ref = _ref(run, step)
    return Delivery(
        id=_row_id(alert, ref),
        clinic=alert.clinic,
        kind=Kind.ESCALATION,
        urgency=run.urgency,
        items=(Item(alert=alert.key, round=latest_round(alert)),),
        patient=alert.patient,
        who=step.who,
        named=step.clinician,
        channels=tuple(step.channels),
        step=ref,
        created_at=now,
        due_at=step.due_at,
        look_at=step.due_at,
    )


def hastened(alert: Alert, now: datetime) -> Alert:
    """The alert with its next step due now, because somebody asked for it; the same where there is none to come."""
    run = going_on(alert)
    left = [] if run is None else [step for step in run.steps if step.settled_at is None and not _is_message(run, step)]
    if run is None or run.cause is not Cause.UNACKNOWLEDGED or not left or left[0].due_at <= now:
        return alert
    why = "somebody who was told asked for the next person"
    return _changed(
        alert, run, lambda step: step.model_copy(update={"due_at": now, "why": why}) if step is left[0] else step
    )
