"""What a patient who asked is told: who will reply, by when, that nobody watches round the clock. No promise more."""

from datetime import datetime
from typing import Final

from shared.contracts.clinics import Role
from shared.contracts.questions import Category, Triage

_WHO: Final = {
    Role.THERAPIST: "a therapist of your care team",
    Role.PRESCRIBER: "a prescriber of your care team",
    Role.LEAD: "the lead of the service",
    Role.ADMIN: "the clinic's office",
    Role.SUPPORT: "the people who look after this app",
}


def what_to_expect(triage: Triage | None, reply_by: datetime) -> str:
    """In kind words: who replies, by when (`reply_by`, an instant in the clinic's zone), and what this is not."""
    by = f"by {_clock(reply_by)} on {reply_by:%A} {reply_by.day} {reply_by:%B %Y}"
    who = "your care team" if triage is None else _WHO[triage.role]
    thanks = "We have your question."
    if triage is not None and triage.category is Category.CRISIS:
        thanks = "Thank you for telling us. You do not have to deal with this on your own."
    return (
        f"{thanks} It goes to {who}, and you will have a reply {by}. If that is not the answer you needed, say so: "
        "your question stays open until you say that it is settled. We do not watch this round the clock: if it "
        "cannot wait, use the contacts shown with this message."
    )


def _clock(at: datetime) -> str:
    hour = at.hour % 12 or 12
    minutes = f":{at.minute:02}" if at.minute else ""
    return f"{hour}{minutes}{'am' if at.hour < 12 else 'pm'}"
