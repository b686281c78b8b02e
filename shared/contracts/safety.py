"""What every patient is told with every answer: where help is now, who will see this and by when. Never a promise more.

The contacts are public crisis lines by region, confirmed in NHS trusts' pages for GB; a deployer checks them monthly.
"""

from datetime import datetime
from typing import Final, Literal

from pydantic import AwareDatetime

from shared.contracts.base import Origin, Part, Urgency
from shared.contracts.clinics import ClinicSettings, Region
from shared.contracts.screening import Screening
from shared.working_time import WorkingTime


class CrisisContact(Part):
    """One way to a human, now."""

    name: str
    how: Literal["call", "text"]
    number: str
    hours: str
    when: str


class Safety(Part):
    """The part of an answer that is about the patient's safety. Show it first where `prominent` is true."""

    prominent: bool
    message: str
    who_will_see_this: str
    seen_by: AwareDatetime
    monitoring: str
    contacts: list[CrisisContact]


_DAY_AND_NIGHT: Final = "day and night"
CRISIS_CONTACTS: Final[dict[Region, list[CrisisContact]]] = {
    Region.GB: [
        CrisisContact(name="Emergency services", how="call", number="999", hours=_DAY_AND_NIGHT,
                      when="you are in danger now, or have hurt yourself"),
        CrisisContact(name="NHS 111, mental health option", how="call", number="111", hours=_DAY_AND_NIGHT,
                      when="you need mental health help now (choose option 2)"),
        CrisisContact(name="Samaritans", how="call", number="116 123", hours=_DAY_AND_NIGHT,
                      when="you want to talk to somebody"),
        CrisisContact(name="Shout", how="text", number="85258", hours=_DAY_AND_NIGHT,
                      when="you would rather text (send SHOUT)"),
    ],
    Region.IE: [
        CrisisContact(name="Emergency services", how="call", number="112", hours=_DAY_AND_NIGHT,
                      when="you are in danger now, or have hurt yourself"),
        CrisisContact(name="Samaritans", how="call", number="116 123", hours=_DAY_AND_NIGHT,
                      when="you want to talk to somebody"),
    ],
    Region.US: [
        CrisisContact(name="Emergency services", how="call", number="911", hours=_DAY_AND_NIGHT,
                      when="you are in danger now, or have hurt yourself"),
        CrisisContact(name="988 Suicide & Crisis Lifeline", how="call", number="988", hours=_DAY_AND_NIGHT,
                      when="you want to talk to somebody (or text 988)"),
    ],
}  # fmt: skip

MONITORING: Final = "Messages and answers here are not monitored round the clock. This is not an emergency service."


def answer_by(working_time: WorkingTime, at: datetime, urgency: Urgency) -> datetime:
    """By when a human of the clinic should have looked: what patients are told and alerts are held to.

    At once: by today's closing time while the clinic works, else by the next opening. Otherwise: by the closing time of
    the next working day. The clinic's own zone and holidays count.
    """
    if urgency is Urgency.WORKING_HOURS:
        return working_time.close_after(at, 1)
    if working_time.is_open(at):
        span = working_time.hours_on(at.astimezone(working_time.zone).date())
        if span is not None:
            return span[1]
    return working_time.next_open(at)


def safety_reply(settings: ClinicSettings, now: datetime, *, risk: bool = False, urgent: bool = False) -> Safety:
    """The safety part of an answer.

    risk: the entry has a risk answer above 0, or words that people in a crisis use, so it is shown first; urgent: one
    that the care team is told of at once.
    """
    working_time = settings.working_time
    by = answer_by(working_time, now, Urgency.AT_ONCE if urgent else Urgency.WORKING_HOURS).astimezone(
        working_time.zone
    )
    when = f"by {_clock(by)} on {by:%A} {by.day} {by:%B %Y}"
    if urgent:
        reading = "" if working_time.is_open(now) else " They may not be reading messages now."
        who = f"Your care team is being told. Somebody will look at this {when}.{reading}"
    else:
        who = f"Your care team can see this and will look at it {when}."
    message = (
        "Thank you for telling us. You do not have to deal with this on your own. If you need somebody now:"
        if risk
        else "If you need somebody now:"
    )
    return Safety(
        prominent=risk,
        message=message,
        who_will_see_this=who,
        seen_by=by,
        monitoring=MONITORING,
        contacts=CRISIS_CONTACTS[settings.region],
    )


def crisis_told(settings: ClinicSettings, screening: Screening | None, origin: Origin) -> tuple[bool, bool]:
    """For words screened at a door: `risk` and `urgent` as `safety_reply` takes them.

    Urgent only where the care team really is told at once, so that nobody is promised more: the clinic's rule on crisis
    language runs, and the words are no import, which pages nobody.
    """
    if screening is None or not screening.crisis_language:
        return False, False
    choice = settings.rule_set.rules.get("crisis_language")
    runs = settings.rule_set.base == "starter" if choice is None else choice.enabled
    return True, runs and origin is not Origin.IMPORT


def _clock(at: datetime) -> str:
    hour = at.hour % 12 or 12
    minutes = f":{at.minute:02}" if at.minute else ""
    return f"{hour}{minutes}{'am' if at.hour < 12 else 'pm'}"
