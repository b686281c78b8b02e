"""A question handled by a team, on the real broker and store: sorted, taken on, handed over, moved on, settled."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.integration.intake.clinic_system import CLINIC, PRIYA, RATING, Client, Intake, question, session
from tests.integration.service import MONDAY, until

LEE = PRIYA | {"name": "Lee", "email": "lee@harbour.example", "role": "lead"}
ASH = PRIYA | {"name": "Ash", "email": "ash@harbour.example", "role": "prescriber"}


async def team(client: Client) -> None:
    """Priya treats, Ash prescribes, Lee leads."""
    await client.do("PUT", "/v1/clinic", CLINIC | {"escalation": {"lead": "lee"}})
    await client.do("PUT", "/v1/clinicians/lee", LEE)
    await client.do("PUT", "/v1/clinicians/ash", ASH)


async def asked(client: Client, **changes: Any) -> dict[str, Any]:
    """A question, once it can be read back."""
    receipt = (await client.do("POST", "/v1/questions", question(**changes))).json()
    found: dict[str, Any] = await client.get(
        f"/v1/questions/{receipt['id']}", **{"Wait-For-Position": receipt["position"]}
    )
    return found | {"what_to_expect": receipt["what_to_expect"], "safety": receipt["safety"]}


async def ids(client: Client, wish: str) -> list[str]:
    """The ids of a list."""
    return [one["id"] for one in (await client.get(f"/v1/questions?{wish}"))["items"]]


async def test_a_question_is_routed_by_what_it_is_about_and_found_by_the_role_that_answers_it(harbour: Client) -> None:
    """Roles and targets are the clinic's own or the defaults; the patient is told who and by when."""
    await team(harbour)

    async def routed() -> dict[str, Any] | None:
        dose = await asked(harbour, text="May I take my tablets at night?")
        return dose if dose["triage"]["role"] == "prescriber" else None

    dose = await until("the door knows the prescriber", routed)
    crisis = await asked(harbour, text="I don't want to be here any more")

    assert (dose["triage"]["category"], dose["safety"]["prominent"]) == ("medication", False)
    assert "a prescriber of your care team" in dose["what_to_expect"]
    assert (crisis["triage"]["category"], crisis["safety"]["prominent"]) == ("crisis", True)
    assert crisis["screening"]["signs"] == ["wish_to_die"]
    assert datetime.fromisoformat(crisis["expect_reply_by"]) == MONDAY + timedelta(hours=1)
    assert dose["id"] in await ids(harbour, "role=prescriber&status=open")
    assert await ids(harbour, "category=crisis") == [crisis["id"]]
    assert crisis["id"] not in await ids(harbour, "role=prescriber")


async def test_a_question_is_taken_on_handed_over_and_put_right_and_its_history_says_so(harbour: Client) -> None:
    """One has it at a time; a retry is the same claim; nobody unknown can get it."""
    await team(harbour)
    one = await asked(harbour)
    path = f"/v1/questions/{one['id']}"
    claimed = (await harbour.do("POST", f"{path}/claim", {"clinician": "priya"}, key="k")).json()
    retried = (await harbour.do("POST", f"{path}/claim", {"clinician": "priya"}, key="k")).json()
    refused = await harbour.ask("POST", f"{path}/claim", {"clinician": "ash"})
    unknown = await harbour.ask("POST", f"{path}/hand-over", {"clinician": "nobody"})
    handed = {"clinician": "ash", "by": "priya", "note": "It is about the dose."}
    await harbour.do("POST", f"{path}/hand-over", handed)
    right = (await harbour.do("POST", f"{path}/category", {"category": "medication", "by": "ash"})).json()

    assert retried == claimed
    assert (refused.status_code, refused.json()["code"]) == (409, "already_claimed")
    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (422, "/clinician")
    assert (right["triage"]["category"], right["triage"]["by"]) == ("medication", "clinic")
    assert [(step["to"], step["why"], step["by"]) for step in right["handovers"]] == [
        ("priya", "claimed", "priya"),
        ("ash", "handed_over", "priya"),
        (None, "recategorised", "ash"),
    ]
    assert await ids(harbour, "assigned_to=ash") == []
    assert await ids(harbour, "unassigned=true&status=open") == [one["id"]]


async def test_leave_hides_nothing(harbour: Client) -> None:
    """What somebody on leave has stands among the unassigned, and a colleague can take it on."""
    await team(harbour)
    one = await asked(harbour)
    await harbour.do("POST", f"/v1/questions/{one['id']}/claim", {"clinician": "priya"})
    assert await ids(harbour, "unassigned=true") == []
    leave = {"starts_at": MONDAY.isoformat(), "ends_at": (MONDAY + timedelta(days=7)).isoformat()}
    await harbour.do("PUT", "/v1/clinicians/priya", PRIYA | {"away": [leave]})

    async def shown() -> bool:
        return await ids(harbour, "unassigned=true") == [one["id"]]

    await until("leave is known", shown)
    taken = (await harbour.do("POST", f"/v1/questions/{one['id']}/claim", {"clinician": "lee"})).json()
    assert (taken["assigned_to"], taken["assignee_away"]) == ("lee", False)


async def test_an_answer_settles_nothing_until_the_patient_says_so(intake: Intake, harbour: Client) -> None:
    """Opened again it has a new target, and the answer stays readable; said in the room, the clinic writes it down."""
    one = await asked(harbour)
    path = f"/v1/questions/{one['id']}"
    await harbour.do("POST", f"{path}/answer", {"text": "Yes.", "by": "priya"})
    intake.clock.advance(timedelta(days=1))
    again = (await harbour.do("POST", f"{path}/reopen")).json()
    await harbour.do("POST", f"{path}/answer", {"text": "It passes within two weeks.", "by": "priya"})
    settled = (await harbour.do("POST", f"{path}/settle", {"said_by": "clinic"})).json()

    assert (again["status"], again["answer"]) == ("open", None)
    assert again["triage"]["target_at"] > one["triage"]["target_at"]
    assert (settled["status"], settled["settled_by"]) == ("settled", "clinic")
    assert settled["answer"] == "It passes within two weeks."
    assert [given["text"] for given in settled["earlier_answers"]] == ["Yes."]


async def test_a_comment_in_crisis_is_kept_and_answered_with_help_first(intake: Intake, harbour: Client) -> None:
    """The words of a rating are screened like any other."""
    await harbour.do("POST", "/v1/patients/sam/sessions", session())
    said = RATING | {"comment": "Everyone would be better off without me."}
    rated = (await harbour.do("POST", "/v1/sessions/s1/rating", said)).json()
    kept = await harbour.get("/v1/sessions/s1")

    assert rated["safety"]["prominent"] is True
    assert kept["rating"]["comment"] == said["comment"]
    assert kept["rating"]["screening"]["signs"] == ["burden"]


async def test_time_moves_a_question_on_once_whoever_looks_and_tells_everybody(
    intake: Intake, harbour: Client, stranger: Client
) -> None:
    """At half of its target back to the role, at the target to the lead; the other clinic's own goes its own way."""
    await team(harbour)
    one, other = await asked(harbour), await asked(stranger)
    path = f"/v1/questions/{one['id']}"
    await harbour.do("POST", f"{path}/claim", {"clinician": "priya"})

    intake.clock.set(datetime.fromisoformat(one["triage"]["half_at"]).astimezone(UTC) + timedelta(minutes=2))

    async def whys(number: int) -> list[Any] | None:
        found = (await harbour.get(path))["handovers"]
        return [(step["to"], step["why"], step["by"]) for step in found] if len(found) >= number else None

    half = await until("half of the target", lambda: whys(2))
    assert half == [("priya", "claimed", "priya"), (None, "half_target", "rapport")]

    intake.clock.set(datetime.fromisoformat(one["triage"]["target_at"]).astimezone(UTC) + timedelta(minutes=2))
    full = await until("the target", lambda: whys(3))
    seen = await harbour.get(path)

    assert full == [*half, ("lee", "target", "rapport")]
    assert (seen["assigned_to"], seen["overdue"], seen["status"]) == ("lee", True, "open")
    assert await ids(harbour, "overdue=true") == [one["id"]]
    assert await ids(stranger, "assigned_to=lee") == []
    assert await ids(stranger, "overdue=true") == [other["id"]]
