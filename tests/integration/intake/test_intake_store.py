"""What intake keeps beside its documents, on the real store server, with either driver."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest

from services.intake.store import Dues, Questions, SessionNames, Wish
from shared.contracts import Question, QuestionAsked, Session
from shared.contracts.base import Origin
from shared.contracts.questions import QuestionStatus
from shared.mongo import Database

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
NOBODY: frozenset[str] = frozenset()


def fact(question: str = "q1", *, clinic: str = "harbour", patient: str = "sam") -> QuestionAsked:
    return QuestionAsked(
        clinic=clinic,
        patient=patient,
        question=question,
        text=f"What of {question}?",
        occurred_at=NOW,
        local_day=date(2026, 11, 23),
        origin=Origin.LIVE,
    )


def handling(question: str = "q1", *, version: int = 1, status: str = "answered", minute: int = 5) -> Question:
    return Question(
        clinic="harbour",
        patient="sam",
        question=question,
        version=version,
        asked_at=NOW,
        status=QuestionStatus(status),
        updated_at=NOW + timedelta(minutes=minute),
    )


@pytest.fixture
async def asked(database: Database) -> Questions:
    questions = Questions(database["asked"])
    await questions.open()
    return questions


@pytest.fixture
def names(database: Database) -> SessionNames:
    return SessionNames(database["session_names"])


async def listed(asked: Questions, status: str | None = None, *, clinic: str = "harbour") -> list[str]:
    page = await asked.page(
        clinic,
        wish=Wish(status=None if status is None else QuestionStatus(status)),
        updated_since=None,
        cursor=None,
        limit=50,
    )
    return [one.fact.question for one in page.items]


async def test_a_question_is_kept_once_however_often_it_is_read(asked: Questions) -> None:
    """A replay, later by its record time too, changes nothing."""
    await asked.record([(fact(), NOW), (fact(), NOW)], forgotten=NOBODY)
    await asked.record([(fact(), NOW)], forgotten=NOBODY)
    found = await asked.find("harbour", "q1")

    assert found is not None
    assert (found.fact, found.recorded_at, found.changed_at) == (fact(), NOW, NOW)
    assert await listed(asked) == ["q1"]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (2, 0, 1, 0, 2)])
async def test_the_newest_handling_counts_in_whatever_order_all_is_read(
    asked: Questions, order: tuple[int, ...]
) -> None:
    """The fact, its answer and its settlement: any order, with repeats, ends the same."""
    steps = [
        lambda: asked.record([(fact(), NOW)], forgotten=NOBODY),
        lambda: asked.follow([handling(version=1, status="answered", minute=5)]),
        lambda: asked.follow([handling(version=2, status="settled", minute=9)]),
    ]
    for step in order:
        await steps[step]()
    found = await asked.find("harbour", "q1")

    assert found is not None
    assert found.changed_at == NOW + timedelta(minutes=9)
    assert [await listed(asked, status) for status in ("open", "answered", "settled")] == [[], [], ["q1"]]


async def test_questions_are_listed_by_their_last_change_page_by_page(asked: Questions) -> None:
    """An answered question moves behind those that wait; another clinic's is never among them."""
    facts = [(fact(f"q{number}"), NOW + timedelta(minutes=number)) for number in range(4)]
    await asked.record([*facts, (fact("q9", clinic="bay"), NOW)], forgotten=NOBODY)
    await asked.follow([handling("q1", minute=30)])
    pages, cursor = [], None
    for _ in range(2):
        page = await asked.page("harbour", wish=Wish(), updated_since=None, cursor=cursor, limit=2)
        cursor = page.next
        pages.append([one.fact.question for one in page.items])
    since = await asked.page(
        "harbour", wish=Wish(patient="sam"), updated_since=NOW + timedelta(minutes=3), cursor=None, limit=50
    )

    assert pages == [["q0", "q2"], ["q3", "q1"]]
    assert cursor is None
    assert [one.fact.question for one in since.items] == ["q3", "q1"]


async def test_what_a_deleted_patient_asked_is_gone_and_does_not_come_back(asked: Questions) -> None:
    """Neither by a replay of the fact, nor in a rebuilt store; others' questions stay."""
    await asked.record([(fact(), NOW), (fact("q2", patient="ana"), NOW)], forgotten=NOBODY)
    await asked.forget("harbour", "sam")
    await asked.record([(fact(), NOW)], forgotten=frozenset({"harbour/sam"}))
    await asked.follow([handling(version=2, status="settled")])

    assert await asked.find("harbour", "q1") is None
    assert await listed(asked) == ["q2"]


async def test_a_session_id_belongs_to_the_first_who_claims_it(names: SessionNames) -> None:
    """Also among many at once; in another clinic it is free."""
    claims = await asyncio.gather(*(names.claim("harbour", "s1", f"p{number}") for number in range(8)))

    assert len(set(claims)) == 1
    assert await names.patient_of("harbour", "s1") == claims[0]
    assert await names.patient_of("bay", "s1") is None
    assert await names.claim("bay", "s1", "sam") == "sam"


async def test_session_names_are_learned_from_the_topic(names: SessionNames) -> None:
    """A rebuilt store knows whose a session is."""
    session = Session(clinic="harbour", patient="sam", session="s1", version=1, scheduled_at=NOW, updated_at=NOW)
    await names.follow([session, session])

    assert await names.patient_of("harbour", "s1") == "sam"


# --- due times -------------------------------------------------------------------------------------------------------
MINUTE = timedelta(minutes=1)


async def fallen(dues: Dues, at: datetime) -> list[str]:
    """Everything that has fallen due by then, each portion told to be done."""
    found: list[str] = []
    while (portion := await dues.fallen(at)) is not None:
        found += portion[0]
        await dues.done(portion[1])
    return found


async def test_a_due_time_comes_up_once_it_has_passed_and_then_no_more(database: Database) -> None:
    """In whole minutes, never before its time."""
    dues = Dues(database["dues"])
    await dues.add([("h/sam/q1", NOW + 10 * MINUTE), ("h/sam/q2", NOW + 30 * MINUTE)], now=NOW)
    await dues.add([("h/sam/q1", NOW + 10 * MINUTE)], now=NOW)

    assert await fallen(dues, NOW + 9 * MINUTE) == []
    assert await fallen(dues, NOW + 11 * MINUTE) == ["h/sam/q1"]
    assert await fallen(dues, NOW + 11 * MINUTE) == []
    assert await fallen(dues, NOW + timedelta(days=3)) == ["h/sam/q2"]


async def test_a_due_time_not_told_to_be_done_comes_up_again(database: Database) -> None:
    """Whoever was killed in between is made up for, by anybody."""
    dues, other = Dues(database["dues"]), Dues(database["dues"])
    await dues.add([("h/sam/q1", NOW + 10 * MINUTE)], now=NOW)
    await fallen(dues, NOW)
    first = await dues.fallen(NOW + 20 * MINUTE)
    second = await other.fallen(NOW + 20 * MINUTE)

    assert first == second == (["h/sam/q1"], int((NOW + 20 * MINUTE).timestamp()) // 60)


async def test_what_is_long_due_comes_up_soon_however_far_others_have_got(database: Database) -> None:
    """A topic read once more, or a record that came late: never in a minute that was done already."""
    dues = Dues(database["dues"])
    await fallen(dues, NOW)
    await dues.add([("h/sam/late", NOW - 5 * MINUTE), ("h/sam/old", NOW - timedelta(days=30))], now=NOW)

    assert await fallen(dues, NOW + MINUTE) == []
    soon = await fallen(dues, NOW + 3 * MINUTE)
    within_the_hour = await fallen(dues, NOW + timedelta(hours=2))
    assert "h/sam/late" in soon
    assert sorted([*soon, *within_the_hour]) == ["h/sam/late", "h/sam/old"]
