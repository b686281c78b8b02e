"""What a clinic has to tell: itself, its people, and their entries in order of time. Plain data, ready for the API."""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Final, Literal

Body = dict[str, Any]
"""A JSON object as the API takes it."""

Kind = Literal["check_in", "questionnaire", "question", "answer", "settle", "session", "attendance", "rating"]

LIVE_FOR: Final = timedelta(hours=23, minutes=45)
"""How old an entry may be and still go as `live`: the API's 24 hours, less the time that sending may take."""

FALLBACK_EMAIL: Final = "duty@example.org"
CLINICIANS: Final = ("Ama Birch", "Tomasz Hale", "Priya Lund", "Joan Marlow", "Idris Quill", "Mei Thorne")


@dataclass(frozen=True)
class Entry:
    """One thing to send.

    at: when it happened, in UTC; body: the request's body; about: for attendance and rating the session's id, for
    answer and settle the key of the question; line: where it stood in a file, if it came from one.
    """

    patient: str
    at: datetime
    kind: Kind
    body: Body
    about: str = ""
    line: int | None = None

    @cached_property
    def key(self) -> str:
        """Its idempotency key: the same entry has the same key in every run, so sending it again changes nothing."""
        content = json.dumps([self.patient, self.kind, self.about, self.body], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Person:
    """A patient or clinician: the id of the clinic's own, the body to PUT, and what the story has in mind for them."""

    id: str
    body: Body
    kind: str = ""


@dataclass(frozen=True)
class Story:
    """All that is sent. Entries are in order of time; those after `live_from` go as live, one by one.

    Instants are in UTC, because in one zone Python compares and subtracts by the clock on the wall, which on the day
    the clocks go back would call an entry of 24 hours and 45 minutes ago live.
    """

    clinic: Body
    clinicians: list[Person]
    patients: list[Person]
    entries: list[Entry]
    ends_at: datetime

    @property
    def live_from(self) -> datetime:
        """Entries after this instant are live."""
        return self.ends_at - LIVE_FOR


def origin(at: datetime, ends_at: datetime) -> Literal["live", "import"]:
    """How an entry that happened then reaches a clinic that is looked at now (both aware)."""
    return "live" if at.astimezone(UTC) > ends_at.astimezone(UTC) - LIVE_FOR else "import"


def demo_clinic(zone: str, scales: list[Body]) -> Body:
    """The body of PUT /v1/clinic for the demonstration: the starter rules, and reasons in e-mails to example.org."""
    return {
        "name": "Harbour Street Talking Therapies (demonstration)",
        "zone": zone,
        "region": "GB",
        "working_hours": {day: ["09:00", "17:00"] for day in ("mon", "tue", "wed", "thu", "fri")},
        "holidays": [],
        "rule_set": {"base": "starter", "rules": {}},
        "fallback_contact": {"name": "Duty desk", "email": FALLBACK_EMAIL, "mobile": "+447700900999"},
        "scales": scales,
        "detail_domains": ["example.org"],
    }


def demo_clinicians() -> list[Person]:
    """Six invented clinicians, with numbers that are kept for drama and addresses that lead nowhere."""
    return [
        Person(
            f"c{number}",
            {
                "name": name,
                "email": f"{name.lower().replace(' ', '.')}@example.org",
                "mobile": f"+4477009009{89 + number}",
                "channels": ["email", "sms"],
            },
        )
        for number, name in enumerate(CLINICIANS, start=1)
    ]
