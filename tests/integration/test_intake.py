"""Intake as a whole, over HTTP, on the real broker and the real store server."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import httpx
import pytest
from fastapi import FastAPI

from services.intake.app import create_app
from services.intake.settings import Settings
from shared.auth import SCOPES, DevelopmentIssuer
from shared.bus.provision import provision
from tests.fakes import FakeClock
from tests.stack import Stack

POLL = 0.02  # seconds between two looks
MONDAY = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
Answer = TypeVar("Answer")
CLINIC: dict[str, Any] = {
    "name": "Harbour Clinic",
    "zone": "Europe/London",
    "working_hours": {day: ["09:00", "17:00"] for day in ("mon", "tue", "wed", "thu", "fri")},
    "rule_set": {"base": "starter"},
    "fallback_contact": {"name": "Duty", "email": "duty@harbour.example"},
}
PRIYA: dict[str, Any] = {"name": "Priya", "email": "priya@harbour.example", "channels": ["email"]}
SAM: dict[str, Any] = {"name": "Sam Taylor", "mobile": "+447700900002", "clinician": "priya"}
RATING = {
    "felt_welcome": 9,
    "room_was_comfortable": 7,
    "felt_listened_to": 9,
    "worked_on_what_matters": 8,
    "questions_were_answered": 8,
}


async def until(what: str, ask: Callable[[], Awaitable[Answer]], *, seconds: float = 30) -> Answer:
    """Ask again and again until the answer is true; fail by name when it takes too long."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not (answer := await ask()):
        assert asyncio.get_running_loop().time() < deadline, f"{what}: not within {seconds} s"
        await asyncio.sleep(POLL)
    return answer


@dataclass
class Client:
    """One clinic's system."""

    clinic: str
    http: httpx.AsyncClient

    async def ask(self, method: str, path: str, body: Any = None, *, key: str | None = None, **headers: str) -> Any:
        """One request; POSTs get an Idempotency-Key, `key` or a new one."""
        if method == "POST":
            headers["Idempotency-Key"] = key or uuid.uuid4().hex
        return await self.http.request(method, path, json=body, headers=headers)

    async def get(self, path: str, **headers: str) -> Any:
        """What a path that must answer 200 says."""
        answer = await self.ask("GET", path, **headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def do(self, method: str, path: str, body: Any = None, *, key: str | None = None) -> httpx.Response:
        """A request that must be accepted."""
        answer: httpx.Response = await self.ask(method, path, body, key=key)
        assert answer.is_success, answer.text
        return answer

    async def set_up(self) -> None:
        """A clinic with one clinician and one patient."""
        await self.do("PUT", "/v1/clinic", CLINIC)
        await self.do("PUT", "/v1/clinicians/priya", PRIYA)
        await self.do("PUT", "/v1/patients/sam", SAM)


@dataclass
class Intake:
    """The service, with its clock, and clients of as many clinics as a test needs."""

    app: FastAPI
    state: dict[str, Any]
    clock: FakeClock
    issuer: DevelopmentIssuer

    def client(self, clinic: str | None = None, scopes: tuple[str, ...] = SCOPES) -> Client:
        """A client with a token for one clinic; a new clinic where none is named."""
        name = clinic or f"clinic-{uuid.uuid4().hex[:10]}"
        token = self.issuer.issue(clinic=name, client="tests", scopes=scopes, lasts=timedelta(days=3000))
        transport = httpx.ASGITransport(app=self._with_state)
        headers = {"Authorization": f"Bearer {token}"}
        return Client(name, httpx.AsyncClient(transport=transport, base_url="http://intake", headers=headers))

    async def _with_state(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope | {"state": dict(self.state)}, receive, send)

    async def ready(self) -> bool:
        """Whether it says it is."""
        answer: httpx.Response = await self.client().ask("GET", "/readyz")
        return answer.status_code == 200


@asynccontextmanager
async def running(stack: Stack, *, prefix: str, clock: FakeClock, issuer: DevelopmentIssuer) -> AsyncIterator[Intake]:
    settings = Settings(
        env="development",
        kafka=stack.bootstrap,
        mongo=stack.mongo_url,
        database_prefix=prefix,
        jwt_keys=json.dumps(issuer.jwks()),
        sweep_seconds=0.2,
    )
    app = create_app(settings, clock)
    async with app.router.lifespan_context(app) as state:
        intake = Intake(app, dict(state or {}), clock, issuer)
        await until("intake", intake.ready)
        yield intake


@pytest.fixture(scope="module")
def clock() -> FakeClock:
    return FakeClock(MONDAY)


@pytest.fixture(scope="module")
def issuer(clock: FakeClock) -> DevelopmentIssuer:
    defaults = Settings()
    return DevelopmentIssuer(
        environment="development", issuer=defaults.jwt_issuer, audience=defaults.jwt_audience, clock=clock
    )


@pytest.fixture(scope="module")
async def intake(stack: Stack, clock: FakeClock, issuer: DevelopmentIssuer) -> AsyncIterator[Intake]:
    await provision(stack.bootstrap)
    async with running(stack, prefix=f"test_{uuid.uuid4().hex[:8]}", clock=clock, issuer=issuer) as intake:
        yield intake


@pytest.fixture(autouse=True)
def monday(clock: FakeClock) -> None:
    """Every test begins on the same Monday morning."""
    clock.set(MONDAY)


@pytest.fixture
async def harbour(intake: Intake) -> AsyncIterator[Client]:
    """A clinic that is set up."""
    client = intake.client()
    async with client.http:
        await client.set_up()
        yield client


@pytest.fixture
async def stranger(intake: Intake) -> AsyncIterator[Client]:
    """Another clinic, which uses the same ids."""
    client = intake.client()
    async with client.http:
        await client.set_up()
        yield client


def question(**changes: Any) -> dict[str, Any]:
    return {"patient": "sam", "text": "Is it normal?", "occurred_at": MONDAY.isoformat()} | changes


def session(**changes: Any) -> dict[str, Any]:
    return {"session": "s1", "scheduled_at": (MONDAY - timedelta(hours=2)).isoformat()} | changes


# --- clinic and clinicians -------------------------------------------------------------------------------------------
async def test_a_clinic_is_set_up_once_and_changed_only_by_what_differs(intake: Intake) -> None:
    """201, then 200; the same again makes no version; a change keeps the old settings beside the new ones."""
    client = intake.client()
    first = await client.do("PUT", "/v1/clinic", CLINIC)
    intake.clock.advance(timedelta(hours=1))
    again = await client.do("PUT", "/v1/clinic", CLINIC)
    changed = await client.do("PUT", "/v1/clinic", CLINIC | {"zone": "Europe/Dublin"})

    assert (first.status_code, again.status_code, changed.status_code) == (201, 200, 200)
    assert again.json() == first.json()
    assert again.headers["Position"] == first.headers["Position"]
    assert [one["zone"] for one in changed.json()["settings"]] == ["Europe/London", "Europe/Dublin"]
    assert await client.get("/v1/clinic") == changed.json()


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"zone": "Mars/Olympus"}, "/zone"),
        ({"fallback_contact": None}, "/fallback_contact"),
        ({"fallback_contact": {"name": "Nobody"}}, "/fallback_contact"),
        ({"fallback_contact": {"name": "Duty", "email": "d@x.example", "fax": "1"}}, "/fallback_contact/fax"),
        ({"working_hours": {"mon": ["17:00", "09:00"]}}, "/working_hours/mon"),
        ({"working_hours": {"mon": [9, 17]}}, "/working_hours/mon/0"),
        ({"working_hours": {}}, "/working_hours"),
        ({"rule_set": {"base": "starter", "rules": {"moody": {}}}}, "/rule_set/rules/moody"),
        ({"scales": [{"name": "phq9", "minimum": 0, "maximum": 27}]}, "/scales/0/name"),
        ({"colour": "blue"}, "/colour"),
    ],
)
async def test_a_clinic_that_cannot_work_is_refused_and_changes_nothing(
    harbour: Client, change: dict[str, Any], pointer: str
) -> None:
    """Each fault is named by its place; unknown fields are faults, also deep inside."""
    before = await harbour.get("/v1/clinic")
    refused = await harbour.ask("PUT", "/v1/clinic", CLINIC | change)

    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert pointer in [error["pointer"] for error in refused.json()["errors"]]
    assert await harbour.get("/v1/clinic") == before


async def test_before_the_clinic_is_set_up_everything_says_so(intake: Intake) -> None:
    """The refusals say what to PUT first."""
    client = intake.client()
    answers = [
        await client.ask("GET", "/v1/clinic"),
        await client.ask("PUT", "/v1/clinicians/priya", PRIYA),
        await client.ask("PUT", "/v1/patients/sam", SAM),
        await client.ask("POST", "/v1/questions", question()),
    ]

    assert [answer.status_code for answer in answers] == [404, 409, 409, 409]
    assert {answer.json()["code"] for answer in answers} == {"clinic_not_set_up"}
    assert all("PUT /v1/clinic" in answer.json()["detail"] for answer in answers)


async def test_clinicians_are_added_changed_and_listed(harbour: Client) -> None:
    """A PUT is the whole clinician; a channel without its address is refused."""
    added = await harbour.do("PUT", "/v1/clinicians/tom", PRIYA | {"name": "Tom"})
    changed = await harbour.do("PUT", "/v1/clinicians/tom", PRIYA | {"name": "Thomas"})
    refused = await harbour.ask("PUT", "/v1/clinicians/tom", PRIYA | {"channels": ["sms"]})

    assert (added.status_code, changed.status_code, refused.status_code) == (201, 200, 422)
    assert refused.json()["errors"][0]["pointer"] == "/mobile"
    assert (await harbour.get("/v1/clinicians/tom"))["name"] == "Thomas"
    assert [one["clinician"] for one in (await harbour.get("/v1/clinicians"))["items"]] == ["priya", "tom"]
    assert (await harbour.ask("GET", "/v1/clinicians/nobody")).status_code == 404


# --- patients --------------------------------------------------------------------------------------------------------
async def test_a_patient_is_registered_once_and_changed_only_by_what_differs(intake: Intake, harbour: Client) -> None:
    """The same again makes no version; since when they are registered stays as it was."""
    past = (MONDAY - timedelta(days=90)).isoformat()
    first = await harbour.do("PUT", "/v1/patients/ana", {"name": "Ana", "registered_at": past})
    intake.clock.advance(timedelta(hours=1))
    again = await harbour.do("PUT", "/v1/patients/ana", {"name": "Ana", "registered_at": MONDAY.isoformat()})
    changed = await harbour.do("PUT", "/v1/patients/ana", {"name": "Ana", "status": "discharged"})

    assert (first.status_code, again.status_code, changed.status_code) == (201, 200, 200)
    assert again.json() == first.json()
    assert changed.json()["version"] == 2
    assert datetime.fromisoformat(changed.json()["registered_at"]) == MONDAY - timedelta(days=90)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"clinician": "nobody"}, "/clinician"),
        ({"registered_at": "2099-01-01T00:00:00Z"}, "/registered_at"),
        ({"registered_at": "2026-01-01T00:00:00"}, "/registered_at"),
        ({"registered_at": 1_700_000_000}, "/registered_at"),
        ({"mobile": "07700 900002"}, "/mobile"),
        ({"name": "Sam\nBcc: everybody"}, "/name"),
        ({"consent_to_contact": "perhaps"}, "/consent_to_contact"),
        ({"stauts": "active"}, "/stauts"),
    ],
)
async def test_a_patient_who_cannot_be_is_refused_and_nothing_changes(
    harbour: Client, change: dict[str, Any], pointer: str
) -> None:
    """Neither a misspelt field nor a time without its offset is lost in silence."""
    before = await harbour.get("/v1/patients/sam")
    refused = await harbour.ask("PUT", "/v1/patients/sam", SAM | change)

    assert refused.status_code == 422
    assert pointer in [error["pointer"] for error in refused.json()["errors"]]
    assert await harbour.get("/v1/patients/sam") == before


async def test_patients_are_listed_page_by_page_and_since_a_time(intake: Intake, harbour: Client) -> None:
    """Those changed longest ago come first; a deleted one is shown to who follows the changes."""
    for number in range(3):
        intake.clock.advance(timedelta(minutes=1))
        await harbour.do("PUT", f"/v1/patients/p{number}", {"name": f"P {number}"})
    since = intake.clock.now().isoformat()
    first = await harbour.get("/v1/patients?limit=2")
    second = await harbour.get(f"/v1/patients?limit=2&cursor={first['next']}")
    intake.clock.advance(timedelta(minutes=1))
    await harbour.do("DELETE", "/v1/patients/p0")
    changed = await harbour.ask("GET", "/v1/patients")
    news = (await harbour.http.get("/v1/patients", params={"updated_since": since})).json()

    assert [one["patient"] for one in first["items"] + second["items"]] == ["sam", "p0", "p1", "p2"]
    assert second["next"] is None
    assert [one["patient"] for one in changed.json()["items"]] == ["sam", "p1", "p2"]
    assert [(one["patient"], one["deleted"]) for one in news["items"]] == [("p2", False), ("p0", True)]


async def test_a_cursor_or_position_we_did_not_give_is_refused(harbour: Client) -> None:
    """400, with what to send; 422 for a time nobody means."""
    far = await harbour.http.get("/v1/questions", params={"updated_since": "9999-12-31T23:59:59-12:00"})

    assert far.status_code == 422
    assert (await harbour.ask("GET", "/v1/patients?cursor=abc")).status_code == 400
    assert (await harbour.ask("GET", "/v1/questions?cursor=abc")).status_code == 400
    assert (await harbour.ask("GET", "/v1/questions", **{"Wait-For-Position": "soon"})).status_code == 400


async def test_a_deleted_patient_leaves_nothing_personal_and_does_not_come_back(harbour: Client) -> None:
    """Sessions with their comments and questions with their answers go as well; the id stays taken."""
    await harbour.do("POST", "/v1/patients/sam/sessions", session())
    await harbour.do("POST", "/v1/sessions/s1/rating", RATING | {"comment": "cold room"})
    asked = (await harbour.do("POST", "/v1/questions", question())).json()
    await harbour.do("POST", f"/v1/questions/{asked['id']}/answer", {"text": "Yes."})
    gone = await harbour.do("DELETE", "/v1/patients/sam")
    again = await harbour.do("DELETE", "/v1/patients/sam")
    back = await harbour.ask("PUT", "/v1/patients/sam", SAM)
    late = await harbour.ask("POST", "/v1/questions", question())

    assert (gone.status_code, again.status_code, back.status_code, late.status_code) == (204, 204, 410, 410)
    assert gone.headers["Position"] == again.headers["Position"]
    for path in ("/v1/patients/sam", "/v1/sessions/s1", f"/v1/questions/{asked['id']}"):
        assert (await harbour.ask("GET", path)).status_code == 404
    assert (await harbour.get("/v1/questions"))["items"] == []
    assert (await harbour.ask("DELETE", "/v1/patients/nobody")).status_code == 404


# --- sessions --------------------------------------------------------------------------------------------------------
async def test_a_session_is_planned_held_and_rated(harbour: Client) -> None:
    """The patient's own clinician holds it where none is named."""
    planned = await harbour.do("POST", "/v1/patients/sam/sessions", session())
    held = await harbour.do("POST", "/v1/sessions/s1/attendance", {"attendance": "attended"})
    rated = await harbour.do("POST", "/v1/sessions/s1/rating", RATING)
    twice = await harbour.ask("POST", "/v1/sessions/s1/rating", RATING)

    assert planned.status_code == 201
    assert planned.json()["clinician"] == "priya"
    assert held.json()["attendance"] == "attended"
    assert rated.json()["rating"] | RATING == rated.json()["rating"]
    assert (twice.status_code, twice.json()["code"]) == (409, "already_rated")
    assert await harbour.get("/v1/sessions/s1") == rated.json()
    assert (await harbour.get("/v1/patients/sam/sessions"))["items"] == [rated.json()]


async def test_a_retry_of_a_decision_gets_the_same_answer_and_changes_nothing(harbour: Client) -> None:
    """With the same key; also where others have changed the session since, and where we made its id."""
    body = session()
    del body["session"]
    first = await harbour.do("POST", "/v1/patients/sam/sessions", body, key="k1")
    path = f"/v1/sessions/{first.json()['session']}"
    rated = await harbour.do("POST", f"{path}/rating", RATING, key="k2")
    await harbour.do("POST", f"{path}/attendance", {"attendance": "late"})
    retried = await harbour.do("POST", "/v1/patients/sam/sessions", body, key="k1")
    rated_again = await harbour.do("POST", f"{path}/rating", RATING, key="k2")
    another = await harbour.ask("POST", "/v1/patients/sam/sessions", body | {"clinician": "priya"}, key="k1")

    assert (retried.status_code, retried.json()) == (201, first.json())
    assert rated_again.json() == rated.json()
    assert (another.status_code, another.json()["code"]) == (422, "idempotency_key_reused")
    assert len((await harbour.get("/v1/patients/sam/sessions"))["items"]) == 1
    assert (await harbour.get(path))["version"] == 3


async def test_a_decision_without_a_key_is_refused(harbour: Client) -> None:
    """Without one, a retry could not be told from a second session."""
    refused = await harbour.http.post("/v1/patients/sam/sessions", json=session())

    assert (refused.status_code, refused.json()["code"]) == (400, "idempotency_key_missing")
    assert (await harbour.get("/v1/patients/sam/sessions"))["items"] == []


async def test_a_session_id_stands_for_one_session_of_one_patient(harbour: Client) -> None:
    """Neither another time nor another patient is taken under it."""
    await harbour.do("PUT", "/v1/patients/ana", {})
    await harbour.do("POST", "/v1/patients/sam/sessions", session())
    same = await harbour.do("POST", "/v1/patients/sam/sessions", session())
    moved = await harbour.ask("POST", "/v1/patients/sam/sessions", session(scheduled_at=MONDAY.isoformat()))
    other = await harbour.ask("POST", "/v1/patients/ana/sessions", session())
    unknown = await harbour.ask("POST", "/v1/patients/nobody/sessions", session(session="s2"))

    assert (same.status_code, moved.status_code, other.status_code, unknown.status_code) == (200, 409, 409, 404)
    assert {moved.json()["code"], other.json()["code"]} == {"session_exists"}


@pytest.mark.parametrize(
    ("rating", "status"),
    [
        (RATING | {"felt_welcome": 11}, 422),
        (RATING | {"felt_welcome": True}, 422),
        (RATING | {"rated_at": "2026-11-21T10:00:00+00:00"}, 422),
        (RATING | {"rated_at": "2026-11-23T06:00:00+00:00"}, 409),
        (RATING | {"rated_at": "2099-11-23T06:00:00+00:00"}, 422),
        ({"felt_welcome": 9}, 422),
    ],
)
async def test_a_rating_that_cannot_be_is_refused_and_changes_nothing(
    harbour: Client, rating: dict[str, Any], status: int
) -> None:
    """Out of range, half answered, too old for its origin, before the session, in 2099."""
    planned = await harbour.do("POST", "/v1/patients/sam/sessions", session())
    refused = await harbour.ask("POST", "/v1/sessions/s1/rating", rating)

    assert refused.status_code == status
    assert await harbour.get("/v1/sessions/s1") == planned.json()


# --- questions -------------------------------------------------------------------------------------------------------
async def test_a_question_is_acknowledged_with_when_to_expect_a_reply(harbour: Client) -> None:
    """Asked on a Monday: by Wednesday, 5pm; with crisis contacts, and who will see it by when."""
    words = "هل هذا طبيعي؟\n👩‍👧 \u200c"
    asked = await harbour.do("POST", "/v1/questions", question(text=words))
    receipt = asked.json()
    seen = await harbour.get(f"/v1/questions/{receipt['id']}", **{"Wait-For-Position": receipt["position"]})

    assert asked.status_code == 202
    assert asked.headers["Position"] == receipt["position"]
    assert datetime.fromisoformat(receipt["expect_reply_by"]) == datetime(2026, 11, 25, 17, tzinfo=UTC)
    assert receipt["registered"] is True
    assert receipt["safety"]["contacts"][0]["number"] == "999"
    assert receipt["safety"]["prominent"] is False
    assert (seen["text"], seen["status"], seen["local_day"]) == (words, "open", "2026-11-23")
    assert seen["expect_reply_by"] == receipt["expect_reply_by"]


async def test_a_retried_question_is_the_same_question(harbour: Client) -> None:
    """The same key and body: one question. The same key with other words: another one."""
    first = (await harbour.do("POST", "/v1/questions", question(), key="k")).json()
    retry = (await harbour.do("POST", "/v1/questions", question(), key="k")).json()
    other = (await harbour.do("POST", "/v1/questions", question(text="Why?"), key="k")).json()
    headers = {"Wait-For-Position": f"{retry['position']},{other['position']}"}
    listed = await harbour.get("/v1/questions", **headers)

    assert retry["id"] == first["id"]
    assert other["id"] != first["id"]
    assert {one["id"] for one in listed["items"]} == {first["id"], other["id"]}
    assert len(listed["items"]) == 2


async def test_a_question_of_somebody_not_registered_is_taken_and_said_to_be(harbour: Client) -> None:
    """Nobody is turned away because a form was not filled in yet."""
    asked = (await harbour.do("POST", "/v1/questions", question(patient="new"))).json()

    assert asked["registered"] is False


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"occurred_at": "2026-11-23T09:00:00"}, "/occurred_at"),
        ({"occurred_at": 1_795_426_200}, "/occurred_at"),
        ({"occurred_at": "2099-11-23T09:00:00Z"}, "/occurred_at"),
        ({"occurred_at": "2026-11-20T09:00:00Z"}, "/origin"),
        ({"text": "   "}, "/text"),
        ({"text": "x" * 2001}, "/text"),
        ({"patient": "a/b"}, "/patient"),
        ({"clinic": "another"}, "/clinic"),
    ],
)
async def test_a_question_that_cannot_be_is_refused_and_not_recorded(
    harbour: Client, change: dict[str, Any], pointer: str
) -> None:
    """Nothing reaches the bus: the next question is the only one."""
    refused = await harbour.ask("POST", "/v1/questions", question(**change))
    asked = (await harbour.do("POST", "/v1/questions", question())).json()
    listed = await harbour.get("/v1/questions", **{"Wait-For-Position": asked["position"]})

    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]
    assert [one["id"] for one in listed["items"]] == [asked["id"]]


async def test_a_question_is_answered_settled_and_listed_by_status(intake: Intake, harbour: Client) -> None:
    """Answered right after it was asked; a second answer is refused; a retry of the first is not."""
    ids = [(await harbour.do("POST", "/v1/questions", question(text=text))).json()["id"] for text in ("a", "b", "c")]
    intake.clock.advance(timedelta(minutes=5))
    answer = {"text": "Yes.", "by": "Priya"}
    answered = await harbour.do("POST", f"/v1/questions/{ids[0]}/answer", answer, key="k")
    intake.clock.advance(timedelta(minutes=5))
    settled = await harbour.do("POST", f"/v1/questions/{ids[1]}/settle", {})
    retried = await harbour.do("POST", f"/v1/questions/{ids[0]}/answer", answer, key="k")
    second = await harbour.ask("POST", f"/v1/questions/{ids[0]}/answer", answer)
    waits = {"Wait-For-Position": settled.headers["Position"]}

    assert (answered.json()["status"], answered.json()["answered_by"]) == ("answered", "Priya")
    assert settled.json()["status"] == "settled"
    assert retried.json() == answered.json()
    assert (second.status_code, second.json()["code"]) == (409, "already_answered")
    for status, number in (("open", 2), ("answered", 0), ("settled", 1)):
        listed = await harbour.get(f"/v1/questions?status={status}", **waits)
        assert [one["id"] for one in listed["items"]] == [ids[number]]
    since = (MONDAY + timedelta(minutes=1)).isoformat()
    news = (await harbour.http.get("/v1/questions", params={"updated_since": since, "limit": 1})).json()
    rest = (await harbour.http.get("/v1/questions", params={"cursor": news["next"]})).json()
    assert [one["id"] for one in news["items"] + rest["items"]] == [ids[0], ids[1]]


# --- whose it is -----------------------------------------------------------------------------------------------------
async def test_two_clinics_that_use_the_same_ids_never_meet(harbour: Client, stranger: Client) -> None:
    """Each sees its own patient `sam` and its own session `s1`."""
    await harbour.do("POST", "/v1/patients/sam/sessions", session())
    await stranger.do("PUT", "/v1/patients/sam", {"name": "Another Sam"})
    await stranger.do("POST", "/v1/patients/sam/sessions", session(scheduled_at=MONDAY.isoformat()))
    await stranger.do("DELETE", "/v1/patients/sam")

    assert (await harbour.get("/v1/patients/sam"))["name"] == "Sam Taylor"
    assert datetime.fromisoformat((await harbour.get("/v1/sessions/s1"))["scheduled_at"]) < MONDAY
    assert [one["patient"] for one in (await harbour.get("/v1/patients"))["items"]] == ["sam"]


async def test_what_is_anothers_looks_as_if_it_were_not(harbour: Client, stranger: Client) -> None:
    """A session and a question of another clinic are a 404, to read and to change."""
    await harbour.do("POST", "/v1/patients/sam/sessions", session(session="theirs"))
    asked = (await harbour.do("POST", "/v1/questions", question())).json()
    await harbour.get(f"/v1/questions/{asked['id']}", **{"Wait-For-Position": asked["position"]})
    answers = [
        await stranger.ask("GET", "/v1/sessions/theirs"),
        await stranger.ask("POST", "/v1/sessions/theirs/attendance", {"attendance": "attended"}),
        await stranger.ask("POST", "/v1/sessions/theirs/rating", RATING),
        await stranger.ask("GET", f"/v1/questions/{asked['id']}"),
        await stranger.ask("POST", f"/v1/questions/{asked['id']}/answer", {"text": "No."}),
    ]

    assert {answer.status_code for answer in answers} == {404}
    assert (await harbour.get("/v1/sessions/theirs"))["version"] == 1


async def test_a_token_must_be_there_and_carry_the_scope(intake: Intake, harbour: Client) -> None:
    """401 without one, 403 without the scope; neither changes anything."""
    reader = intake.client(harbour.clinic, scopes=("patients:read",))
    nobody = await intake.client().http.get("/v1/patients", headers={"Authorization": "Bearer nonsense"})
    refused = await reader.ask("PUT", "/v1/patients/sam", SAM | {"name": "Eve"})

    assert (nobody.status_code, refused.status_code) == (401, 403)
    assert "patients:write" in refused.json()["detail"]
    assert (await reader.get("/v1/patients/sam"))["name"] == "Sam Taylor"


# --- when things break -----------------------------------------------------------------------------------------------
async def test_a_store_that_was_dropped_is_rebuilt_from_the_topics(
    stack: Stack, harbour: Client, clock: FakeClock, issuer: DevelopmentIssuer
) -> None:
    """Another instance, with an empty store, comes to say the same: patients, sessions, questions and answers."""
    await harbour.do("POST", "/v1/patients/sam/sessions", session())
    await harbour.do("POST", "/v1/sessions/s1/rating", RATING)
    asked = (await harbour.do("POST", "/v1/questions", question())).json()
    answered = await harbour.do("POST", f"/v1/questions/{asked['id']}/answer", {"text": "Yes."})
    await harbour.do("PUT", "/v1/patients/gone", {"name": "Gone"})
    lost = (await harbour.do("POST", "/v1/questions", question(patient="gone"))).json()
    await harbour.do("DELETE", "/v1/patients/gone")
    paths = ("/v1/clinic", "/v1/patients", "/v1/sessions/s1", "/v1/questions", f"/v1/questions/{asked['id']}")
    waits = {"Wait-For-Position": answered.headers["Position"]}
    before = [await harbour.get(path, **waits) for path in paths]

    async with running(stack, prefix=f"test_{uuid.uuid4().hex[:8]}", clock=clock, issuer=issuer) as fresh:
        client = fresh.client(harbour.clinic)

        async def same() -> bool:
            answers = [await client.ask("GET", path) for path in paths]
            return [answer.json() for answer in answers if answer.is_success] == before

        await until("the rebuilt store", same)
        assert (await client.ask("GET", f"/v1/questions/{lost['id']}")).status_code == 404


async def test_without_the_broker_decisions_stand_and_facts_are_told_to_try_again(
    stack: Stack, intake: Intake, harbour: Client
) -> None:
    """A decision has no position until it is published; a fact that may not be recorded is not called recorded."""
    stack.kill_kafka()
    try:
        decision, fact = await asyncio.gather(
            harbour.ask("PUT", "/v1/patients/sam", SAM | {"name": "Samuel"}),
            harbour.ask("POST", "/v1/questions", question(), key="k"),
        )
        read = await harbour.get("/v1/patients/sam")
    finally:
        stack.start_kafka()
    intake.clock.advance(timedelta(minutes=1))

    assert decision.status_code == 200
    assert "Position" not in decision.headers
    assert read["name"] == "Samuel"
    assert fact.status_code == 503
    assert "same Idempotency-Key" in fact.json()["detail"]

    async def swept() -> bool:
        answer = await harbour.do("PUT", "/v1/patients/sam", SAM | {"name": "Samuel"})
        return "Position" in answer.headers

    async def recorded() -> Any:
        answer: httpx.Response = await harbour.ask("POST", "/v1/questions", question(), key="k")
        return answer.json() if answer.status_code == 202 else None

    await until("the sweeper", swept)
    retried = await until("the question", recorded)
    listed = await harbour.get("/v1/questions", **{"Wait-For-Position": retried["position"]})
    assert [one["id"] for one in listed["items"]] == [retried["id"]]
    await until("intake", intake.ready)


async def test_without_the_store_a_question_is_still_recorded(stack: Stack, intake: Intake, harbour: Client) -> None:
    """202 by the broker's word alone; whether the patient is registered is not known then."""
    await harbour.do("POST", "/v1/questions", question(text="before"))
    stack.kill_mongo()
    try:
        asked = await harbour.do("POST", "/v1/questions", question())
    finally:
        stack.start_mongo()

    async def known() -> bool:
        answer: httpx.Response = await harbour.ask("GET", f"/v1/questions/{asked.json()['id']}")
        return answer.status_code == 200

    assert asked.json()["registered"] is None
    await until("the question", known, seconds=60)
    await until("intake", intake.ready)
