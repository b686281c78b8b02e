"""Escalation policies and duty rotas: what cannot work is refused; what is probably not meant is warned of."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from shared.contracts.base import Urgency
from shared.contracts.clinics import ClinicSettings
from shared.contracts.escalation import DutyRota, EscalationPolicy, Step, Who
from shared.duty import gaps
from shared.errors import FieldError

LOOK_AHEAD: Final = timedelta(weeks=8)
"""How far gaps of a rota are looked for."""
MOST_GAPS: Final = 20
"""Gaps that are named; where there are more, the first ones are enough to begin with."""


@dataclass(frozen=True, slots=True)
class Warned:
    """One thing to look at. pointer: into the body of PUT /v1/clinic; since, until: of a gap in the rota."""

    pointer: str
    message: str
    since: datetime | None = None
    until: datetime | None = None


def wrong_escalation(settings: ClinicSettings) -> Iterator[FieldError]:
    """What cannot work in a clinic's escalation and rota, field by field."""
    for urgency in Urgency:
        yield from _wrong_policy(settings.escalation.policy(urgency), f"/escalation/{urgency}")
    if settings.duty_rota is not None:
        yield from _wrong_rota(settings.duty_rota)


def _wrong_policy(policy: EscalationPolicy, pointer: str) -> Iterator[FieldError]:
    if policy.steps[0].after_minutes != 0:
        yield FieldError(
            f"{pointer}/steps/0/after_minutes", "Send 0: the first step is the alert's own message, and goes out first."
        )
    for index, (earlier, later) in enumerate(pairwise(policy.steps), 1):
        if later.after_minutes <= earlier.after_minutes:
            yield FieldError(
                f"{pointer}/steps/{index}/after_minutes",
                f"Send more than the {earlier.after_minutes} minutes of the step before: all delays count from the "
                "alert.",
            )
    for index, step in enumerate(policy.steps):
        yield from _wrong_step(step, f"{pointer}/steps/{index}")


def _wrong_step(step: Step, pointer: str) -> Iterator[FieldError]:
    if step.who is Who.NAMED and step.clinician is None:
        yield FieldError(f"{pointer}/clinician", "Send the clinician's id: the step names one.")
    elif step.who is not Who.NAMED and step.clinician is not None:
        yield FieldError(f"{pointer}/clinician", "Leave it out, or send the `who` `named`.")
    if len(set(step.channels)) < len(step.channels):
        yield FieldError(f"{pointer}/channels", "Send each channel once.")


def _wrong_rota(rota: DutyRota) -> Iterator[FieldError]:
    if rota.hand_over_at.tzinfo is not None:
        yield FieldError("/duty_rota/hand_over_at", "Send a time without an offset: it is meant in the rota's zone.")
    for index, one in enumerate(rota.overrides):
        if one.starts_at >= one.ends_at:
            yield FieldError(f"/duty_rota/overrides/{index}/ends_at", "Send an end after the start.")
    by_start = sorted(enumerate(rota.overrides), key=lambda numbered: numbered[1].starts_at)
    for (_, earlier), (index, later) in pairwise(by_start):
        if later.starts_at < earlier.ends_at:
            yield FieldError(
                f"/duty_rota/overrides/{index}/starts_at",
                f"Another override holds until {_instant(earlier.ends_at)}: let this one begin then, or shorten that "
                "one. Two people on duty at once are not known here.",
            )


def named_in(settings: ClinicSettings) -> set[str]:
    """The ids of all clinicians that the escalation and the rota name."""
    steps = [step for urgency in Urgency for step in settings.escalation.policy(urgency).steps]
    names = {settings.escalation.lead, *(step.clinician for step in steps)}
    if settings.duty_rota is not None:
        names |= {*settings.duty_rota.clinicians, *(one.clinician for one in settings.duty_rota.overrides)}
    return {name for name in names if name is not None}


def escalation_warnings(settings: ClinicSettings, *, reachable: Collection[str], now: datetime) -> list[Warned]:
    """What to look at: steps with nobody to go to, steps past the promise to patients, gaps in the rota.

    reachable: the clinicians of `named_in` that are registered with an address.
    """
    return [
        *_lonely_steps(settings, reachable),
        *_late_steps(settings),
        *_rota_gaps(settings, reachable, now),
    ]


def _lonely_steps(settings: ClinicSettings, reachable: Collection[str]) -> Iterator[Warned]:
    lead, instead = settings.escalation.lead, "this step goes to the fallback contact."
    if lead is not None and lead not in reachable:
        yield Warned(
            "/escalation/lead", "This clinician is not registered, or has no address: PUT /v1/clinicians/{id}."
        )
    for urgency in Urgency:
        for index, step in enumerate(settings.escalation.policy(urgency).steps):
            pointer = f"/escalation/{urgency}/steps/{index}"
            if step.who is Who.LEAD and lead is None:
                yield Warned(pointer, f"No `lead` is named: {instead} Send `escalation.lead`.")
            if step.who is Who.DUTY and settings.duty_rota is None:
                yield Warned(pointer, f"There is no rota: {instead} Send `duty_rota`.")
            if step.clinician is not None and step.clinician not in reachable:
                yield Warned(
                    f"{pointer}/clinician",
                    f"This clinician is not registered, or has no address: {instead} PUT /v1/clinicians/{{id}}.",
                )


def _late_steps(settings: ClinicSettings) -> Iterator[Warned]:
    """Alerts of a day off have the next working day for their deadline: a step after it comes too late for them."""
    minutes = [
        (closes.hour - opens.hour) * 60 + closes.minute - opens.minute
        for opens, closes in settings.working_hours.values()
    ]
    for index, step in enumerate(settings.escalation.working_hours.steps):
        if step.after_minutes >= min(minutes):
            yield Warned(
                f"/escalation/working_hours/steps/{index}/after_minutes",
                f"Your shortest working day has {min(minutes)} minutes: of an alert that comes before it, this step is "
                "told after the deadline that patients are promised. Send fewer minutes.",
            )


def _rota_gaps(settings: ClinicSettings, reachable: Collection[str], now: datetime) -> Iterator[Warned]:
    if settings.duty_rota is None:
        return
    for gap in gaps(settings.duty_rota.rota, now, now + LOOK_AHEAD, known=reachable)[:MOST_GAPS]:
        who = "nobody is on duty" if gap.who is None else f"it is the turn of {gap.who}, who is not registered"
        yield Warned(
            "/duty_rota",
            f"From {_instant(gap.since)} to {_instant(gap.until)} {who}: the fallback contact is told.",
            gap.since,
            gap.until,
        )


def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%MZ}"
