"""A clinic's settings: what cannot work is refused, what differs is appended, and the promise to patients follows."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from services.intake import domain
from shared.contracts.clinics import Scale
from shared.errors import Problem
from tests.unit.intake.made_clinic import NINE_TO_FIVE, NOW, pointers, rules, set_up, settings


def test_a_new_clinic_has_one_set_of_settings() -> None:
    """The first settings hold from the start."""
    clinic = set_up()

    assert clinic.settings == [settings()]


def test_the_same_settings_again_change_nothing() -> None:
    """A PUT that says what holds already appends nothing, in whatever order the weekdays come."""
    clinic = set_up()
    backwards = dict(reversed(NINE_TO_FIVE.items()))

    assert set_up(clinic, at=NOW + timedelta(days=1), working_hours=backwards) == clinic


def test_settings_that_differ_are_appended_and_the_old_ones_stay_known() -> None:
    """Rules are judged by the settings in force at the time."""
    later = NOW + timedelta(days=1)
    clinic = set_up(set_up(), at=later, zone="Europe/Dublin")

    assert [one.zone for one in clinic.settings] == ["Europe/London", "Europe/Dublin"]
    assert clinic.settings_at(NOW).zone == "Europe/London"
    assert clinic.settings_at(later).zone == "Europe/Dublin"


def test_a_new_name_alone_appends_no_settings() -> None:
    """The name is not effective-dated."""
    clinic = set_up(set_up(), name="Harbour and Bay", at=NOW + timedelta(days=1))

    assert clinic.name == "Harbour and Bay"
    assert len(clinic.settings) == 1


def test_two_changes_in_one_instant_keep_their_order() -> None:
    """A clock that did not move, or went back, makes no two settings of one time."""
    clinic = set_up(set_up(), zone="Europe/Dublin", at=NOW - timedelta(seconds=1))

    assert clinic.settings[0].effective_from < clinic.settings[1].effective_from
    assert clinic.settings_at(NOW + timedelta(seconds=1)).zone == "Europe/Dublin"


def test_a_clinic_that_closes_before_it_opens_is_refused() -> None:
    """Hours that cannot be are named by weekday."""
    with pytest.raises(Problem) as refused:
        set_up(working_hours={"mon": (time(17), time(9)), "tue": (time(9), time(9)), "wed": (time(9), time(17))})

    assert pointers(refused) == ["/working_hours/mon", "/working_hours/tue"]


def test_hours_with_an_offset_are_refused() -> None:
    """Hours are meant in the clinic's zone, on both sides of a change of the clocks."""
    with pytest.raises(Problem) as refused:
        set_up(working_hours={"mon": (time(9, tzinfo=UTC), time(17, tzinfo=UTC))})

    assert pointers(refused) == ["/working_hours/mon"]


def test_a_calendar_without_working_days_is_refused() -> None:
    """A clinic that is closed for months could promise nobody an answer."""
    mondays = [date(2026, 11, 30) + timedelta(weeks=week) for week in range(30)]
    with pytest.raises(Problem) as refused:
        set_up(working_hours={"mon": (time(9), time(17))}, holidays=mondays)

    assert pointers(refused) == ["/holidays"]


def test_holidays_of_a_mistyped_year_are_refused() -> None:
    """A holiday in 2099 is a slip."""
    with pytest.raises(Problem) as refused:
        set_up(holidays=[date(2099, 12, 25)])

    assert pointers(refused) == ["/holidays"]


def test_a_usual_year_of_holidays_is_taken() -> None:
    """Weeks in summer and at Christmas are no trouble."""
    summer = [date(2027, 7, 26) + timedelta(days=day) for day in range(42)]

    assert set_up(holidays=[date(2026, 12, 25), *summer]).settings[0].holidays[0] == date(2026, 12, 25)


@pytest.mark.parametrize(
    ("choice", "pointer", "word"),
    [
        (rules(gone_silent={}), "/rule_set/rules/gone_silent", "gone_quiet"),
        (rules(gone_quiet={"parameters": {"days": 7}}), "/rule_set/rules/gone_quiet/parameters/days", "min_days"),
        (rules(gone_quiet={"parameters": {"min_days": 0}}), "/rule_set/rules/gone_quiet/parameters/min_days", "1 to"),
        (
            rules(gone_quiet={"parameters": {"min_days": 1.5}}),
            "/rule_set/rules/gone_quiet/parameters/min_days",
            "whole",
        ),
        (rules(mood_shift={"parameters": {"lambda": 1.1}}), "/rule_set/rules/mood_shift/parameters/lambda", "to 1"),
    ],
)
def test_a_rule_that_does_not_exist_or_cannot_be_set_so_is_refused_with_what_can(
    choice: dict[str, Any], pointer: str, word: str
) -> None:
    """The refusal names the place and what may be sent there."""
    with pytest.raises(Problem) as refused:
        set_up(rule_set=choice)

    assert pointers(refused) == [pointer]
    assert word in refused.value.errors[0].message


@pytest.mark.parametrize(
    ("choice", "pointers_"),
    [
        (rules(risk_item={"enabled": False}), ["/rule_set/rules/risk_item/enabled"]),
        (rules(crisis_language={"enabled": False}), ["/rule_set/rules/crisis_language/enabled"]),
        ({"base": "none"}, ["/rule_set/rules/risk_item", "/rule_set/rules/crisis_language"]),
        ({"base": "none", "rules": {"risk_item": {}}}, ["/rule_set/rules/crisis_language"]),
    ],
)
def test_the_rules_about_harm_cannot_be_switched_off(choice: dict[str, Any], pointers_: list[str]) -> None:
    """Nobody would hear of it: the refusal says why, and that who is told is chosen in the escalation instead."""
    with pytest.raises(Problem) as refused:
        set_up(set_up(), at=NOW + timedelta(days=1), rule_set=choice)

    assert (refused.value.status, pointers(refused)) == (422, pointers_)
    assert all("nobody would hear" in one.message and "`escalation`" in one.message for one in refused.value.errors)


def test_any_other_rule_can_be_switched_off_and_a_rule_file_may_leave_out_all() -> None:
    """What rises or was left out tells nothing of its own; a backtest only judges by its rules."""
    few = {"base": "none", "rules": {"risk_item": {"parameters": {"tell_days": 30}}, "crisis_language": {}}}
    nothing = settings(rule_set={"base": "none"})

    off = {name: {"enabled": False} for name in domain.RULES if name not in domain.LOCKED}
    assert set_up(rule_set=few).version == set_up(rule_set=rules(**off)).version == 1
    assert domain.set_up_clinic(None, clinic="file", name="File", settings=nothing, in_care=False).version == 1


def test_the_vocabulary_of_rules_is_that_of_the_catalogue() -> None:
    """All rules, whose defaults are allowed values of their own parameters."""
    assert list(domain.RULES) == [
        "risk_item",
        "risk_item_rising",
        "risk_item_skipped",
        "crisis_language",
        "reliable_deterioration",
        "relapse",
        "not_on_track",
        "stalled",
        "mood_shift",
        "mood_shift_up",
        "mood_instability",
        "gone_quiet",
        "question_unanswered",
        "rating_drop",
        "question_overdue",
        "lingering_question",
        "missed_sessions",
    ]
    defaults = {rule: {"parameters": {n: p.default for n, p in known.items()}} for rule, known in domain.RULES.items()}
    assert set_up(rule_set=rules(**defaults)).version == 1


def test_scales_need_names_of_their_own() -> None:
    """Two scales of one name, or one named as a built-in instrument, could not be told apart."""
    scale = {"minimum": 0, "maximum": 10}
    with pytest.raises(Problem) as refused:
        set_up(scales=[scale | {"name": name} for name in ("calm", "Calm", "phq9", "GAD7")])

    assert pointers(refused) == ["/scales/1/name", "/scales/2/name", "/scales/3/name"]


def test_a_scale_has_bounds_that_can_be_reckoned_with() -> None:
    """A million either way; what is beyond is refused field by field, so that no answer can be beyond it either."""
    item = {"minimum": 0, "maximum": 3_000_000_000, "risk": True, "urgent_from": 10**12}
    far = {"name": "far", "minimum": -(10**7), "maximum": 10**399, "items": {"1": item}}
    fine = {"name": "fine", "minimum": -1_000_000, "maximum": 1e6, "items": {"1": {"minimum": 0, "maximum": 1_000_000}}}
    with pytest.raises(Problem) as refused:
        set_up(scales=[fine, far])

    assert pointers(refused) == [
        "/scales/1/minimum",
        "/scales/1/maximum",
        "/scales/1/items/1/maximum",
        "/scales/1/items/1/urgent_from",
    ]


def test_a_scale_that_was_there_before_an_instrument_of_its_name_may_stay() -> None:
    """Nobody must rename it to change the clinic's hours; a new one of that name is refused with what to do."""
    scale = {"name": "who5", "minimum": 0, "maximum": 25}
    old = set_up()
    before = old.settings[-1].model_copy(update={"scales": [Scale.model_validate(scale)]})
    kept = set_up(old.model_copy(update={"settings": [before]}), scales=[scale], region="IE")
    with pytest.raises(Problem) as refused:
        set_up(scales=[scale])

    assert kept.version == 1
    assert kept.settings[-1].scales == before.scales
    assert pointers(refused) == ["/scales/0/name"]
    assert "record it without declaring it" in refused.value.errors[0].message


@pytest.mark.parametrize(
    ("changes", "pointer", "word"),
    [
        ({"licences": {"ors": "mine"}}, "/licences/ors", "k10, who5, wsas"),
        ({"licences": {"phq9": "mine"}}, "/licences/phq9", "shown to everybody"),
        ({"cut_offs": {"bdi": {"caseness": 5}}}, "/cut_offs/bdi", "phq9, gad7"),
        ({"cut_offs": {"pcl5": {}}}, "/cut_offs/pcl5", "caseness, reliable_change"),
        ({"cut_offs": {"phq9": {"caseness": 28}}}, "/cut_offs/phq9/caseness", "from 0 to 27"),
        ({"cut_offs": {"k10-50": {"reliable_change": 41}}}, "/cut_offs/k10-50/reliable_change", "at most 40"),
    ],
)
def test_a_licence_or_cut_off_that_would_change_nothing_is_refused(
    changes: dict[str, Any], pointer: str, word: str
) -> None:
    """A misspelt name is not lost in silence."""
    with pytest.raises(Problem) as refused:
        set_up(**changes)

    assert pointers(refused) == [pointer]
    assert word in refused.value.errors[0].message


def test_a_model_of_expected_response_is_kept_with_the_time_it_holds_from() -> None:
    """What the console fitted is the clinic's own data; one for a measure that does not exist is refused."""
    band = {"first_from": 10, "first_to": 27, "episodes": 120, "b0": 16, "b1": -2.6, "sd": [4.5]}
    model = {"version": "etr-1", "fitted_at": "2026-01-01T00:00:00Z", "measures": {"phq9": [band]}}
    clinic = set_up(expected_response=model)
    with pytest.raises(Problem) as refused:
        set_up(expected_response=model | {"measures": {"bdi": [band], "gad7": [band | {"first_from": 22}]}})

    assert clinic.settings[-1].expected_response is not None
    assert clinic.settings[-1].expected_response.measures["phq9"][0].b1 == -2.6
    assert pointers(refused) == ["/expected_response/measures/bdi", "/expected_response/measures/gad7"]


def test_licences_and_cut_offs_are_kept_with_the_time_they_hold_from() -> None:
    """Who attested to what, and since when, can be told later."""
    clinic = set_up(licences={"wsas": "NHS trust"}, cut_offs={"pcl5": {"caseness": 32}})

    assert clinic.settings[-1].licences == {"wsas": "NHS trust"}
    assert clinic.settings[-1].cut_offs["pcl5"].caseness == 32
    assert set_up().settings[-1].licences == {}


@pytest.mark.parametrize("odd", ["@harbour.example", "*", "harbour", "har bour.example", ".example", "a..example"])
def test_a_domain_that_is_none_is_refused(odd: str) -> None:
    """Reasons go to allow-listed domains only, so a misspelt one must not pass."""
    with pytest.raises(Problem) as refused:
        set_up(detail_domains=["harbour.example", odd])

    assert pointers(refused) == ["/detail_domains/1"]


def test_a_reply_is_promised_by_the_close_of_the_second_working_day() -> None:
    """Asked on a Monday: Wednesday, 5pm in the clinic's zone."""
    assert domain.reply_by(settings(), NOW) == datetime(2026, 11, 25, 17, tzinfo=UTC)


def test_a_clinic_that_watches_for_longer_promises_accordingly() -> None:
    """The promise and the rule that watches it are one."""
    slower = settings(rule_set=rules(question_unanswered={"parameters": {"working_days": 4}}))

    assert domain.reply_by(slower, NOW) == datetime(2026, 11, 27, 17, tzinfo=UTC)
