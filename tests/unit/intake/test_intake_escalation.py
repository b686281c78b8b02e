"""A clinic's escalation and rota: what cannot work is refused by field, what is probably not meant is warned of."""

from datetime import UTC, datetime, time
from typing import Any

import pytest

from services.intake import domain
from services.intake.api.clinic_bodies import ClinicBody
from shared.contracts import Clinician
from shared.contracts.clinics import ClinicSettings
from shared.contracts.escalation import EscalationSettings
from shared.errors import Problem

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
"""A Monday."""
ROTA: dict[str, Any] = {
    "zone": "Europe/London",
    "turn": "weekly",
    "starts_on": "2026-11-23",
    "hand_over_at": "09:00",
    "clinicians": ["priya", "lee"],
}
EVERYBODY = {"priya", "lee", "sasha"}


def settings(**changes: Any) -> ClinicSettings:
    fields: dict[str, Any] = {
        "effective_from": NOW,
        "zone": "Europe/London",
        "working_hours": {day: (time(9), time(17)) for day in ("mon", "tue", "wed", "thu", "fri")},
        "rule_set": {"base": "starter"},
        "fallback_contact": {"name": "Duty", "email": "duty@harbour.example"},
    }
    return ClinicSettings.model_validate(fields | changes)


def steps(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"lead": "lee", "at_once": {"steps": list(steps)}}


def warned(reachable: set[str] = EVERYBODY, **changes: Any) -> list[str]:
    return [one.pointer for one in domain.escalation_warnings(settings(**changes), reachable=reachable, now=NOW)]


FIRST: dict[str, Any] = {"who": "clinician", "after_minutes": 0}
OVERRIDE = {"starts_at": "2026-12-24T09:00:00Z", "ends_at": "2026-12-27T09:00:00Z", "clinician": "sasha"}


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"escalation": steps({"who": "duty", "after_minutes": 5})}, "/escalation/at_once/steps/0/after_minutes"),
        (
            {"escalation": steps(FIRST, {"who": "duty", "after_minutes": 30}, {"who": "lead", "after_minutes": 30})},
            "/escalation/at_once/steps/2/after_minutes",
        ),
        ({"escalation": steps(FIRST, {"who": "named", "after_minutes": 9})}, "/escalation/at_once/steps/1/clinician"),
        (
            {"escalation": steps(FIRST, {"who": "duty", "clinician": "lee", "after_minutes": 9})},
            "/escalation/at_once/steps/1/clinician",
        ),
        ({"escalation": steps(FIRST | {"channels": ["sms", "sms"]})}, "/escalation/at_once/steps/0/channels"),
        ({"duty_rota": ROTA | {"hand_over_at": "09:00+01:00"}}, "/duty_rota/hand_over_at"),
        (
            {"duty_rota": ROTA | {"overrides": [OVERRIDE | {"ends_at": OVERRIDE["starts_at"]}]}},
            "/duty_rota/overrides/0/ends_at",
        ),
        (
            {"duty_rota": ROTA | {"overrides": [OVERRIDE | {"starts_at": "2026-12-26T09:00:00Z"}, OVERRIDE]}},
            "/duty_rota/overrides/0/starts_at",
        ),
    ],
)
def test_an_escalation_that_cannot_work_is_refused_by_its_place(changes: dict[str, Any], pointer: str) -> None:
    """With what to send instead."""
    with pytest.raises(Problem) as refused:
        domain.set_up_clinic(None, clinic="harbour", name="Harbour", settings=settings(**changes))

    assert pointer in [error.pointer for error in refused.value.errors]


def test_a_clinic_that_says_nothing_has_the_defaults_and_hears_what_they_lack() -> None:
    """Clinician at once, duty at 30 minutes, the lead at 60; without rota and lead the fallback contact is told."""
    at_once = settings().escalation.at_once

    assert [(step.who, step.after_minutes) for step in at_once.steps] == [("clinician", 0), ("duty", 30), ("lead", 60)]
    assert warned() == [
        "/escalation/at_once/steps/1",
        "/escalation/at_once/steps/2",
        "/escalation/working_hours/steps/1",
    ]


def test_a_clinic_with_a_whole_rota_and_a_lead_is_not_warned() -> None:
    """Every step has somebody, for eight weeks."""
    assert warned(escalation={"lead": "lee"}, duty_rota=ROTA) == []


def test_gaps_of_the_rota_are_named_with_their_times() -> None:
    """A turn nobody has, one who is away, and one who is not registered any more."""
    rota = ROTA | {"clinicians": ["priya", "lee", None], "overrides": [OVERRIDE | {"clinician": None}]}
    chosen = settings(escalation={"lead": "priya"}, duty_rota=rota)
    found = domain.escalation_warnings(chosen, reachable={"priya"}, now=NOW)

    assert {one.pointer for one in found} == {"/duty_rota"}
    assert [(f"{one.since:%m-%d}", f"{one.until:%m-%d}") for one in found if one.since and one.until] == [
        ("11-30", "12-07"),
        ("12-07", "12-14"),
        ("12-21", "12-24"),
        ("12-24", "12-27"),
        ("12-27", "12-28"),
        ("12-28", "01-04"),
        ("01-11", "01-18"),
        ("01-18", "01-18"),
    ]
    assert "the turn of lee" in found[0].message
    assert "nobody is on duty" in found[1].message


def test_somebody_named_who_is_not_registered_is_warned_of() -> None:
    """As lead, and in a step."""
    escalation = steps(FIRST, {"who": "named", "clinician": "nobody", "after_minutes": 9})

    assert warned(escalation=escalation | {"lead": "gone"}) == [
        "/escalation/lead",
        "/escalation/at_once/steps/1/clinician",
    ]
    assert domain.named_in(settings(escalation=escalation, duty_rota=ROTA)) == {"nobody", "lee", "priya"}


def test_a_step_after_the_deadline_patients_are_promised_is_warned_of() -> None:
    """A clinic with a short Friday: six hours of working time may end after the working day that was promised."""
    hours = {"thu": (time(9), time(17)), "fri": (time(9), time(13))}

    assert warned(working_hours=hours, escalation={"lead": "lee"}, duty_rota=ROTA) == [
        "/escalation/working_hours/steps/1/after_minutes"
    ]


def test_the_body_s_defaults_are_the_contract_s() -> None:
    """What is left out of a PUT is what notify would do anyway."""
    body = ClinicBody.model_validate(
        {
            "name": "Harbour",
            "zone": "Europe/London",
            "working_hours": {"mon": ["09:00", "17:00"]},
            "rule_set": {"base": "starter"},
            "fallback_contact": {"name": "Duty", "email": "duty@harbour.example"},
        }
    )

    assert EscalationSettings.model_validate(body.escalation.model_dump()) == EscalationSettings()
    assert body.duty_rota is None


def test_nobody_stands_in_for_themselves() -> None:
    """A deputy is somebody else."""
    with pytest.raises(Problem) as refused:
        domain.register_clinician(Clinician(clinic="harbour", clinician="priya", version=1, deputy="priya"))

    assert [error.pointer for error in refused.value.errors] == ["/deputy"]
