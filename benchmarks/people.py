"""What clinics, patients and insights would say, for benchmarks of notify alone."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, time
from typing import Final, get_args

from shared.bus import Message, Position
from shared.bus.kafka import KafkaPublisher
from shared.contracts import Assessment, Clinic, Clinician, Contract, Patient
from shared.contracts.assessments import Concern, Telling
from shared.contracts.base import ChannelName, Origin, Urgency
from shared.contracts.clinics import ClinicSettings, Contact, RuleSet
from shared.contracts.patients import PatientStatus
from shared.contracts.protocols import Weekday

LONG_AGO: Final = datetime(2026, 1, 1, tzinfo=UTC)
TOGETHER: Final = 500
"""Documents published at a time."""


def clinic(name: str) -> Clinic:
    """One that works day and night."""
    always = dict.fromkeys(get_args(Weekday), (time(0), time(23, 59, 59)))
    settings = ClinicSettings(
        effective_from=LONG_AGO,
        zone="Europe/London",
        working_hours=always,
        rule_set=RuleSet(base="starter"),
        fallback_contact=Contact(name="Duty", email=f"duty@{name}.example"),
    )
    return Clinic(clinic=name, version=1, name=f"Clinic {name}", settings=[settings])


def clinician(clinic: str, name: str) -> Clinician:
    """One who is told by e-mail."""
    email = f"{name}@{clinic}.example"
    return Clinician(clinic=clinic, clinician=name, version=1, name="Priya", email=email, channels=[ChannelName.EMAIL])


def patient(clinic: str, name: str, clinician: str) -> Patient:
    """An active patient."""
    return Patient(
        clinic=clinic,
        patient=name,
        version=1,
        name="Somebody",
        clinician=clinician,
        status=PatientStatus.ACTIVE,
        registered_at=LONG_AGO,
        updated_at=LONG_AGO,
    )


def at_risk(clinic: str, patient: str, at: datetime) -> Assessment:
    """What insights says after one live risk answer."""
    said = Telling(
        id=f"{clinic}-{patient}",
        at=at,
        origin=Origin.LIVE,
        urgency=Urgency.AT_ONCE,
        said="Item 9 was answered 2.",
        accepted_at=at,
    )
    concern = Concern(
        rule="risk_item",
        holds=True,
        since=at,
        reason="Item 9 was answered 2.",
        until="until it is answered 0",
        source="a benchmark",
        parameters={},
        numbers={},
        telling=[said],
    )
    return Assessment(
        clinic=clinic,
        patient=patient,
        epoch=0,
        basis=1,
        settings_version=1,
        rules_version=1,
        made_at=at,
        registered=True,
        entries=1,
        last_heard=at,
        concerns=[concern],
    )


async def publish(publisher: KafkaPublisher, documents: Sequence[Contract]) -> list[Position]:
    """Put them on their topics; of each partition the last position."""
    last: dict[tuple[str, int], Position] = {}
    for start in range(0, len(documents), TOGETHER):
        now = datetime.now(UTC)
        messages = [Message(str(uuid.uuid4()), now, one) for one in documents[start : start + TOGETHER]]
        for position in await publisher.publish(messages):
            last[position.topic, position.partition] = position
    return list(last.values())
