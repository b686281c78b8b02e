"""Protocols through intake's door: declared by the clinic, followed by a patient who travels."""

from datetime import timedelta
from typing import Any

import pytest

from tests.integration.intake.clinic_system import CLINIC, SAM, Client, Intake

DAILY: dict[str, Any] = {
    "name": "daily",
    "rhythm": {"every": "days"},
    "windows": [{"opens": "08:00", "closes": "10:00"}],
    "late_after": 60,
    "expires_after": 600,
}
WHOLE = CLINIC | {"protocols": [DAILY], "pathways": {"low-mood": ["daily"]}}


async def test_a_patient_follows_a_pathway_and_every_zone_told_is_kept(intake: Intake, harbour: Client) -> None:
    """From the day it was told; the same again is no new version, and neither the history nor the day can be sent."""
    await harbour.do("PUT", "/v1/clinic", WHOLE)
    wished = SAM | {"pathway": "low-mood", "contact": {"most_a_week": 2}}
    first = (await harbour.do("PUT", "/v1/patients/sam", wished)).json()
    intake.clock.advance(timedelta(days=2))
    again = (await harbour.do("PUT", "/v1/patients/sam", wished)).json()
    away = (await harbour.do("PUT", "/v1/patients/sam", wished | {"zone": "Asia/Tokyo"})).json()
    sent = await harbour.ask("PUT", "/v1/patients/sam", wished | {"zones": []})

    assert (first["pathway_since"], first["contact"]["most_a_week"], first["zones"]) == ("2026-11-23", 2, [])
    assert again == first
    assert away["pathway_since"] == "2026-11-23"
    assert [(one["zone"], one["since"]) for one in away["zones"]] == [
        ("Europe/London", "2026-11-23T09:30:00Z"),
        ("Asia/Tokyo", "2026-11-25T09:30:00Z"),
    ]
    assert sent.status_code == 422


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"protocols": [DAILY | {"windows": []}]}, "/protocols/0"),
        ({"protocols": [DAILY | {"expires_afer": 5}]}, "/protocols/0/expires_afer"),
        ({"protocols": [DAILY | {"asks": "phq10"}]}, "/protocols/0/asks"),
        ({"pathways": {"low-mood": ["weekly"]}}, "/pathways/low-mood/0"),
        ({"check_in_questions": [{"name": "q", "wording": "How?", "kind": "choice"}]}, "/check_in_questions/0"),
    ],
)
async def test_a_protocol_that_cannot_work_changes_nothing(
    harbour: Client, change: dict[str, Any], pointer: str
) -> None:
    """It is refused with the field and what to send."""
    before = await harbour.get("/v1/clinic")
    refused = await harbour.ask("PUT", "/v1/clinic", WHOLE | change)

    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer)
    assert await harbour.get("/v1/clinic") == before


async def test_a_patient_cannot_follow_what_the_clinic_does_not_have(harbour: Client) -> None:
    """Neither a protocol nor a pathway."""
    assigned = {"protocols": [{"protocol": "daily", "starts_on": "2026-11-01"}]}
    answers = [await harbour.ask("PUT", "/v1/patients/sam", SAM | wish) for wish in (assigned, {"pathway": "low-mood"})]

    assert [(one.status_code, one.json()["errors"][0]["pointer"]) for one in answers] == [
        (422, "/protocols/0/protocol"),
        (422, "/pathway"),
    ]
