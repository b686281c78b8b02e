"""The watch: what a round does, what it says when the alert stays away, and when the heartbeat goes out."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.watch import Watch, WatchSettings
from services.watch.rounds import SYNTHETIC, RoundFailed, SyntheticClinic

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
METRICS = 'rapport_audit_last_timestamp_seconds {last}\nrapport_audit_findings{{wrong="untold"}} {found}\n'
DRIPS = "drips"


async def _drops() -> AsyncIterator[bytes]:
    """An answer without an end."""
    while True:
        await asyncio.sleep(0.01)
        yield b" "


class Platform:
    """The gateway's side of HTTP, as far as a round asks: an alert for each risk answer, handed over if all is well."""

    def __init__(self) -> None:
        self.alerts: dict[str, dict[str, Any]] = {}
        self.asked: list[tuple[str, str]] = []
        self.opens = self.hands_over = self.answers = True
        self.page, self.token, self.instead, self.drips = 50, "", "", False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """One request."""
        if not self.answers:
            raise httpx.ConnectError("down")
        if self.drips:
            return httpx.Response(200, content=_drops())
        if self.instead:
            return httpx.Response(200, text=self.instead)
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            return httpx.Response(401, json={})
        path = request.url.path
        self.asked.append((request.method, path))
        body = json.loads(request.content) if request.content else {}
        if path == "/v1/questionnaires":
            assert body["items"]["9"] >= 2
            assert request.headers["Idempotency-Key"]
            if self.opens:
                alert = f"a{len(self.alerts)}"
                self.alerts[alert] = {"alert": alert, "rule": "risk_item", "patient": body["patient"]}
        elif path == "/v1/alerts":
            assert request.url.params["status"] == "open"
            patient = request.url.params.get("patient")
            items = [one for one in self.alerts.values() if patient in (None, one["patient"])][: self.page]
            return httpx.Response(200, json={"items": items})
        elif path.endswith("/close"):
            del self.alerts[path.split("/")[3]]
        elif path.startswith("/v1/alerts/"):
            what = "accepted_by_provider" if self.hands_over else "queued"
            return httpx.Response(200, json={"life": [{"what": what}]})
        return httpx.Response(200, json={})


class World:
    """The platform, the operator's webhook, the heartbeat, and the time."""

    def __init__(self, **settings: Any) -> None:
        self.platform, self.now, self.elapsed, self.day = Platform(), NOON.timestamp(), 0.0, NOON
        self.metrics = METRICS.format(last=self.now - 60, found=0)
        self.ready, self.beats, self.takes_alarms = 200, 0, True
        self.alarms: list[dict[str, Any]] = []
        self.tried: list[float] = []
        self.pages: dict[str, str] = {}
        self.settings = WatchSettings(
            heartbeat_url="http://beat", alarm_url="http://alarm", services="http://one:1, http://two:2/", **settings
        )
        gateway = httpx.AsyncClient(transport=httpx.MockTransport(self.platform), base_url="http://gateway")
        http = httpx.AsyncClient(transport=httpx.MockTransport(self._elsewhere))
        clinic = SyntheticClinic(
            http=gateway,
            sink="sink@x.example",
            within=0.05,
            token=self.settings.present_token,
            now=lambda: self.day,
            pause=_at_once,
        )
        self.watch = Watch(self.settings, clinic, http, now=lambda: self.now, elapsed=lambda: self.elapsed)

    async def later(self, rounds: int = 1, found: int = 0) -> list[str]:
        """So many rounds, each five minutes later, with audits that go on; what was wrong in the last."""
        wrong: list[str] = []
        for _ in range(rounds):
            self.now += 300
            self.elapsed += 300
            self.metrics = METRICS.format(last=self.now - 60, found=found)
            wrong = await self.watch.round()
        return wrong

    def _elsewhere(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == "beat":
            self.beats += 1
        elif request.url.host == "alarm":
            self.tried.append(self.elapsed)
            if not self.takes_alarms:
                return httpx.Response(503)
            self.alarms.append(json.loads(request.content))
        elif request.url.path == "/readyz":
            return httpx.Response(self.ready)
        elif self.pages.get(request.url.host) == DRIPS:
            return httpx.Response(200, content=_drops())
        else:
            return httpx.Response(200, text=self.pages.get(request.url.host, self.metrics))
        return httpx.Response(204)

    def success(self) -> float | None:
        """When the last good round was, as Prometheus sees it."""
        return self.watch.registry.get_sample_value("rapport_watch_last_success_timestamp_seconds")


async def _at_once(_: float) -> None:
    return


async def test_a_good_round_makes_an_alert_end_to_end_closes_it_and_beats() -> None:
    """By the ordinary path: clinic, clinician, patient, questionnaire, alert, trail, close."""
    world = World()

    assert await world.watch.round() == []
    assert world.platform.alerts == {}
    assert ("POST", "/v1/questionnaires") in world.platform.asked
    assert (world.beats, world.success(), world.alarms) == (1, world.now, [])


async def test_the_second_round_of_a_day_sets_nothing_up_again() -> None:
    """It only asks and tells."""
    world = World()
    await world.watch.round()
    world.platform.asked.clear()
    await world.watch.round()

    assert [method for method, _ in world.platform.asked if method == "PUT"] == []
    assert world.beats == 2


def _no_alert(platform: Platform) -> None:
    platform.opens = False


def _not_handed_over(platform: Platform) -> None:
    platform.hands_over = False


def _down(platform: Platform) -> None:
    platform.answers = False


@pytest.mark.parametrize(
    ("breaks", "says"),
    [(_no_alert, "no alert was opened"), (_not_handed_over, "not handed over"), (_down, "did not answer")],
)
async def test_a_round_that_fails_says_where_it_got_stuck_and_holds_the_heartbeat_back(
    breaks: Callable[[Platform], None], says: str
) -> None:
    """The metric stays where it was, and its age pages."""
    world = World()
    await world.watch.round()
    good = world.success()
    breaks(world.platform)
    wrong = await world.later()

    assert [says in reason for reason in wrong] == [True]
    assert (world.beats, world.success(), world.alarms) == (1, good, [])


async def test_an_operator_is_told_by_the_watch_s_own_way_once_an_hour_while_good_rounds_stay_away() -> None:
    """After a quarter of an hour; and when it works again the heartbeat is back."""
    world = World()
    world.platform.opens = False
    await world.later(16)
    alarms = len(world.alarms)
    world.platform.opens = True
    world.platform.alerts.clear()
    await world.watch.round()

    assert alarms == 2
    assert "no alert was opened" in world.alarms[0]["reasons"][0]
    assert world.beats == 1


@pytest.mark.parametrize(
    ("ready", "last", "found", "says"),
    [
        (503, -60, 0, "not ready"),
        (200, -60, 2, "found something"),
        (200, -1000, 0, "too long ago"),
        (200, None, 0, "has not ended yet, at no service"),
    ],
)
async def test_the_heartbeat_waits_for_every_service_and_for_a_recent_clean_audit(
    ready: int, last: float | None, found: int, says: str
) -> None:
    """A good round alone is not enough."""
    world = World()
    world.ready = ready
    world.metrics = METRICS.format(last=0 if last is None else world.now + last, found=found)
    wrong = await world.watch.round()

    assert says in wrong[0]
    assert world.beats == 0


async def test_what_a_failed_round_left_open_is_closed_by_the_next() -> None:
    """So that the next alert is its own, and the synthetic clinic never escalates for long."""
    world = World()
    world.platform.hands_over = False
    await world.watch.round()
    left = len(world.platform.alerts)
    world.platform.hands_over = True
    await world.watch.round()

    assert (left, world.platform.alerts) == (1, {})


async def test_a_refusal_names_the_path_and_the_status_and_nothing_else() -> None:
    """There is nothing of anybody in it, and it says where to look."""
    gateway = httpx.MockTransport(lambda _: httpx.Response(401, json={}))
    clinic = SyntheticClinic(
        http=httpx.AsyncClient(transport=gateway, base_url="http://gateway"), sink="s@x.example", within=1
    )
    with pytest.raises(RoundFailed, match=r"PUT clinic was answered 401: the watch's token was refused.*TOKEN_FILE"):
        await clinic.round()


async def test_a_gateway_that_answers_html_is_a_reason_and_alarms() -> None:
    """A maintenance page in the way is no answer, however well it says 200."""
    world = World()
    world.platform.instead = "<html>Maintenance</html>"
    wrong = await world.later(4)

    assert ["no JSON" in reason for reason in wrong] == [True]
    assert len(world.alarms) == 1


async def test_an_answer_nobody_foresaw_is_a_reason_and_alarms() -> None:
    """JSON that is not the platform's."""
    world = World()
    world.platform.instead = "[1]"
    wrong = await world.later(4)

    assert ["lacks what it should hold" in reason for reason in wrong] == [True]
    assert len(world.alarms) == 1


async def test_metrics_that_cannot_be_read_hide_neither_the_round_s_reason_nor_the_other_service() -> None:
    """A proxy's page instead of one service's metrics."""
    world = World()
    world.platform.opens = False
    world.pages["one"] = "<html>502 Bad gateway</html>"
    wrong = await world.later(4)

    assert ["no alert was opened" in wrong[0], wrong[1:]] == [True, ["one:1 answers what cannot be read"]]
    assert len(world.alarms) == 2  # the service after three rounds, the round after a quarter of an hour


async def test_a_platform_that_never_ends_an_answer_is_a_reason_and_alarms(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes that go on dripping in keep every time-out of a connection off, and must not keep the alarm back."""
    monkeypatch.setattr("services.watch.run.PATIENCE", -0.95)
    monkeypatch.setattr("services.watch.checks.PATIENCE", 0.05)
    world = World(within_seconds=1)
    world.platform.drips, world.pages["one"] = True, DRIPS
    wrong = await world.later(4)

    assert wrong == ["synthetic clinic: the gateway's answers did not come to an end", "one:1 does not answer"]
    assert len(world.alarms) == 2


async def test_an_alarm_that_nobody_took_is_tried_again_at_the_next_round() -> None:
    """Until somebody has it; from then on once an hour."""
    world = World()
    world.platform.opens, world.takes_alarms = False, False
    await world.later(6)
    world.takes_alarms = True
    await world.later(12)

    assert world.tried == [1200, 1500, 1800, 2100]
    assert len(world.alarms) == 1


async def test_a_clock_that_is_set_back_does_not_put_the_alarm_off() -> None:
    """Lateness is measured, not read off a clock somebody can set."""
    world = World()
    await world.watch.round()
    world.platform.opens = False
    world.now -= 86_400
    await world.later(4)

    assert len(world.alarms) == 1


async def test_a_service_that_stays_unready_alarms_though_alerts_arrive() -> None:
    """After three rounds in a row, by its name; one bad look is none."""
    world = World()
    world.ready = 503
    await world.later(2)
    world.ready = 200
    await world.later(1)
    world.ready = 503
    await world.later(2)
    before = len(world.alarms)
    await world.later(1)

    assert (before, len(world.alarms)) == (0, 1)
    assert world.alarms[0]["reasons"] == ["one:1 is not ready", "two:2 is not ready"]


async def test_what_was_told_does_not_keep_back_what_comes_on_top() -> None:
    """The audit finds the same thing for ever; then no alert arrives any more, and that is told within its time."""
    world = World()
    await world.later(3, found=1)
    first = len(world.alarms)
    world.platform.opens = False
    await world.later(4, found=1)

    assert (first, len(world.alarms)) == (1, 2)
    assert "no alert was opened" in world.alarms[1]["reasons"][0]


async def test_the_oldest_audit_counts_and_one_that_never_ended_too() -> None:
    """Each replica audits its own patients only, so another's fresh audit says nothing about these."""
    world = World()
    fresh = METRICS.format(last=world.now - 60, found=0)
    world.pages = {"one": METRICS.format(last=world.now - 7200, found=0), "two": fresh}
    old = await world.watch.round()
    world.pages["one"] = METRICS.format(last=0, found=0) + 'rapport_alerts_overdue{urgency="at_once"} 0\n'
    never = await world.watch.round()
    world.pages["one"] = METRICS.format(last=0, found=0)  # a service that audits nothing shows 0
    well = await world.watch.round()

    assert old == ["the audit of one:1 ended too long ago"]
    assert never == ["the audit of one:1 has not ended yet"]
    assert well == []


async def test_the_token_is_read_from_its_file_for_each_round(tmp_path: Path) -> None:
    """Tokens expire: the next one is taken without a restart, and a refused or missing one is said to be that."""
    file = tmp_path / "token"
    world = World(token_file=str(file), token="never")
    missing = await world.watch.round()
    world.platform.token = "second"
    file.write_text("first\n")
    refused = await world.watch.round()
    file.write_text("second\n")
    well = await world.watch.round()

    assert missing == ["synthetic clinic: the watch's token cannot be read: FileNotFoundError"]
    assert ["token was refused" in reason for reason in refused] == [True]
    assert well == []


async def test_what_was_left_open_on_another_day_is_closed_and_nothing_of_anybody_else_s() -> None:
    """However many pages; with a clinic's token by mistake no patient's alert is touched."""
    world = World()
    world.platform.page = 2
    world.platform.alerts["theirs"] = {"alert": "theirs", "rule": "risk_item", "patient": "sam"}
    await world.watch.round()
    for number in range(5):
        left = {"alert": f"left{number}", "rule": "gone_quiet", "patient": f"{SYNTHETIC}2026-11-0{number}"}
        world.platform.alerts = {f"left{number}": left, **world.platform.alerts}
    world.day += timedelta(days=1)

    assert await world.watch.round() == []
    assert list(world.platform.alerts) == ["theirs"]
