"""Strategies over HTTP, with a log and a store in memory: recorded, drawn, logged, and withheld."""

from datetime import timedelta
from typing import Any

import jsonschema
import pytest

from services.mood.app import create_app
from services.mood.domain import LIBRARY, draw
from services.mood.settings import Settings
from shared.bus import Message
from shared.contracts import Session, StrategiesAllowed, StrategySuggested, StrategyTried
from shared.contracts.screening import Screening
from shared.contracts.sessions import Rating
from tests.fakes import Failure
from tests.unit.mood.made import NOW, Door, at, check_in_body, phq9_body
from tests.unit.mood.made_strategies import assessment, concern, question

OWN = "/v1/patients/p-1/strategies"
FOUND = Screening(crisis_language=True, signs=["wish_to_die"], screen="screen.v1")
DOCUMENT = create_app(Settings()).openapi()


def now_body(**fields: Any) -> dict[str, Any]:
    """Something that happened an hour ago."""
    return {"occurred_at": at(1)} | fields


async def say(door: Door, *concerns: Any, patient: str = "p-1", **fields: Any) -> None:
    """Insights speaks of a patient; mood has read all there is."""
    made = {"made_at": door.clock.now(), "basis": len(door.log.events) + 1}
    told = assessment(*concerns, patient=patient, **(made | fields))
    await door.log.publish([Message("insights", door.clock.now(), told)])
    await door.follow()


@pytest.fixture
async def known(door: Door) -> Door:
    """A patient who has checked in with energy, and of whom insights has nothing to say."""
    await door.check_in(check_in_body(energy=8), key="known")
    await say(door)
    return door


async def suggest(door: Door, body: Any = None, **how: Any) -> dict[str, Any]:
    answer = await door.post(f"{OWN}/suggestions", {} if body is None else body, **how)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def rated(version: int, screening: Screening | None) -> Session:
    """A session of p-1, its comment screened so."""
    answers = dict.fromkeys(Rating.model_fields.keys() - {"comment", "rated_at", "screening", "origin"}, 8)
    rating = Rating.model_validate(answers | {"rated_at": NOW, "screening": screening})
    return Session(
        clinic="harbour",
        patient="p-1",
        session="s-1",
        version=version,
        scheduled_at=NOW,
        rating=rating,
        updated_at=NOW,
    )


def logged(door: Door) -> list[StrategySuggested]:
    return [event.data for event in door.log.events if isinstance(event.data, StrategySuggested)]


@pytest.mark.parametrize(
    ("verb", "path"), [("post", "tried"), ("put", "pinned"), ("put", "allowed"), ("post", "suggestions")]
)
async def test_the_example_of_a_body_is_valid_and_accepted(known: Door, verb: str, path: str) -> None:
    """What is copied from the page works, and the answer fits its schema."""
    operation = DOCUMENT["paths"][f"/v1/patients/{{patient}}/strategies/{path}"][verb]
    body = operation["requestBody"]["content"]["application/json"]
    jsonschema.validate(body["example"], body["schema"])
    if path != "suggestions":
        known.clock.set(NOW.replace(hour=19))
    answer = await getattr(known, verb)(f"{OWN}/{path}", body["example"])
    status = "200" if path == "suggestions" else "202"
    schema = operation["responses"][status]["content"]["application/json"]["schema"]

    assert str(answer.status_code) == status, answer.text
    jsonschema.validate(answer.json(), schema | {"components": DOCUMENT["components"]})


async def test_the_library_can_be_kept_until_it_changes(door: Door) -> None:
    """ETag and 304; it is the same for everybody."""
    first = await door.get("/v1/strategies")
    headers = door.token() | {"If-None-Match": first.headers["etag"]}
    again = await door.http.get("/v1/strategies", headers=headers)

    assert [one["id"] for one in first.json()["items"]] == list(LIBRARY)
    assert (again.status_code, again.content) == (304, b"")
    assert (await door.http.get("/v1/strategies", headers=door.token() | {"If-None-Match": '"x"'})).status_code == 200


async def test_what_was_tried_is_a_fact_and_stands_on_the_timeline(known: Door) -> None:
    """Once, however often it is retried; the reason shown counts it."""
    for key in ("a", "a", "b", "c"):
        body = now_body(strategy="short_walk", before=7, after=4 if key != "c" else 8)
        answer = await known.post(f"{OWN}/tried", body, key=key)
        assert (answer.status_code, answer.json()["kind"]) == (202, "strategy_tried")
        assert answer.json()["safety"]["prominent"] is False
    await known.follow()
    timeline = (await known.get("/v1/patients/p-1/timeline?kinds=strategy_tried")).json()
    (own,) = (await known.get(OWN)).json()["tried"]

    assert len(timeline["items"]) == 3
    assert timeline["items"][0]["values"]["title"] == "A short walk"
    assert own["reason"] == "It helped you 2 of 3 times. Your distress fell by 1.7 points, on average."
    assert (own["tried"], own["rated"], own["helped"]) == (3, 3, 2)


async def test_a_try_cannot_be_recorded_of_what_is_not_in_the_library_or_out_of_range(door: Door) -> None:
    """422 naming the field, and nothing on the log."""
    wrong = [
        ({"strategy": "holding_breath"}, "/strategy"),
        ({"strategy": "short_walk", "before": 11}, "/before"),
        ({"strategy": "short_walk", "after": -1}, "/after"),
        ({"strategy": "short_walk", "occurred_at": "2099-01-01T00:00:00+00:00"}, "/occurred_at"),
        ({"strategy": "short_walk", "mood": 1}, "/mood"),
    ]
    for fields, pointer in wrong:
        answer = await door.post(f"{OWN}/tried", now_body() | fields)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
    assert door.log.events == []


async def test_pins_are_the_patients_own_two_and_come_first(known: Door) -> None:
    """To them and to their clinician; a clinician's token cannot pin, and three are refused."""
    pins = now_body(strategies=["short_walk", "grounding"])
    refusals = [
        await known.put(f"{OWN}/pinned", pins, role="therapist"),
        await known.put(f"{OWN}/pinned", now_body(strategies=["short_walk", "grounding", "reach_out"])),
        await known.put(f"{OWN}/pinned", now_body(strategies=["short_walk", "short_walk"])),
    ]
    accepted = await known.put(f"{OWN}/pinned", pins, role="patient")
    await known.follow()
    shown = [
        [pin["strategy"] for pin in (await known.get("/v1/patients/p-1/timeline", role="therapist")).json()["pinned"]],
        [pin["strategy"]["id"] for pin in (await known.get(OWN)).json()["pinned"]],
        [pin["strategy"]["id"] for pin in (await suggest(known))["pinned"]],
    ]

    assert [answer.status_code for answer in refusals] == [403, 422, 422]
    assert accepted.status_code == 202
    assert shown == [["short_walk", "grounding"]] * 3


async def test_only_a_clinician_or_the_clinics_system_says_what_may_be_suggested(known: Door) -> None:
    """And who said it stands in the fact; a patient or the office is refused."""
    body = now_body(strategies=["mindful_minute", "graded_exposure"])
    refusals = [await known.put(f"{OWN}/allowed", body, role=role) for role in ("patient", "admin", "support")]
    accepted = await known.put(f"{OWN}/allowed", body, role="therapist", client="c-7")
    await known.follow()
    said = [event.data for event in known.log.events if isinstance(event.data, StrategiesAllowed)]
    found = await suggest(known, {"most": 3})

    assert [answer.status_code for answer in refusals] == [403] * 3
    assert (accepted.status_code, said[0].by) == (202, "c-7")
    assert [one["strategy"]["id"] for one in found["suggestions"]] == ["mindful_minute"]
    assert "Your care team picked this for you." in found["suggestions"][0]["reason"]


async def test_a_suggestion_is_logged_so_that_the_same_draw_can_be_made_again(known: Door) -> None:
    """From the fact alone: seed and beliefs give every value, and the values the order."""
    await known.post(f"{OWN}/tried", now_body(strategy="short_walk", before=7, after=4), key="t")
    await known.follow()
    found = await suggest(known, {"most": 2})
    (fact,) = logged(known)
    again = {name: draw(belief, fact.seed, name) for name, belief in fact.beliefs.items()}

    assert again == fact.drawn
    assert sorted(again, key=lambda name: -again[name])[:2] == fact.strategies
    assert [one["strategy"]["id"] for one in found["suggestions"]] == fact.strategies
    assert (fact.beliefs["short_walk"].rated, fact.model) == (1, "thompson.v1")
    assert found["id"] == known.log.events[-1].id
    assert found["none_because"] is None


async def test_a_retry_is_answered_with_the_draw_that_was_logged(known: Door) -> None:
    """Before and after it was read back; another key draws anew, and not the same within 24 hours."""
    first = await suggest(known)
    at_once = await suggest(known)
    await known.follow()
    later = await suggest(known)
    other = await suggest(known, key="k-2")
    chosen = [one["suggestions"][0]["strategy"]["id"] for one in (first, at_once, later, other)]

    assert chosen[0] == chosen[1] == chosen[2] != chosen[3]
    assert first["id"] == later["id"] != other["id"]


async def test_after_all_were_suggested_nothing_fits_until_tomorrow(known: Door) -> None:
    """An empty answer, not an error; 24 hours later the first may come again."""
    await known.put(f"{OWN}/allowed", now_body(strategies=["grounding"]))
    await known.follow()
    first = await suggest(known, key="1")
    await known.follow()
    second = await suggest(known, key="2")
    known.clock.advance(timedelta(hours=24))
    third = await suggest(known, key="3")

    assert [len(one["suggestions"]) for one in (first, second, third)] == [1, 0, 1]
    assert second["none_because"] == "nothing_fits"


async def test_while_harm_is_spoken_of_people_come_first(known: Door) -> None:
    """No suggestion, no pin, no draw logged; the safety part is prominent."""
    await say(known, concern("risk_item", holds=False, telling=True))
    found = await suggest(known)

    assert (found["none_because"], found["suggestions"], found["pinned"]) == ("concern", [], [])
    assert found["safety"]["prominent"] is True
    assert found["safety"]["contacts"]
    assert logged(known) == []


async def test_a_risk_answer_counts_before_insights_has_spoken_of_it(known: Door) -> None:
    """From mood's own store."""
    await known.questionnaire(phq9_body(1, 1, 1, 1, 1, 1, 1, 1, 1), key="q")
    await known.follow()

    assert (await suggest(known))["none_because"] == "concern"


async def test_what_is_not_known_is_not_suggested_past(known: Door) -> None:
    """Nothing while the position of the latest entry is not reached, or insights has not spoken."""
    behind = await known.http.post(
        f"{OWN}/suggestions",
        headers=known.token() | {"Idempotency-Key": "k", "Wait-For-Position": "moods:0:5000"},
    )
    await known.check_in(check_in_body(patient="p-2"), key="other")
    await known.follow()
    silent = await known.post("/v1/patients/p-2/strategies/suggestions", {})
    nobody = await known.post("/v1/patients/nobody/strategies/suggestions", {})

    assert (behind.json()["none_because"], behind.headers["Projection-Behind"]) == ("not_known", "true")
    assert silent.json()["none_because"] == "not_known"
    assert nobody.status_code == 404
    assert logged(known) == []


async def test_low_energy_leaves_little_effort(door: Door) -> None:
    """The last check-in said 1 of 10."""
    await door.check_in(check_in_body(energy=1))
    await say(door)
    found = await suggest(door, {"most": 3})

    assert {one["strategy"]["effort"] for one in found["suggestions"]} == {1}
    assert {LIBRARY[name].effort for name in logged(door)[0].drawn} == {1}


async def test_energy_is_what_a_check_in_was_corrected_to(door: Door) -> None:
    """And one that was withdrawn has said nothing of it."""
    await door.check_in(check_in_body(energy=1, occurred_at=at(2)), key="first")
    right = (await door.check_in(check_in_body(energy=9), key="second")).json()["id"]
    wrong = (await door.check_in(check_in_body(energy=9, occurred_at=at(0)), key="third")).json()["id"]
    await door.post(f"/v1/check-ins/{right}/corrections", check_in_body(energy=1, occurred_at=at(0)))
    await door.post(f"/v1/entries/{wrong}/withdrawal", {"patient": "p-1", "occurred_at": at(0)})
    await say(door)
    found = await suggest(door, {"most": 3})

    assert {one["strategy"]["effort"] for one in found["suggestions"]} == {1}


@pytest.mark.parametrize("change", ["corrected away", "withdrawn", "said by correcting"])
async def test_words_of_harm_are_not_unsaid(door: Door, change: str) -> None:
    """They shut the gate though the entry counts otherwise now, before insights has spoken of them."""
    notes = ["A quiet day.", "I want to die."]
    first, second = notes if change == "said by correcting" else notes[::-1]
    entry = (await door.check_in(check_in_body(note=first))).json()["id"]
    if change == "withdrawn":
        await door.post(f"/v1/entries/{entry}/withdrawal", {"patient": "p-1", "occurred_at": at(0)})
    else:
        await door.post(f"/v1/check-ins/{entry}/corrections", check_in_body(note=second))
    await say(door)

    assert (await suggest(door))["none_because"] == "concern"


async def test_why_an_entry_was_withdrawn_counts_before_insights_has_spoken_of_it(known: Door) -> None:
    """Words of a crisis in the reason shut the gate as those in a note do."""
    why = {"patient": "p-1", "why": "I want to die", "occurred_at": at(0)}
    await known.post("/v1/entries/e-unknown/withdrawal", why, key="w")
    await known.follow()

    assert (await suggest(known))["none_because"] == "concern"


async def test_a_question_in_crisis_counts_before_insights_has_spoken_of_it(known: Door) -> None:
    """As intake's screen found it; another patient's does not."""
    asked = question(screening=FOUND, hours=0.1)
    await known.log.publish([Message(asked.id, known.clock.now(), asked.fact.model_copy(update={"patient": "p-2"}))])
    await known.follow()
    others = await suggest(known)
    await known.log.publish([Message(asked.id, known.clock.now(), asked.fact)])
    await known.follow()

    assert others["none_because"] is None
    assert (await suggest(known, key="k-2"))["none_because"] == "concern"


@pytest.mark.parametrize("order", [(1, 2), (2, 1), (2, 1, 2, 1)])
async def test_the_comment_on_a_session_counts_as_its_newest_document_has_it(
    known: Door, order: tuple[int, ...]
) -> None:
    """In any order of versions and any number of times; taken back by a later version, it counts no longer."""
    versions = {1: rated(1, None), 2: rated(2, FOUND), 3: rated(3, None)}
    await known.log.publish([Message(f"v{n}", known.clock.now(), versions[n]) for n in order])
    await known.follow()
    found = await suggest(known)
    await known.log.publish([Message("v3", known.clock.now(), versions[3])])
    await known.follow()

    assert found["none_because"] == "concern"
    assert found["safety"]["prominent"] is True
    assert (await suggest(known, key="k-2"))["none_because"] is None


async def test_without_the_broker_nothing_is_suggested_unlogged(known: Door) -> None:
    """503, to be tried again with the same key."""
    known.log.failure = Failure.AWAY

    assert (await known.post(f"{OWN}/suggestions", {})).status_code == 503


async def test_the_clinics_own_ratings_become_the_prior(known: Door) -> None:
    """Twenty patients for whom grounding made things worse, and twenty-one whom a walk helped."""
    tries = [("grounding", 5, 7, 20), ("short_walk", 8, 4, 21), ("reach_out", 8, 4, 19)]
    for strategy, before, after, patients in tries:
        for number in range(patients):
            body = now_body(strategy=strategy, before=before, after=after)
            for key in ("1", "2")[: 1 + number % 2]:
                await known.post(f"/v1/patients/o-{number}.{strategy}/strategies/tried", body, key=key)
    await known.follow()
    known.clock.advance(timedelta(minutes=6))
    await suggest(known)
    (fact,) = logged(known)

    assert {name: fact.beliefs[name].prior for name, *_ in tries} == {
        "grounding": -0.5,
        "short_walk": 1.0,
        "reach_out": 0.1,
    }


async def test_another_clinic_knows_nothing_of_it(known: Door) -> None:
    """A patient with the same id is another's."""
    await known.post(f"{OWN}/tried", now_body(strategy="short_walk", before=7, after=4))
    await known.follow()

    assert (await known.get(OWN, clinic="elsewhere")).status_code == 404
    assert sum(isinstance(event.data, StrategyTried) for event in known.log.events) == 1


async def test_a_late_retry_takes_nothing_back_that_was_said_since(known: Door) -> None:
    """Of lists and pins alike: a retry is the same fact, at its own time."""
    for path in ("allowed", "pinned"):
        early, late = now_body(strategies=["grounding"]), {"strategies": ["short_walk"], "occurred_at": at(0.5)}
        for key, body in (("1", early), ("2", late), ("1", early)):
            assert (await known.put(f"{OWN}/{path}", body, key=f"{path}{key}")).status_code == 202
            await known.follow()
            known.clock.advance(timedelta(minutes=1))
    own = (await known.get(OWN)).json()

    assert own["allowed"] == ["short_walk"]
    assert [pin["strategy"]["id"] for pin in own["pinned"]] == ["short_walk"]
