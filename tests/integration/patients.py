"""Patients as the tests of documents write them, and a process that owns them."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from shared.bus import Event
from shared.contracts import Patient
from shared.documents import Owned
from shared.mongo import Collection
from tests.fakes import FakeClock, FakePublisher

REGISTERED = datetime(2026, 1, 5, 8, 30, tzinfo=UTC)
KEY = "riverside/p1"


def patient(name: str, number: str = "p1", *, version: int = 1, clinic: str = "riverside", **rest: Any) -> Patient:
    """A patient of a clinic; `number` is the clinic's own id."""
    return Patient(
        clinic=clinic,
        patient=number,
        version=version,
        name=name,
        registered_at=REGISTERED,
        updated_at=REGISTERED,
        **rest,
    )


def to(name: str, number: str = "p1", **rest: Any) -> Callable[[Patient | None], Patient]:
    """A change that makes a patient of this name, whatever was there."""
    return lambda _: patient(name, number, **rest)


def owner(collection: Collection, publisher: FakePublisher, clock: FakeClock) -> Owned[Patient]:
    """A process that owns patients: a new one knows nothing but what is stored."""
    return Owned(
        collection=collection,
        model=Patient,
        publisher=publisher,
        clock=clock,
        service="tests",
        facets={"clinician": lambda patient: patient.clinician},
        tombstone=lambda gone: patient("", gone.patient, clinic=gone.clinic),
    )


def versions(publisher: FakePublisher) -> list[int]:
    """What stands on the log, by version."""
    return [event.data.version for event in publisher.events if isinstance(event.data, Patient)]


def documents(events: list[Event]) -> list[Patient]:
    """The patients among events."""
    return [event.data for event in events if isinstance(event.data, Patient)]
