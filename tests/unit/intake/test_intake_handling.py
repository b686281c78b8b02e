"""A question's life: sorted, targeted, taken on, handed over, moved on by time, settled by the patient's word alone."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake import domain
from services.intake.handlers import Team
from shared.contracts import Clinic, Clinician, Question
from shared.contracts.base import Origin
from shared.contracts.clinics import (
    QUESTION_TARGETS,
    Away,
    ClinicSettings,
    Contact,
    QuestionTarget,
    Role,
    RuleSet,
)
from shared.contracts.questions import Category, QuestionStatus, Triage
from shared.crisis_language import screen
from shared.documents import Table
from shared.errors import Problem

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)  # a Monday
EVERYBODY = frozenset(Role)


def settings(**changes: Any) -> ClinicSettings:
    fields: dict[str, Any] = {
        "effective_from": NOW - timedelta(days=365),
        "zone": "Europe/London",
        "working_hours": {day: (time(9), time(17)) for day in ("mon", "tue", "wed", "thu", "fri")},
        "rule_set": RuleSet(base="starter"),
        "fallback_contact": Contact(name="Duty", email="duty@harbour.example"),
    }
    return ClinicSettings(**(fields | changes))


def sorted_out(category: Category, at: datetime = NOW, **changes: Any) -> Triage:
    return domain.triage(category, settings(**changes), at, held=EVERYBODY, by=domain.TRIAGE)


def question(text: str = "Why do we do exposure?", at: datetime = NOW, origin: Origin = Origin.LIVE) -> Question:
    asked = domain.ask_question(
        question="q1",
        clinic="harbour",
        patient="sam",
        text=text,
        occurred_at=at,
        origin=origin,
        now=NOW,
        settings=settings(),
        held=EVERYBODY,
    )
    return domain.open_question(asked, NOW)


# --- triage ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("I can't go on, I want to die. Also when is my next session?", Category.CRISIS),
        ("Can I take my sertraline at night? It makes me feel worse.", Category.MEDICATION),
        ("Is a dry mouth a side effect?", Category.MEDICATION),
        ("I am feeling worse than last month", Category.WORSENING),
        ("I have had three panic attacks since Friday", Category.WORSENING),
        ("My therapist was rude, I want to complain", Category.FEEDBACK),
        ("Could I see a different therapist?", Category.FEEDBACK),
        ("I need to reschedule", Category.APPOINTMENT),
        ("Can we move Thursday's session to Friday?", Category.APPOINTMENT),
        ("The app does not let me log in", Category.TECHNICAL),
        ("Why do we write down thoughts at all?", Category.TREATMENT),
        ("Is it normal to feel tired in the first week?", Category.TREATMENT),
        ("Ich habe heute schlecht geschlafen und bin sehr müde", Category.WORSENING),
    ],
)
def test_a_question_is_sorted_by_the_published_rules(text: str, category: Category) -> None:
    """Crisis before all else; medication before worsening; what nobody could read waits a day at most."""
    assert domain.categorise(text, screen(text)) is category


def test_every_category_has_a_default_target_and_a_role() -> None:
    """Nothing can be sorted into where nobody looks."""
    assert set(QUESTION_TARGETS) == {category.value for category in Category}
    assert {target.role for target in QUESTION_TARGETS.values()} == set(Role)


@pytest.mark.parametrize(
    ("category", "half_at", "target_at"),
    [
        (Category.CRISIS, datetime(2026, 11, 23, 10, 0), datetime(2026, 11, 23, 10, 30)),  # noqa: DTZ001
        (Category.MEDICATION, datetime(2026, 11, 24, 9, 15), datetime(2026, 11, 24, 17, 0)),  # noqa: DTZ001
        (Category.TREATMENT, datetime(2026, 11, 25, 9, 15), datetime(2026, 11, 26, 17, 0)),  # noqa: DTZ001
        (Category.TECHNICAL, datetime(2026, 11, 24, 13, 15), datetime(2026, 11, 25, 17, 0)),  # noqa: DTZ001
    ],
)
def test_targets_and_their_halves_count_only_while_the_clinic_works(
    category: Category, half_at: datetime, target_at: datetime
) -> None:
    """An hour for a crisis; otherwise closing time of the n-th working day, and half of the hours worked until then."""
    found = sorted_out(category)

    assert (found.half_at, found.target_at) == (half_at.replace(tzinfo=UTC), target_at.replace(tzinfo=UTC))


def test_a_target_passes_over_weekends_holidays_and_the_change_of_the_clocks() -> None:
    """A crisis written late on the Friday before summer time ends, with a holiday on the Monday: Tuesday morning."""
    friday = datetime(2026, 10, 23, 15, 30, tzinfo=UTC)  # 16:30 in London
    found = sorted_out(Category.CRISIS, friday, holidays=[date(2026, 10, 26)])

    assert found.half_at == datetime(2026, 10, 27, 9, 0, tzinfo=UTC)
    assert found.target_at == datetime(2026, 10, 27, 9, 30, tzinfo=UTC)


def test_a_clinic_sets_its_own_targets_and_the_others_keep_theirs() -> None:
    """Only what differs is sent."""
    own = {"question_targets": {"medication": QuestionTarget(role=Role.LEAD, minutes=120)}}

    assert sorted_out(Category.MEDICATION, **own).role is Role.LEAD
    assert sorted_out(Category.MEDICATION, **own).target_at == NOW + timedelta(hours=2)
    assert sorted_out(Category.WORSENING, **own) == sorted_out(Category.WORSENING)


def test_a_role_nobody_has_falls_to_the_therapists() -> None:
    """A clinic of one hears every question."""
    alone = domain.triage(Category.MEDICATION, settings(), NOW, held=frozenset({Role.THERAPIST}), by=domain.TRIAGE)

    assert alone.role is Role.THERAPIST


@given(st.sampled_from(list(Category)), st.integers(0, 60 * 24 * 30))
def test_the_half_lies_before_the_target_and_neither_before_the_question(category: Category, minutes: int) -> None:
    """Whenever it is asked."""
    at = NOW + timedelta(minutes=minutes)
    found = sorted_out(category, at, holidays=[date(2026, 12, 25)])

    assert at <= found.half_at < found.target_at


def test_an_imported_question_has_no_target() -> None:
    """Nobody is late with another system's past."""
    asked = question(at=NOW - timedelta(days=400), origin=Origin.IMPORT)

    assert asked.triage is None
    assert domain.reassign(asked, lead="lee", now=NOW + timedelta(days=30)) == asked


# --- what the patient is told ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("category", list(Category))
def test_the_patient_is_told_who_replies_by_when_and_what_this_is_not(category: Category) -> None:
    """The time in the words is the target itself; no name of a category, no promise beside it."""
    found = sorted_out(category)
    words = domain.what_to_expect(found, found.target_at)

    assert f"on {found.target_at:%A} {found.target_at.day} November 2026" in words
    assert "We do not watch this round the clock" in words
    assert "until you say that it is settled" in words
    assert "crisis" not in words


# --- taking on and handing over --------------------------------------------------------------------------------------
def test_a_question_is_taken_on_by_one_and_by_nobody_else_unless_they_are_away() -> None:
    """Leave hides nothing."""
    mine = domain.claim_question(question(), clinician="priya", away=frozenset(), now=NOW)
    with pytest.raises(Problem) as refused:
        domain.claim_question(mine, clinician="lee", away=frozenset(), now=NOW)
    theirs = domain.claim_question(mine, clinician="lee", away=frozenset({"priya"}), now=NOW)

    assert domain.claim_question(mine, clinician="priya", away=frozenset(), now=NOW) == mine
    assert (refused.value.status, refused.value.code) == (409, "already_claimed")
    assert theirs.assigned_to == "lee"
    assert [(one.to, one.why) for one in theirs.handovers] == [("priya", "claimed"), ("lee", "claimed")]


def test_a_question_is_handed_to_a_colleague_with_a_note_or_back_to_the_role() -> None:
    """The history says who, to whom and why."""
    mine = domain.claim_question(question(), clinician="priya", away=frozenset(), now=NOW)
    theirs = domain.hand_over(mine, to="lee", by="priya", note="About the dose.", now=NOW)
    back = domain.hand_over(theirs, to=None, by="lee", note="", now=NOW)

    assert (theirs.assigned_to, theirs.handovers[-1].note) == ("lee", "About the dose.")
    assert (back.assigned_to, back.handovers[-1].why) == (None, "returned")
    assert domain.hand_over(back, to=None, by="lee", note="", now=NOW) == back


def test_a_human_puts_the_category_right_and_role_and_target_follow() -> None:
    """Counted from when it was received; who has it keeps it only within the role."""
    mine = domain.claim_question(question(), clinician="priya", away=frozenset(), now=NOW)
    later = NOW + timedelta(hours=3)
    kept, moved = (
        domain.recategorise(mine, category, settings(), received_at=NOW, held=EVERYBODY, by="priya", now=later)
        for category in (Category.WORSENING, Category.MEDICATION)
    )

    assert (kept.assigned_to, moved.assigned_to) == ("priya", None)
    assert moved.triage == sorted_out(Category.MEDICATION).model_copy(update={"by": domain.BY_A_HUMAN})
    assert moved.handovers[-1].why == "recategorised"


@pytest.mark.parametrize("done", ["answered", "settled"])
def test_nothing_is_taken_on_of_what_is_no_longer_open(done: str) -> None:
    """Neither claimed, nor handed over, nor sorted anew."""
    one = question().model_copy(update={"status": QuestionStatus(done)})
    for attempt in (
        lambda: domain.claim_question(one, clinician="lee", away=frozenset(), now=NOW),
        lambda: domain.hand_over(one, to="lee", by="x", note="", now=NOW),
        lambda: domain.recategorise(one, Category.CRISIS, settings(), received_at=NOW, held=EVERYBODY, by="x", now=NOW),
    ):
        with pytest.raises(Problem) as refused:
            attempt()
        assert refused.value.code == "not_open"


# --- settled by the patient alone ------------------------------------------------------------------------------------
def test_an_answer_is_not_a_settlement_and_the_patient_can_open_it_again() -> None:
    """The answer stays readable, who had it has it again, and the clock starts anew."""
    mine = domain.claim_question(question(), clinician="priya", away=frozenset(), now=NOW)
    answered = domain.answer_question(mine, text="Because it works.", by="priya", now=NOW)
    later = NOW + timedelta(days=1)
    again = domain.reopen_question(answered, sorted_out(Category.TREATMENT, later), later)

    assert (answered.status, answered.settled_by) == (QuestionStatus.ANSWERED, None)
    assert (again.status, again.answer, again.assigned_to) == (QuestionStatus.OPEN, None, "priya")
    assert [(one.text, one.by, one.at) for one in again.earlier_answers] == [("Because it works.", "priya", NOW)]
    assert again.triage is not None
    assert again.triage.target_at > sorted_out(Category.TREATMENT).target_at
    assert (again.handovers[-1].why, again.handovers[-1].by) == ("reopened", "patient")
    assert domain.reopen_question(again, None, later) == again


@pytest.mark.parametrize("by", ["patient", "clinic"])
def test_who_settled_it_is_kept_and_a_second_word_changes_nothing(by: Any) -> None:
    """In the app, or said in the room and written down."""
    settled = domain.settle_question(question(), NOW, by=by)

    assert (settled.status, settled.settled_by, settled.settled_at) == (QuestionStatus.SETTLED, by, NOW)
    assert domain.settle_question(settled, NOW + timedelta(days=1), by="patient") == settled


# --- time ------------------------------------------------------------------------------------------------------------
def claimed(at: datetime = NOW) -> Question:
    return domain.claim_question(question(), clinician="priya", away=frozenset(), now=at)


HALF, TARGET = sorted_out(Category.TREATMENT).half_at, sorted_out(Category.TREATMENT).target_at
SECOND = timedelta(seconds=1)


def test_at_half_of_the_target_it_goes_back_to_everyone_and_at_the_target_to_the_lead() -> None:
    """To the second, and each once, however often time is looked at."""
    assert domain.reassign(claimed(), lead="lee", now=HALF - SECOND) == claimed()
    half = domain.reassign(claimed(), lead="lee", now=HALF)
    full = domain.reassign(half, lead="lee", now=TARGET)

    assert (half.assigned_to, half.handovers[-1].why, half.handovers[-1].by) == (None, "half_target", "rapport")
    assert domain.reassign(half, lead="lee", now=TARGET - SECOND) == half
    assert (full.assigned_to, full.handovers[-1].why) == ("lee", "target")
    assert domain.reassign(full, lead="lee", now=TARGET + timedelta(days=9)) == full


def test_a_question_nobody_took_goes_to_the_lead_at_its_target() -> None:
    """And to everyone with the role where no lead is named."""
    assert domain.reassign(question(), lead="lee", now=TARGET).assigned_to == "lee"
    nobody = domain.reassign(question(), lead=None, now=TARGET)
    assert (nobody.assigned_to, nobody.handovers[-1].why) == (None, "target")
    assert domain.reassign(nobody, lead=None, now=TARGET + SECOND) == nobody


def test_who_takes_it_on_after_half_keeps_it_until_the_target() -> None:
    """The second pair of hands is not interrupted again."""
    half = domain.reassign(claimed(), lead="lee", now=HALF)
    second = domain.claim_question(half, clinician="noor", away=frozenset(), now=HALF + SECOND)

    assert domain.reassign(second, lead="lee", now=TARGET - SECOND) == second
    assert domain.reassign(second, lead="lee", now=TARGET).assigned_to == "lee"


@pytest.mark.parametrize("status", ["answered", "settled"])
def test_time_does_nothing_to_what_was_answered(status: str) -> None:
    """Only waiting is moved on."""
    done = claimed().model_copy(update={"status": QuestionStatus(status)})

    assert domain.reassign(done, lead="lee", now=TARGET + SECOND) == done


@given(st.lists(st.integers(0, 60 * 24 * 6), max_size=12))
def test_however_often_and_late_time_is_looked_at_nothing_is_done_twice(minutes: list[int]) -> None:
    """Any number of replicas, restarts and stops: at most one step for half, exactly one for the target in the end."""
    one = claimed()
    for late in sorted(minutes):
        one = domain.reassign(one, lead="lee", now=NOW + timedelta(minutes=late))
    one = domain.reassign(one, lead="lee", now=TARGET + timedelta(days=1))
    whys = [step.why for step in one.handovers]

    assert whys.count("half_target") <= 1
    assert whys.count("target") == 1
    assert one.assigned_to == "lee"


# --- who is there ----------------------------------------------------------------------------------------------------
def test_the_door_knows_roles_and_leave_without_a_store() -> None:
    """By the newest version of each clinician; leave ends on the second; who is removed has no role."""
    team = Team(Table[Clinic]())
    leave = Away(starts_at=NOW, ends_at=NOW + timedelta(days=7))
    here = Clinician(clinic="harbour", clinician="ash", version=2, role=Role.PRESCRIBER, away=[leave])
    for one in (here, here.model_copy(update={"version": 1, "role": Role.ADMIN, "away": []})):
        team.take(one)

    assert team.held("harbour") == {Role.PRESCRIBER}
    assert team.away("harbour", NOW) == {"ash"}
    assert team.away("harbour", NOW + timedelta(days=7)) == frozenset()
    assert team.held("elsewhere") == frozenset()
    team.take(here.model_copy(update={"version": 3, "deleted": True}))
    assert team.held("harbour") == frozenset()
