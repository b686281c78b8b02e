"""The watch on the real platform: a round goes the way every patient's answer goes, and hears of it over the API."""

import httpx

from services.watch import Watch, WatchSettings
from services.watch.rounds import SyntheticClinic
from tests.e2e.processes import Gateway, Platform, until
from tests.providers import MailServer


async def test_the_synthetic_clinic_s_alert_goes_end_to_end_and_the_services_are_well(
    platform: Platform, mail: MailServer
) -> None:
    """Posted, assessed, alerted, handed over to the sink, closed: twice, and the audit is recent and clean."""
    headers = platform.clinic("rapport-watch").headers
    settings = WatchSettings(services=",".join(platform.urls.values()), port=0)
    async with (
        httpx.AsyncClient(transport=Gateway(platform), base_url="http://gateway", headers=headers) as gateway,
        httpx.AsyncClient() as http,
    ):
        clinic = SyntheticClinic(http=gateway, sink="watch@sink.example", within=30)
        watch = Watch(settings, clinic, http)
        first = await watch.round()

        async def well() -> bool:
            return await watch.round() == []

        await until("a round in which all is well", well, seconds=60)
        left = (await gateway.get("/v1/alerts?status=open")).json()["items"]
        reconciled = (await gateway.get("/v1/alerts/reconciliation")).json()
        load = (await gateway.get("/v1/alerts/load")).json()

    assert [reason for reason in first if reason.startswith("synthetic clinic")] == []
    assert left == []
    assert len(mail.to("watch@sink.example")) >= 2
    assert reconciled["clean"]
    assert reconciled["ends"]["closed"] >= 2
    assert load["clinicians"][0]["clinician"] == "watch"
