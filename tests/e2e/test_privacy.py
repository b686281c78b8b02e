"""No patient data in what the platform says about itself."""

import uuid
from datetime import UTC, datetime

import httpx

from tests.e2e.processes import Clinic, phq9, until


async def test_no_output_or_metric_holds_a_patients_id_name_or_words(clinic: Clinic) -> None:
    """Logs, metrics and access logs are grepped for seeded ids, names and texts, errors and refusals included."""
    patient, name, words = f"pt{uuid.uuid4().hex}", f"Zebedee{uuid.uuid4().hex[:8]}", f"secret{uuid.uuid4().hex}"
    await clinic.set_up()
    await clinic.put(f"/v1/patients/{patient}", {"name": name, "email": f"{name}@example.org", "clinician": "c-1"})
    await clinic.post("/v1/questionnaires", phq9(patient, 2, 2, 1, 1, 1, 1, 0, 0, 2))
    now = datetime.now(UTC).isoformat()
    asked = await clinic.post("/v1/questions", {"patient": patient, "text": words, "occurred_at": now})
    refused = await clinic.ask(
        "POST", "/v1/check-ins", {"patient": patient, "mood": 99, "note": words, "occurred_at": now}
    )
    await clinic.ask("GET", f"/v1/patients/{patient}/timeline")
    await clinic.ask("GET", f"/v1/patients/{patient}/progress")

    async def assessed() -> bool:
        answer = await clinic.ask("GET", f"/v1/patients/{patient}/insights")
        return answer.status_code == 200 and bool((await clinic.get("/v1/alerts"))["items"])

    await until("an alert", assessed)
    outputs = {path.name: path.read_text() for path in clinic.platform.folder.glob("*.log")}
    async with httpx.AsyncClient() as client:
        for service, url in clinic.platform.urls.items():
            outputs[f"{service} metrics"] = (await client.get(f"{url}/metrics")).text
    outputs["refusal"] = refused.text
    leaks = [(where, secret) for where, text in outputs.items() for secret in (patient, name, words) if secret in text]

    assert leaks == []
    assert asked["id"]
    assert refused.status_code == 422
