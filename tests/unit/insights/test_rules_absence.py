"""The rules of absence and of sessions, held to docs/rules.md at their edges."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.contracts.base import Origin
from shared.contracts.patients import PatientStatus
from shared.contracts.questions import QuestionStatus
from tests.unit.insights import builders as b

MOMENT = timedelta(microseconds=1)
SECOND = timedelta(seconds=1)


# --- gone quiet


def test_an_active_patient_goes_quiet_after_seven_days_to_the_second() -> None:
    """Judged as of the horizon: a consumer that lags calls nobody quiet."""
    state = b.state_of(b.patient(), ("c1", b.check_in(b.day(0), 5, origin=Origin.SYNC)))
    due = b.day(7)
    found = b.listed(b.look(state, due), "gone_quiet")

    assert b.concern(b.look(state, due - SECOND), "gone_quiet") is None
    assert b.concern(b.look(state, b.day(30), horizon=due - SECOND), "gone_quiet") is None
    assert (found.since, found.numbers) == (due, {"days_allowed": 7, "median_gap": None})
    assert [(t.id, t.at, t.origin) for t in found.telling] == [("gone_quiet:c1", due, Origin.SYNC)]
    assert "worse" not in found.reason
    assert b.look(state, b.day(1)).due == due


def test_the_allowance_is_three_times_the_median_of_the_last_twenty_gaps() -> None:
    """Of observed days, all facts counted; even numbers take the mean of the middle two."""
    days = [0, 30, 33, 38]
    state = b.state_of(b.patient(), *(b.answers(b.day(n)) for n in days))
    rare = b.state_of(b.patient(), b.check_in(b.day(0), 5), *(b.check_in(b.day(100 + n), 5) for n in range(0, 84, 4)))

    assert b.listed(b.look(state, b.day(53)), "gone_quiet").numbers == {"days_allowed": 15, "median_gap": 5}
    assert b.listed(b.look(rare, b.day(300)), "gone_quiet").numbers == {"days_allowed": 12, "median_gap": 4}
    even = b.state_of(b.patient(), *(b.check_in(b.day(n), 5) for n in (0, 3, 10)))
    assert b.listed(b.look(even, b.day(25)), "gone_quiet").numbers == {"days_allowed": 15, "median_gap": 5}


def test_who_never_wrote_goes_quiet_from_registration_on() -> None:
    """As a live piece of evidence."""
    found = b.listed(b.look(b.state_of(b.patient()), b.day(7)), "gone_quiet")

    assert [(t.id, t.origin) for t in found.telling] == [("gone_quiet:registration", Origin.LIVE)]


@pytest.mark.parametrize(
    "document",
    [
        None,
        b.patient(status=PatientStatus.DISCHARGED),
        b.patient(status=PatientStatus.DECEASED),
        b.patient(deleted=True),
    ],
)
def test_only_active_registered_patients_go_quiet(document: object) -> None:
    """Nobody else is expected to write."""
    papers = [document] if document else []

    assert b.concern(b.look(b.state_of(b.check_in(b.day(0), 5), *papers), b.day(60)), "gone_quiet") is None


# --- question unanswered


def test_a_question_is_unanswered_at_closing_time_two_working_days_later() -> None:
    """Asked on a Monday: Wednesday at 17:00 in the clinic's zone, which is 16:00 UTC in summer."""
    state = b.state_of(("q1", b.asked(b.day(0), "q1")))
    due = datetime(2026, 6, 3, 16, 0, tzinfo=UTC)
    found = b.listed(b.look(state, due, known=b.clinic()), "question_unanswered")

    assert b.concern(b.look(state, due - SECOND, known=b.clinic()), "question_unanswered") is None
    assert b.concern(b.look(state, b.day(9), due - SECOND, b.clinic()), "question_unanswered") is None
    assert (found.since, found.numbers) == (due, {"unanswered": 1})
    assert [(t.id, t.at) for t in found.telling] == [("q1", due)]
    assert b.look(state, b.day(0), known=b.clinic()).due == due


def test_working_days_are_those_of_the_settings_when_it_was_asked() -> None:
    """A weekend, a holiday and the end of summer time in between; settings that came later change nothing."""
    asked = datetime(2026, 10, 23, 8, 0, tzinfo=UTC)
    known = b.clinic(
        b.settings(holidays=[datetime(2026, 10, 26).date()]),  # noqa: DTZ001  a calendar day
        b.settings(asked + SECOND, zone="Asia/Tokyo"),
    )
    state = b.state_of(b.asked(asked, "q1"))

    assert b.listed(b.look(state, b.day(200), known=known), "question_unanswered").since == datetime(
        2026, 10, 28, 17, 0, tzinfo=UTC
    )


def test_only_an_answer_a_settlement_or_its_deletion_ends_the_wait() -> None:
    """An open handling does not, and a newer version decides, whichever came first."""
    waits = []
    for handling in (
        [],
        [b.handling("q1")],
        [b.handling("q1", QuestionStatus.ANSWERED)],
        [b.handling("q1", QuestionStatus.SETTLED)],
        [b.handling("q1", deleted=True)],
        [b.handling("q1", QuestionStatus.ANSWERED), b.handling("q1", version=2)],
        [b.handling("q1", version=2), b.handling("q1", QuestionStatus.ANSWERED)],
    ):
        for things in ([b.asked(b.day(0), "q1"), *handling], [*handling, b.asked(b.day(0), "q1")]):
            found = b.concern(b.look(b.state_of(*things), b.day(10)), "question_unanswered")
            waits.append(found is not None)

    assert waits == [True, True] * 2 + [False, False] * 3 + [True, True] * 2


def test_questions_are_told_by_when_they_fell_due() -> None:
    """The oldest says since when; of equals the id decides."""
    state = b.state_of(
        ("b", b.asked(b.day(0), "q1")), ("c", b.asked(b.day(-3), "q2")), ("a", b.asked(b.day(0, 3), "q3"))
    )
    found = b.listed(b.look(state, b.day(10)), "question_unanswered")

    assert [t.id for t in found.telling] == ["c", "a", "b"]
    assert found.since == found.telling[0].at
    assert found.reason.startswith("3 questions are past the 2 working days promised")


# --- rating drop


def test_a_rating_drop_needs_three_earlier_ratings() -> None:
    """With two there is no usual to compare with."""
    assert b.concern(b.look(b.state_of(*b.rated(9, 9, 2)), b.day(9)), "rating_drop") is None
    assert b.concern(b.look(b.state_of(*b.rated(9, 9, 9, 2)), b.day(9)), "rating_drop") is not None


@pytest.mark.parametrize(
    ("means", "drops"),
    [
        ((8, 8, 8, 7.6), True),  # below mean - 2 sd, as sd is 0
        ((8, 9, 8, 9, 8.6), False),
        ((8, 8.4, 8, 8.4, 7.8), True),  # previous - latest 0.6 >= max(sd 0.23, 0.5)
        ((4, 9, 5, 9, 6.8), False),  # 2.2 < sd 2.63, 6.8 above mean - 2 sd
        ((4, 9, 5, 9, 8, 7.8), True),  # twice running
        ((9, 8, 9, 8.4), True),  # 0.6 >= sd 0.577
        ((9, 8, 9, 8.6), False),  # 0.4
    ],
)
def test_a_rating_drops_by_a_clear_step_far_below_the_mean_or_twice_running(
    means: tuple[float, ...], *, drops: bool
) -> None:
    """Each of the three ways by itself, and just short of them."""
    assert (b.concern(b.look(b.state_of(*b.rated(*means)), b.day(20)), "rating_drop") is not None) == drops


def test_a_rating_drop_says_its_numbers_and_how_to_take_it() -> None:
    """The session's rating is the evidence; ask, do not conclude."""
    found = b.listed(b.look(b.state_of(*b.rated(8, 9, 8.2, 5)), b.day(9)), "rating_drop")

    assert found.numbers == {"latest": 5, "previous": 8.2, "earlier_mean": 8.4, "earlier_sd": 0.5292}
    assert (found.since, found.telling[0].id, found.telling[0].at) == (b.day(3), "rating:s3", b.day(3))
    assert "Ask how sessions feel." in found.reason
    assert found.chart is not None
    assert (found.chart.measure, found.chart.points[-1]) == ("rating", (b.day(3).date(), 5))


def test_of_a_session_the_newest_version_counts_and_a_deleted_one_has_no_rating() -> None:
    """A corrected rating moves to where it belongs; ties go by session id."""
    sessions = b.rated(8, 9, 8.2, 5)
    corrected = b.session("s3", b.day(3), 9, version=2)
    deleted = b.session("s3", None, version=3, deleted=True)
    tied = [b.session(name, b.day(1), each) for name, each in (("d", 2), ("a", 9), ("b", 9), ("c", 9))]

    assert b.concern(b.look(b.state_of(corrected, *sessions), b.day(9)), "rating_drop") is None
    assert b.concern(b.look(b.state_of(*sessions, deleted), b.day(9)), "rating_drop") is None
    assert b.listed(b.look(b.state_of(*tied), b.day(9)), "rating_drop").telling[0].id == "rating:d"
