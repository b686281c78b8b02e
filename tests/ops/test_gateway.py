"""Through the gateway as it is deployed: a real Caddy with the generated routes in front of the four processes."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from deploy.native.ports import free_port
from tests.e2e.processes import Platform, check_in, until

pytestmark = pytest.mark.ops
CADDYFILE = Path(__file__).parents[2] / "deploy/gateway/Caddyfile"


@pytest.fixture(scope="module")
async def gateway(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Caddy on one port, with the upstreams' addresses from the environment."""
    folder, port = tmp_path_factory.mktemp("caddy"), free_port()
    upstreams = {f"RAPPORT_{name.upper()}_UPSTREAM": url.removeprefix("http://") for name, url in platform.urls.items()}
    environment = os.environ | upstreams | {"RAPPORT_GATEWAY_PORT": str(port), "HOME": str(folder)}
    with (folder / "log").open("wb") as log:
        command = ["caddy", "run", "--config", str(CADDYFILE), "--adapter", "caddyfile"]
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"

    async def answers() -> bool:
        assert process.poll() is None, (folder / "log").read_text()
        try:
            async with httpx.AsyncClient() as client:
                return (await client.get(f"{url}/healthz")).status_code == 200
        except httpx.HTTPError:
            return False

    try:
        await until("Caddy answers", answers)
        yield url
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, 20)


async def test_a_clinic_needs_one_address_only(gateway: str, platform: Platform) -> None:
    """Set-up, a check-in, its timeline, its assessment and the alerts, all by the gateway's origin."""
    async with platform.clinic() as clinic:
        clinic.platform = _through(gateway, platform)
        await clinic.set_up(patients=("sam",))
        accepted = await clinic.post("/v1/check-ins", check_in("sam", 5))

        async def assessed() -> bool:
            return (await clinic.ask("GET", "/v1/patients/sam/insights")).status_code == 200

        await until("an assessment", assessed)
        timeline = await clinic.get("/v1/patients/sam/timeline", after=accepted["position"])
        alerts = await clinic.get("/v1/alerts")

    assert [entry["id"] for entry in timeline["items"]] == [accepted["id"]]
    assert alerts["items"] == []


def _through(gateway: str, platform: Platform) -> Platform:
    return Platform(
        platform.bootstrap,
        platform.mongo_url,
        platform.folder,
        platform.environment,
        urls=dict.fromkeys(platform.urls, gateway),
    )


async def test_what_is_not_the_api_stays_inside(gateway: str) -> None:
    """Metrics and readiness are for operators' networks; the gateway answers a problem that says where to look."""
    async with httpx.AsyncClient() as client:
        answers = [await client.get(gateway + path) for path in ("/metrics", "/readyz", "/v1/nothing", "/")]

    assert [answer.status_code for answer in answers] == [404] * 4
    assert all(answer.headers["content-type"] == "application/problem+json" for answer in answers)
