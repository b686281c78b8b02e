"""Protocols, pathways and the clinic's own questions as a clinic sets them up, and who follows them where."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from services.intake import domain
from shared.contracts import Clinic, Patient
from shared.contracts.clinics import ClinicSettings
from shared.contracts.protocols import Protocol
from shared.errors import Problem

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
DAY = timedelta(days=1)
DAILY: dict[str, Any] = {
    "name": "daily",
    "rhythm": {"every": "days"},
    "windows": [{"opens": "08:00", "closes": "10:00"}],
    "late_after": 60,
    "expires_after": 600,
    "reminders_after": [60, 120],
}


def settings(**changes: Any) -> ClinicSettings:
    return ClinicSettings.model_validate(
        {
            "effective_from": NOW,
            "zone": "Europe/London",
            "working_hours": {day: ["09:00", "17:00"] for day in ("mon", "tue", "wed", "thu", "fri")},
            "rule_set": {"base": "starter"},
            "fallback_contact": {"name": "Duty", "email": "duty@harbour.example"},
            "protocols": [DAILY],
            "pathways": {"low-mood": ["daily"]},
        }
        | changes
    )


CLINIC = Clinic(clinic="harbour", version=1, name="H", settings=[settings(effective_from=NOW - DAY)])


def patient(**changes: Any) -> Patient:
    fields = {"clinic": "harbour", "patient": "sam", "version": 1, "registered_at": NOW, "updated_at": NOW}
    return Patient.model_validate(fields | changes)


def pointers(refused: pytest.ExceptionInfo[Problem]) -> list[str]:
    return [error.pointer for error in refused.value.errors]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"windows": []}, "at least one window"),
        ({"windows": [{"opens": "10:00", "closes": "08:00"}]}, "open before it closes"),
        ({"windows": [{"opens": "08:00:30", "closes": "10:00"}]}, "whole minutes"),
        ({"windows": [{"opens": "08:00", "closes": "10:00"}, {"opens": "09:00", "closes": "11:00"}]}, "in order"),
        ({"rhythm": {"every": "session", "hours_before": 24}}, "no windows"),
        ({"late_after": 700}, "expired answer cannot be on time"),
        ({"reminders_after": [600]}, "nobody is reminded"),
        ({"reminders_after": [120, 60]}, "ascending"),
        ({"rhythm": {"every": "blue moon"}}, "rhythm"),
        ({"name": "x" * 41}, "name"),
    ],
)
def test_a_protocol_that_cannot_work_is_refused_with_what_to_send(changes: dict[str, Any], word: str) -> None:
    """Times, order and limits are checked before anybody follows it."""
    with pytest.raises(ValidationError) as refused:
        Protocol.model_validate(DAILY | changes)

    assert word in str(refused.value)


@pytest.mark.parametrize(
    "question",
    [
        {"kind": "scale"},
        {"kind": "scale", "minimum": 5, "maximum": 5},
        {"kind": "yes_no", "maximum": 1},
        {"kind": "choice", "choices": ["only one"]},
        {"kind": "yes_no", "choices": ["yes", "no"]},
    ],
)
def test_a_question_that_cannot_be_answered_is_refused(question: dict[str, Any]) -> None:
    """A scale needs its range, a choice at least two choices, and nothing else has either."""
    with pytest.raises(ValidationError):
        settings(check_in_questions=[{"name": "q", "wording": "How?"} | question])


def test_what_names_something_unknown_is_refused_field_by_field() -> None:
    """A protocol's instrument, a pathway's protocol, and names given twice."""
    question = {"name": "q", "wording": "Outside?", "kind": "yes_no"}
    wished = settings(
        protocols=[DAILY, DAILY, DAILY | {"name": "forms", "asks": "phq10"}],
        pathways={"low-mood": ["daily", "weekly"]},
        check_in_questions=[question, question],
    )
    with pytest.raises(Problem) as refused:
        domain.set_up_clinic(None, clinic="harbour", name="H", settings=wished)

    assert pointers(refused) == [
        "/protocols/1/name", "/protocols/2/asks", "/pathways/low-mood/1", "/check_in_questions/1/name"]  # fmt: skip


def test_a_scale_of_the_clinics_own_can_be_asked_for() -> None:
    """Like a published instrument."""
    wished = settings(
        scales=[{"name": "fatigue", "minimum": 0, "maximum": 40}], protocols=[DAILY | {"asks": "fatigue"}]
    )

    assert domain.set_up_clinic(None, clinic="harbour", name="H", settings=wished).settings[-1] == wished


def test_a_pathway_runs_from_the_patients_own_day_it_was_told_on() -> None:
    """Sent again without a day it goes on; another pathway begins anew."""
    at_night = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)
    first = domain.assign(None, patient(pathway="low-mood", zone="Asia/Tokyo"), CLINIC, at_night)
    again = domain.assign(first, patient(pathway="low-mood", zone="Asia/Tokyo"), CLINIC, at_night + 5 * DAY)
    none = domain.assign(first, patient(zone="Asia/Tokyo"), CLINIC, at_night)

    assert (first.pathway_since, again.pathway_since, none.pathway_since) == (
        date(2026, 11, 24),
        date(2026, 11, 24),
        None,
    )


def test_every_zone_told_is_kept_with_when_it_was_told() -> None:
    """So that what was due in one stays there; nothing told counts as the clinic's."""
    here = domain.assign(None, patient(), CLINIC, NOW)
    away = domain.assign(here, patient(zone="Asia/Tokyo"), CLINIC, NOW + DAY)
    same = domain.assign(away, patient(zone="Asia/Tokyo"), CLINIC, NOW + 2 * DAY)
    back = domain.assign(away, patient(), CLINIC, NOW + 3 * DAY)

    assert here.zones == []
    assert [(one.zone, one.since) for one in away.zones] == [
        ("Europe/London", here.expected_from), ("Asia/Tokyo", NOW + DAY)]  # fmt: skip
    assert same.zones == away.zones
    assert [one.zone for one in back.zones] == ["Europe/London", "Asia/Tokyo", "Europe/London"]


@pytest.mark.parametrize(
    ("wished", "pointer"),
    [
        ({"protocols": [{"protocol": "weekly", "starts_on": "2026-11-01"}]}, "/protocols/0/protocol"),
        ({"protocols": [{"protocol": "daily", "starts_on": "2026-11-01"}] * 2}, "/protocols/1/protocol"),
        (
            {"protocols": [{"protocol": "daily", "starts_on": "2026-11-02", "stops_on": "2026-11-01"}]},
            "/protocols/0/stops_on",
        ),
        ({"pathway": "unknown"}, "/pathway"),
        ({"pathway_since": "2026-11-01"}, "/pathway_since"),
    ],
)
def test_nobody_follows_what_the_clinic_does_not_have(wished: dict[str, Any], pointer: str) -> None:
    """It is refused with the field; what was followed before may stay, for settings may have changed."""
    with pytest.raises(Problem) as refused:
        domain.assign(None, patient(**wished), CLINIC, NOW)

    assert pointers(refused) == [pointer]
    if pointer in {"/protocols/0/protocol", "/pathway"}:
        assert domain.assign(patient(**wished), patient(**wished), CLINIC, NOW).patient == "sam"
