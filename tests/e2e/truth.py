"""What must be true of a clinic, from what really stands on the topics, by the oracle; and whether it is."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tests.e2e.processes import Clinic, read_topic, until
from tests.oracle import Inputs, assess, check_alerts, check_wording, differences, telling_ever

Records = list[tuple[str, dict[str, str], Any]]
SOURCES = ("clinics", "patients", "sessions", "questions", "moods")


def inputs_of(topics: Mapping[str, Records]) -> dict[str, Inputs]:
    """Each patient's facts (each id once) and documents (the highest version of each), read without our own code."""
    clinic = _highest([value for key, _, value in topics["clinics"] if "/" not in key], "clinic").get
    found: dict[str, Inputs] = {}

    def of(value: Any) -> Inputs:
        return found.setdefault(value["patient"], Inputs(clinic=clinic(value["clinic"])))

    facts: dict[str, Any] = {}
    for topic in ("moods", "questions"):
        for _, headers, value in topics[topic]:
            if headers["ce_type"] != "rapport.intake.question.v1":
                facts.setdefault(headers["ce_id"], value | {"id": headers["ce_id"]})
    for fact in facts.values():
        of(fact).facts.append(fact)
    for patient in _highest([value for _, _, value in topics["patients"]], "patient").values():
        of(patient).patient = patient
    for session in _highest([value for _, _, value in topics["sessions"]], "session").values():
        of(session).sessions.append(session)
    handlings = [value for _, h, value in topics["questions"] if h["ce_type"] == "rapport.intake.question.v1"]
    for question in _highest(handlings, "question").values():
        of(question).questions.append(question)
    return found


def _highest(documents: list[Any], identity: str) -> dict[str, Any]:
    best: dict[str, Any] = {}
    for document in documents:
        if document["version"] >= best.get(document[identity], document)["version"]:
            best[document[identity]] = document
    return best


async def inputs(clinic: Clinic) -> dict[str, Inputs]:
    """`inputs_of` what stands on the topics now."""
    bootstrap = clinic.platform.bootstrap
    return inputs_of({topic: await read_topic(bootstrap, topic, clinic.name) for topic in SOURCES})


async def said(clinic: Clinic) -> dict[str, Any]:
    """The assessment every reader holds to be true: of each patient the highest version on the topic."""
    best: dict[str, tuple[Any, Any]] = {}
    for _, _, document in await read_topic(clinic.platform.bootstrap, "assessments", clinic.name):
        made = int(datetime.fromisoformat(document["made_at"]).timestamp() * 1_000_000)
        order = (document["epoch"], document["basis"], document["settings_version"], document["rules_version"], made)
        if document["patient"] not in best or order >= best[document["patient"]][0]:
            best[document["patient"]] = (order, document)
    return {patient: document for patient, (_, document) in best.items()}


async def agrees(clinic: Clinic, *, seconds: float = 90) -> dict[str, Any]:
    """Return the assessments when they equal the oracle's; fail with the differences."""
    found: list[str] = ["nothing was compared"]

    async def equal() -> dict[str, Any] | None:
        nonlocal found
        truth, actual, now = await inputs(clinic), await said(clinic), datetime.now(UTC)
        found = [f"{patient}: never assessed" for patient in truth.keys() - actual.keys()]
        for patient in truth.keys() & actual.keys():
            of = truth[patient]
            expected = assess(of.facts, of.patient, of.sessions, of.questions, of.clinic, now, now)
            wrong = differences(expected, actual[patient]) + check_wording(actual[patient])
            found += [f"{patient}: {line}" for line in wrong]
        return actual if truth and not found else None

    try:
        return await until("assessments equal the oracle's", equal, seconds=seconds)
    except AssertionError as error:
        raise AssertionError(f"{error}; {len(found)} differences\n" + "\n".join(found[:20])) from None


async def told(clinic: Clinic, *, seconds: float = 60) -> list[Any]:
    """Return the alerts when every piece of telling evidence was told, once, in alerts opened once."""
    wrong: list[str] = ["nothing was compared"]

    async def right() -> list[Any] | None:
        nonlocal wrong
        alerts = [value for _, _, value in await read_topic(clinic.platform.bootstrap, "alerts", clinic.name)]
        wrong, now = [], datetime.now(UTC)
        for patient, of in (await inputs(clinic)).items():
            telling = telling_ever(of.facts, of.patient, of.sessions, of.questions, of.clinic, [now])
            own = [alert for alert in alerts if alert["patient"] == patient]
            wrong += [f"{patient}: {line}" for line in check_alerts(own, telling)]
        return list(_highest(alerts, "alert").values()) if not wrong else None

    try:
        return await until("all telling evidence is told", right, seconds=seconds)
    except AssertionError as error:
        raise AssertionError(f"{error}; {len(wrong)} wrong\n" + "\n".join(wrong[:20])) from None
