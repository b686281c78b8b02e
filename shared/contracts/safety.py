"""What every patient is told with every answer: where help is now, who can see this, and by when somebody will look
where somebody is told of it. Never a promise more.

The contacts are public crisis lines by region, confirmed in NHS trusts' pages for GB; a deployer checks them monthly.
"""

from datetime import datetime
from typing import Final, Literal

from pydantic import AwareDatetime, Field

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
    seen_by: AwareDatetime | None = Field(
        description="By when somebody will look; null where nobody is told and no question waits."
    )
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

NOBODY_TOLD: Final = (
    "Your care team can see this. They may not look at it before your next session. If you need help sooner, do not "
    "wait for them."
)
"""What is said where no rule, queue or alert makes anybody look."""
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


def safety_reply(
    settings: ClinicSettings,
    now: datetime,
    *,
    risk: bool = False,
    told: Urgency | None = None,
    reply_by: datetime | None = None,
) -> Safety:
    """The safety part of an answer.

    risk: the entry has a risk answer above 0, or words that people in a crisis use, so it is shown first. told: how
    soon somebody of the care team is told of it; None: nobody is, and then no time is named, for nothing makes anybody
    look. reply_by: by when a question that waits in a queue is promised a reply; what is told is looked at sooner.
    """
    working_time = settings.working_time
    by = reply_by if told is None else answer_by(working_time, now, told)
    if by is None:
        who = NOBODY_TOLD
    else:
        by = by.astimezone(working_time.zone)
        when = f"by {_clock(by)} on {by:%A} {by.day} {by:%B %Y}"
        who = f"Your care team can see this and will look at it {when}."
        if told is Urgency.AT_ONCE:
            reading = "" if working_time.is_open(now) else " They may not be reading messages now."
            who = f"Your care team is being told. Somebody will look at this {when}.{reading}"
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


def crisis_told(settings: ClinicSettings, screening: Screening | None, origin: Origin) -> tuple[bool, Urgency | None]:
    """For words screened at a door: `risk` and `told` as `safety_reply` takes them.

    Told, at once, only where the care team really is, so that nobody is promised more: the clinic's rule on crisis
    language runs, and the words are no import, which pages nobody.
    """
    if screening is None or not screening.crisis_language:
        return False, None
    return True, Urgency.AT_ONCE if is_told(settings, "crisis_language", origin) else None


def is_told(settings: ClinicSettings, rule: str, origin: Origin) -> bool:
    """Whether somebody is told of a rule's evidence: the rule runs, and it is no import, which pages nobody."""
    choice = settings.rule_set.rules.get(rule)
    runs = settings.rule_set.base == "starter" if choice is None else choice.enabled
    return runs and origin is not Origin.IMPORT


def _clock(at: datetime) -> str:
    hour = at.hour % 12 or 12
    minutes = f":{at.minute:02}" if at.minute else ""
    return f"{hour}{minutes}{'am' if at.hour < 12 else 'pm'}"
