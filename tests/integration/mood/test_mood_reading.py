"""From the door to the timeline, over HTTP, on the real broker and store."""

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes import FakeClock
from tests.integration.mood.house import Client, Mood
from tests.integration.service import MONDAY


def line(key: str, **body: Any) -> str:
    kind = "questionnaire" if "instrument" in body else "check_in"
    return json.dumps({"key": key, "type": kind, "patient": "sam", "origin": "import"} | body)


async def test_an_entry_stands_on_the_timeline_as_it_was_sent(harbour: Client) -> None:
    """With its id, when it happened in its own offset, the patient's day, and when it was accepted."""
    at = "2026-11-23T18:10:00+09:00"
    sent = await harbour.check_in(mood=6.25, energy=3, feelings=["calm"], note="ü.$", occurred_at=at)
    shown = await harbour.get("/v1/patients/sam/timeline", sent.headers["Position"])

    assert shown == {
        "patient": "sam",
        "registered": False,
        "entries_not_processed": 0,
        "pinned": [],
        "items": [
            {
                "id": sent.json()["id"],
                "kind": "check_in",
                "occurred_at": at,
                "local_day": "2026-11-23",
                "recorded_at": "2026-11-23T09:30:00Z",
                "origin": "live",
                "answers_occasion": None,
                "withdrawn_at": None,
                "withdrawn_why": "",
                "corrected_at": None,
                "previous": [],
                "values": {
                    "mood": 6.25,
                    "energy": 3,
                    "sleep": None,
                    "feelings": ["calm"],
                    "note": "ü.$",
                    "answers": {},
                },
            }
        ],
        "next": None,
    }


async def test_a_retry_stores_one(harbour: Client, clock: FakeClock) -> None:
    """The same key and body, minutes later, is the same entry, recorded when it first was."""
    first = await harbour.check_in(key="k")
    clock.advance(timedelta(minutes=3))
    second = await harbour.check_in(key="k")
    shown = await harbour.get("/v1/patients/sam/timeline", second.headers["Position"])

    assert first.json()["id"] == second.json()["id"]
    assert first.headers["Position"] != second.headers["Position"]
    assert [(e["id"], e["recorded_at"]) for e in shown["items"]] == [(first.json()["id"], "2026-11-23T09:30:00Z")]


async def test_the_impossible_is_refused_and_leaves_no_trace(harbour: Client) -> None:
    """Neither an entry nor a patient."""
    answers = [
        await harbour.check_in(mood=-999),
        await harbour.check_in(occurred_at="2099-01-01T00:00:00+00:00"),
        await harbour.check_in(occurred_at="2026-11-23T09:00:00"),
        await harbour.phq9(0, 0, 4),
    ]
    assert [answer.status_code for answer in answers] == [422] * 4

    known = await harbour.check_in(patient="other")
    assert (await harbour.ask("/v1/patients/sam/timeline", known.headers["Position"])).status_code == 404


async def test_two_clinics_with_the_same_patient_id_never_meet(harbour: Client, stranger: Client) -> None:
    """The clinic comes from the token; ids, documents and questions of one are nothing to the other."""
    mine, theirs = await harbour.check_in(mood=3, key="k"), await stranger.check_in(mood=8, key="k")
    registered = await harbour.register(episode_started_on="2026-11-01")
    _, asked = await stranger.asks("Will it hurt?")
    both = [mine.headers["Position"], theirs.headers["Position"], registered, asked]

    here, there = [await client.get("/v1/patients/sam/timeline", *both) for client in (harbour, stranger)]
    assert mine.json()["id"] != theirs.json()["id"]
    assert ([e["values"]["mood"] for e in here["items"]], here["registered"]) == ([3], True)
    assert ({e["kind"] for e in there["items"]}, there["registered"]) == ({"check_in", "question"}, False)


async def test_an_unregistered_patient_is_accepted_and_shown_as_such_until_registered(harbour: Client) -> None:
    """Registering changes nothing about the entries."""
    sent = await harbour.check_in()
    before = await harbour.get("/v1/patients/sam/timeline", sent.headers["Position"])
    after = await harbour.get("/v1/patients/sam/timeline", await harbour.register())

    assert (before.pop("registered"), after.pop("registered")) == (False, True)
    assert before == after


async def test_a_registered_patient_without_entries_is_known(harbour: Client) -> None:
    """An empty timeline and kind words, not a 404; a patient nobody knows is one."""
    position = await harbour.register()

    assert (await harbour.get("/v1/patients/sam/timeline", position))["items"] == []
    assert "no right number" in (await harbour.get("/v1/patients/sam/progress"))["in_words"][0]
    for path in ("timeline", "progress"):
        assert (await harbour.ask(f"/v1/patients/nobody/{path}", position)).status_code == 404


async def test_questions_stand_on_the_timeline_with_what_became_of_them(harbour: Client) -> None:
    """Intake's facts and documents, projected from their topic, whichever comes first."""
    asked, position = await harbour.asks("Will it hurt?")
    (open_,) = (await harbour.get("/v1/patients/sam/timeline", position))["items"]
    (answered,) = (await harbour.get("/v1/patients/sam/timeline", await harbour.answers(asked, "No.")))["items"]

    assert (open_["id"], open_["kind"]) == (asked.question, "question")
    assert (open_["values"]["text"], open_["values"]["status"]) == ("Will it hurt?", "open")
    assert (answered["values"]["status"], answered["values"]["answer"]) == ("answered", "No.")


async def test_a_batch_is_shown_page_by_page_across_months(harbour: Client) -> None:
    """400 entries over 14 months: every one once, in both orders; days and kinds choose among them."""
    start = MONDAY - timedelta(days=399)
    lines = [line(str(n), mood=n % 11, occurred_at=(start + timedelta(days=n)).isoformat()) for n in range(400)]
    lines[7] = line("7", instrument="gad7", total=9, occurred_at=(start + timedelta(days=7)).isoformat())
    sent = (await harbour.post("/v1/events:batch", "\n".join([*lines, line("bad", mood=11)]))).json()
    assert (sent["accepted"], sent["refused"]) == (400, 1)
    accepted = [result["id"] for result in sent["results"] if result["status"] == "accepted"]

    for order, expected in (("oldest", accepted), ("newest", accepted[::-1])):
        shown: list[str] = []
        cursor = ""
        while cursor is not None:
            page = f"/v1/patients/sam/timeline?order={order}&limit=97" + (f"&cursor={cursor}" if cursor else "")
            said = await harbour.get(page, *sent["positions"])
            shown += [entry["id"] for entry in said["items"]]
            cursor = said["next"]
        assert shown == expected

    some = await harbour.get(f"/v1/patients/sam/timeline?from={start.date()}&to={start.date() + timedelta(days=9)}")
    kinds = await harbour.get("/v1/patients/sam/timeline?kinds=questionnaire&kinds=question")
    assert [entry["id"] for entry in some["items"]] == accepted[9::-1]
    assert [entry["id"] for entry in kinds["items"]] == [accepted[7]]


async def test_a_batch_sent_again_in_parts_adds_nothing(harbour: Client) -> None:
    """A line's id is its own, whatever batch it comes in."""
    lines = [line(str(n), mood=n, occurred_at=(MONDAY - timedelta(days=n)).isoformat()) for n in range(10)]
    first = (await harbour.post("/v1/events:batch", "\n".join(lines))).json()
    again = (await harbour.post("/v1/events:batch", "\n".join(lines[3:6]))).json()
    shown = await harbour.get("/v1/patients/sam/timeline", *first["positions"], *again["positions"])

    assert [entry["id"] for entry in shown["items"]] == [result["id"] for result in first["results"]]


async def test_progress_is_in_the_patients_own_days_and_since_the_referral(harbour: Client, clock: FakeClock) -> None:
    """A patient in Auckland is in next week when the clinic is not; scores from before the referral do not count,
    those of the wait for the first session do."""
    clock.advance(timedelta(days=6, hours=12))  # Sunday evening in London, Monday morning in Auckland
    episode = {"episode": "e1", "referred_on": "2026-09-01", "started_on": "2026-10-01"}
    positions = [await harbour.register(zone="Pacific/Auckland", episodes=[episode], episode_started_on="2026-10-01")]
    for day, score in (("2026-01-05", 3), ("2026-09-07", 15), ("2026-11-20", 8)):
        answer = await harbour.post(
            "/v1/questionnaires",
            json.dumps({"patient": "sam", "instrument": "phq9", "total": score, "occurred_at": f"{day}T10:00:00+13:00",
                        "origin": "import"}),
        )  # fmt: skip
        positions.append(answer.headers["Position"])
    for day, moods in (("2026-11-23", 4), ("2026-11-30", 6)):
        answer = await harbour.check_in(mood=moods, occurred_at=f"{day}T08:00:00+13:00", origin="import")
        positions.append(answer.headers["Position"])

    said = await harbour.get("/v1/patients/sam/progress", *positions)
    assert (said["zone"], said["today"], said["this_week"]["week"]) == ("Pacific/Auckland", "2026-11-30", "2026-W49")
    assert (said["this_week"]["mean_mood"], said["last_week"]["mean_mood"]) == (6, 4)
    (phq9,) = said["since_start"]["scores"]
    assert (phq9["first"]["score"], phq9["latest"]["score"], phq9["change"]) == (15, 8, "better")
    assert not said["enough_data"]
    assert "not enough data" in said["in_words"][0]


async def test_every_score_carries_its_instrument_range_and_band(harbour: Client) -> None:
    """A PHQ-9 without item 9 as an estimate and a skip, a WHO-5 as higher is better, two K10s that never meet."""
    sent = [await harbour.phq9(2, 2, 1, 2, 1, 1, 1, 0)]
    for number, (instrument, total) in enumerate(
        [("phq9", 16), ("who5", 40), ("who5", 52), ("k10-50", 30), ("k10-40", 12)], 1
    ):
        at = (MONDAY - timedelta(days=30 - number)).isoformat()
        body = {"patient": "sam", "instrument": instrument, "total": total, "occurred_at": at, "origin": "import"}
        sent.append(await harbour.post("/v1/questionnaires", json.dumps(body)))
    positions = [answer.headers["Position"] for answer in sent]
    shown = [entry["values"] for entry in (await harbour.get("/v1/patients/sam/timeline", *positions))["items"]]
    scores = (await harbour.get("/v1/patients/sam/progress"))["since_start"]["scores"]

    assert shown[0] == {
        "instrument": "phq9",
        "title": "PHQ-9",
        "items": {"1": 2, "2": 2, "3": 1, "4": 2, "5": 1, "6": 1, "7": 1, "8": 0},
        "score": None,
        "prorated_score": 11,
        "range": {"minimum": 0, "maximum": 27},
        "band": "moderate",
        "case": None,
        "risk_answers": [],
        "skipped_risk_items": ["9"],
    }
    assert [(v["instrument"], v["score"], v["range"]["maximum"], v["band"], v["case"]) for v in shown[1:]] == [
        ("k10-40", 12, 40, None, None),
        ("k10-50", 30, 50, None, None),
        ("who5", 52, 100, None, False),
        ("who5", 40, 100, None, True),
        ("phq9", 16, 27, "moderately severe", True),
    ]
    assert [(one["instrument"], one["latest"]["score"], one["change"]) for one in scores] == [
        ("phq9", 16, "one_score_so_far"),
        ("k10-50", 30, "one_score_so_far"),
        ("k10-40", 12, "one_score_so_far"),
        ("who5", 52, "better"),
    ]


async def test_a_clinics_attestation_reaches_the_catalogue(harbour: Client) -> None:
    """What intake publishes of a clinic decides what its patients may be shown; the clinic that waits sees it."""
    before = await harbour.get("/v1/instruments/who5")
    position = await harbour.set_up(version=2, licences={"who5": "for our own patients, not sold"})
    after = await harbour.get("/v1/instruments/who5", position)

    assert (before["showing"], after["showing"]) == ("licence_needed", "not_installed")


async def test_entries_around_the_change_of_clocks_keep_their_order_and_day(harbour: Client) -> None:
    """Half past one twice in one night, and a traveller's two calendar days: ordered by instant, counted by own day."""
    times = ["2026-10-25T01:30:00+01:00", "2026-10-25T01:30:00+00:00", "2026-10-24T20:00:00-10:00"]
    sent = [await harbour.check_in(mood=n, occurred_at=at, origin="import") for n, at in enumerate(times)]
    shown = await harbour.get(
        "/v1/patients/sam/timeline?order=oldest", *(answer.headers["Position"] for answer in sent)
    )

    assert [entry["occurred_at"] for entry in shown["items"]] == [times[0], times[1].replace("+00:00", "Z"), times[2]]
    assert [entry["local_day"] for entry in shown["items"]] == ["2026-10-25", "2026-10-25", "2026-10-24"]


async def test_a_deleted_patient_is_forgotten_and_stays_so(harbour: Client) -> None:
    """Entries from before and after the tombstone are gone, also while an older version of the document comes late."""
    sent = await harbour.check_in()
    await harbour.get("/v1/patients/sam/timeline", sent.headers["Position"])
    gone = await harbour.register(version=3, deleted=True)
    late = await harbour.register(version=2)
    after = await harbour.check_in(mood=1)

    for path in ("timeline", "progress"):
        answer = await harbour.ask(f"/v1/patients/sam/{path}", gone, late, after.headers["Position"])
        assert answer.status_code == 404


async def test_a_read_that_cannot_be_served_in_time_says_so(harbour: Client) -> None:
    """After at most 2 s, whether the patient is known or not."""
    sent = await harbour.check_in()
    await harbour.get("/v1/patients/sam/timeline", sent.headers["Position"])
    beyond = {"Wait-For-Position": "moods:0:99999999, clinics:0:99999999, alerts:0:0"}

    known = await harbour.http.get("/v1/patients/sam/progress", headers=beyond)
    unknown = await harbour.http.get("/v1/patients/nobody/progress", headers=beyond)
    assert (known.status_code, known.headers["Projection-Behind"]) == (200, "true")
    assert (unknown.status_code, unknown.headers["Projection-Behind"]) == (404, "true")


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("cursor=nonsense", 400, "invalid_cursor"),
        ("cursor=OTk5OTktMTItMzE", 400, "invalid_cursor"),
        ("limit=0", 422, "invalid"),
        ("limit=201", 422, "invalid"),
        ("order=random", 422, "invalid"),
        ("kinds=dream", 422, "invalid"),
        ("from=2026-11-24&to=2026-11-23", 422, "invalid"),
        ("form=2026-11-24", 422, "invalid"),
    ],
)
async def test_a_query_that_cannot_be_meant_is_refused(harbour: Client, query: str, status: int, code: str) -> None:
    """With the parameter named, misspelt ones included."""
    answer = await harbour.http.get(f"/v1/patients/sam/timeline?{query}")

    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_reading_needs_its_own_scope(mood: Mood) -> None:
    """A token that may only write reads nothing."""
    client = mood.client(scopes=("entries:write",))

    for path in ("timeline", "progress"):
        assert (await client.http.get(f"/v1/patients/sam/{path}")).status_code == 403
