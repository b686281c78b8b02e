"""Documents as they stood in the past: what their last version says of when."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from services.insights.domain.retracing import past_of
from shared.contracts import Patient, Question, Session
from shared.contracts.base import Document
from shared.contracts.patients import Episode, EpisodeEnd, PatientStatus
from shared.contracts.questions import QuestionStatus
from shared.contracts.sessions import Attendance
from tests.unit.insights import builders as b

ZONE = ZoneInfo("Europe/London")


def test_a_patient_was_in_care_between_referral_and_discharge() -> None:
    """Two episodes with a year between them: in care, discharged, in care again from another first day."""
    first = Episode(episode="e1", referred_on=date(2026, 6, 1), ended_on=date(2026, 6, 30), end=EpisodeEnd.COMPLETED)
    second = Episode(episode="e2", referred_on=date(2027, 6, 1), started_on=date(2027, 6, 8))

    found = past_of([b.patient(9, episodes=[first, second], episode_started_on=date(2027, 6, 8))], ZONE)

    said = [
        (at.astimezone(ZONE).date(), one.status, one.episode_started_on, one.scores_from)
        for at, one in found
        if isinstance(one, Patient)
    ]
    assert said == [
        (date(2026, 6, 1), PatientStatus.ACTIVE, date(2026, 6, 1), date(2026, 6, 1)),
        (date(2026, 7, 1), PatientStatus.DISCHARGED, date(2026, 6, 1), date(2026, 6, 1)),
        (date(2027, 6, 1), PatientStatus.ACTIVE, date(2027, 6, 8), date(2027, 6, 1)),
    ]


def test_a_death_counts_from_the_last_change_of_the_document() -> None:
    """Before it they were in care."""
    found = past_of([b.patient(2, status=PatientStatus.DECEASED, updated_at=b.day(50))], ZONE)

    assert [(at, one.status) for at, one in found if isinstance(one, Patient)] == [
        (b.START, PatientStatus.ACTIVE),
        (b.day(50), PatientStatus.DECEASED),
    ]


def test_a_session_was_planned_then_attended_then_rated() -> None:
    """Attendance is known from its end on where nobody said when it was recorded."""
    held = b.session("s1", b.day(1)).model_copy(update={"attendance": Attendance.ATTENDED})

    found = [
        (at, one.attendance, one.rating is not None) for at, one in past_of([held], ZONE) if isinstance(one, Session)
    ]

    assert found == [
        (b.START, None, False),
        (b.START + timedelta(minutes=50), Attendance.ATTENDED, False),
        (b.day(1), Attendance.ATTENDED, True),
    ]


def test_a_patient_brought_in_with_their_past_was_in_care_since_then() -> None:
    """Registered on a day long before the clinic told us: their silences of that time are to be found as well."""
    found = past_of([b.patient(1, registered_at=b.START, created_at=b.day(300))], ZONE)

    assert [at for at, _ in found] == [b.START]


def test_attendance_recorded_long_after_was_brought_in_and_counts_from_the_sessions_end() -> None:
    """Up to fourteen days it counts from when it was recorded; longer, and it is another system's record."""
    held = b.session("s1", None).model_copy(update={"attendance": Attendance.ATTENDED})

    def known_from(recorded: timedelta) -> timedelta:
        last = held.model_copy(update={"attendance_at": b.START + recorded})
        return [at for at, _ in past_of([last], ZONE)][-1] - b.START

    assert timedelta(days=14) == known_from(timedelta(days=14))
    assert timedelta(minutes=50) == known_from(timedelta(days=14, seconds=1))


def test_a_rating_counts_from_when_it_was_given_whenever_attendance_was_recorded() -> None:
    """The patient rated it the next day, the clinic marked it a week later."""
    last = b.session("s1", b.day(1)).model_copy(update={"attendance": Attendance.LATE, "attendance_at": b.day(7)})

    found = [
        (at, one.attendance, one.rating is not None) for at, one in past_of([last], ZONE) if isinstance(one, Session)
    ]

    assert found == [(b.START, None, False), (b.day(1), None, True), (b.day(7), Attendance.LATE, True)]


def test_a_question_was_open_until_it_was_answered_and_answered_until_it_was_settled() -> None:
    """Each from its own instant on."""
    last = b.handling("q1", QuestionStatus.SETTLED, version=7).model_copy(
        update={"answered_at": b.day(2), "settled_at": b.day(3)}
    )

    found = [(at, one.status) for at, one in past_of([last], ZONE) if isinstance(one, Question)]

    assert found == [
        (b.START, QuestionStatus.OPEN),
        (b.day(2), QuestionStatus.ANSWERED),
        (b.day(3), QuestionStatus.SETTLED),
    ]


def test_versions_count_up_in_order_of_time_and_tombstones_have_no_past() -> None:
    """So that a state takes each of them in."""
    documents: list[Document] = [b.session("s1", b.day(1)), b.patient(5), b.handling("q1", deleted=True)]

    found = past_of(documents, ZONE)

    assert [at for at, _ in found] == sorted(at for at, _ in found)
    assert not [one for _, one in found if isinstance(one, Question)]
    assert [one.version for _, one in found if isinstance(one, Session)] == [1, 2]
