"""Episodes, transfers and the life of a session, over HTTP on the real broker and store."""

from datetime import timedelta

from tests.fakes import FakeClock
from tests.integration.intake.clinic_system import PRIYA, RATING, SAM, Client, question, session
from tests.integration.service import MONDAY


async def test_somebody_is_referred_starts_with_their_first_session_and_is_discharged(harbour: Client) -> None:
    """A retry of each changes nothing; the old PUT goes on working beside it; a second referral comes after.

    The first session is the earliest since the referral, whichever was marked last.
    """
    for name, at in (("s-1", "2026-10-01T10:00:00Z"), ("s0", "2026-11-05T10:00:00Z")):
        await harbour.do("POST", "/v1/patients/sam/sessions", {"session": name, "scheduled_at": at})
        await harbour.do("POST", f"/v1/sessions/{name}/attendance", {"attendance": "attended"})
    first = await harbour.do(
        "POST", "/v1/patients/sam/referrals", {"episode": "e1", "referred_on": "2026-11-02"}, key="r"
    )
    retried = await harbour.do(
        "POST", "/v1/patients/sam/referrals", {"episode": "e1", "referred_on": "2026-11-02"}, key="r"
    )
    second = await harbour.ask("POST", "/v1/patients/sam/referrals", {})
    await harbour.do("POST", "/v1/patients/sam/sessions", session())
    await harbour.do("POST", "/v1/sessions/s1/attendance", {"attendance": "late", "late_minutes": 10})
    started = await harbour.get("/v1/patients/sam")
    await harbour.do("PUT", "/v1/patients/sam", SAM | {"name": "Sam T."})
    said = await harbour.do("POST", "/v1/patients/sam/episodes/e1/start", {"started_on": "2026-11-16"})
    early = await harbour.ask("POST", "/v1/patients/sam/discharge", {"end": "completed", "ended_on": "2026-11-15"})
    ended = await harbour.do("POST", "/v1/patients/sam/discharge", {"end": "completed"})
    again = await harbour.ask("POST", "/v1/patients/sam/discharge", {"end": "completed"})
    back = await harbour.do("POST", "/v1/patients/sam/referrals", {"problem": "anxiety"})

    assert (first.status_code, retried.status_code, retried.json()) == (201, 201, first.json())
    assert (second.status_code, second.json()["code"]) == (409, "episode_open")
    assert started["episodes"][0] | {"started_on": "2026-11-05", "clinician": "priya"} == started["episodes"][0]
    assert (said.json()["name"], said.json()["episode_started_on"]) == ("Sam T.", "2026-11-16")
    assert (early.status_code, early.json()["errors"][0]["pointer"]) == (422, "/ended_on")
    assert (ended.json()["status"], ended.json()["episodes"][0]["ended_on"]) == ("discharged", "2026-11-23")
    assert (again.status_code, again.json()["code"]) == (409, "no_open_episode")
    assert (back.json()["status"], len(back.json()["episodes"])) == ("active", 2)
    assert await harbour.get("/v1/patients/sam") == back.json()


async def test_a_patient_is_transferred_and_shared_and_another_clinics_is_not_there(
    harbour: Client, stranger: Client
) -> None:
    """The one before stays known, with the role they have in the clinic."""
    await harbour.do("PUT", "/v1/clinicians/priya", PRIYA | {"role": "prescriber", "zone": "Europe/London"})
    await harbour.do("PUT", "/v1/clinicians/lee", PRIYA | {"name": "Lee"})
    joined = await harbour.do("PUT", "/v1/patients/sam/care-team/lee", {"role": "support"})
    given = await harbour.do("POST", "/v1/patients/sam/transfer", {"clinician": "lee", "note": "On leave."})
    left = await harbour.ask("DELETE", "/v1/patients/sam/care-team/priya")
    unknown = await harbour.ask("POST", "/v1/patients/sam/transfer", {"clinician": "nobody"})
    strange = await stranger.ask("POST", "/v1/patients/sam/transfer", {"clinician": "lee"})
    nowhere = await harbour.ask("POST", "/v1/patients/nobody/discharge", {"end": "other"})

    assert [(one["clinician"], one["role"], one["until"]) for one in joined.json()["care_team"]] == [
        ("lee", "support", None)
    ]
    assert given.json()["clinician"] == "lee"
    assert [(one["clinician"], one["role"], one["note"]) for one in given.json()["care_team"]] == [
        ("lee", "support", ""),
        ("priya", "prescriber", "On leave."),
    ]
    assert left.json() == given.json()
    assert (unknown.status_code, strange.status_code, nowhere.status_code) == (422, 422, 404)
    assert (await stranger.get("/v1/patients/sam"))["clinician"] == "priya"


async def test_a_session_moves_is_taken_back_and_looked_back_on(harbour: Client, clock: FakeClock) -> None:
    """What was still open when it ended can be asked for."""
    asked = (await harbour.do("POST", "/v1/questions", question())).json()
    tomorrow = (MONDAY + timedelta(days=1)).isoformat()
    await harbour.do("POST", "/v1/patients/sam/sessions", session(scheduled_at=tomorrow))
    moved = await harbour.do(
        "POST", "/v1/sessions/s1/reschedule", {"scheduled_at": MONDAY.isoformat(), "by": "patient"}
    )
    await harbour.do("POST", "/v1/sessions/s1/attendance", {"attendance": "cancelled_by_patient"})
    fixed = await harbour.ask("POST", "/v1/sessions/s1/reschedule", {"scheduled_at": tomorrow, "by": "clinic"})
    back = await harbour.do("DELETE", "/v1/sessions/s1/attendance")
    empty = await harbour.ask("PUT", "/v1/sessions/s1/checklist", {})
    looked = await harbour.do("PUT", "/v1/sessions/s1/checklist", {"welcomed": True, "time_for_questions": False})
    clock.set(MONDAY + timedelta(hours=1))
    rated = await harbour.do("POST", "/v1/sessions/s1/rating", RATING)
    await harbour.do("POST", f"/v1/questions/{asked['id']}/settle")
    left = await harbour.ask("GET", "/v1/sessions/s1/open-questions", **{"Wait-For-Position": asked["position"]})

    assert moved.json()["rescheduled"][0]["by"] == "patient"
    assert (fixed.status_code, fixed.json()["code"]) == (409, "session_over")
    assert back.json()["attendance"] is None
    assert (empty.status_code, looked.json()["checklist"]["room_ready"]) == (422, None)
    assert rated.json()["checklist"] == looked.json()["checklist"]
    assert [(one["id"], one["status"]) for one in left.json()] == [(asked["id"], "settled")]
