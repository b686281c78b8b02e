"""The watch: what a round does, what it says when the alert stays away, and when the heartbeat goes out."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from services.watch import Watch, WatchSettings
from services.watch.rounds import RoundFailed, SyntheticClinic

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
METRICS = 'rapport_audit_last_timestamp_seconds {last}\nrapport_audit_findings{{wrong="untold"}} {found}\n'


class Platform:
    """The gateway's side of HTTP, as far as a round asks: an alert for each risk answer, handed over if all is well."""

    def __init__(self) -> None:
        self.alerts: dict[str, dict[str, Any]] = {}
        self.asked: list[tuple[str, str]] = []
        self.opens = self.hands_over = self.answers = True

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """One request."""
        if not self.answers:
            raise httpx.ConnectError("down")
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
            items = [one for one in self.alerts.values() if one["patient"] == request.url.params["patient"]]
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
        self.platform, self.now = Platform(), NOON.timestamp()
        self.metrics = METRICS.format(last=self.now - 60, found=0)
        self.ready, self.alarms, self.beats = 200, [], 0  # type: list[dict[str, Any]] | Any
        self.settings = WatchSettings(
            heartbeat_url="http://beat", alarm_url="http://alarm", services="http://one, http://two/", **settings
        )
        gateway = httpx.AsyncClient(transport=httpx.MockTransport(self.platform), base_url="http://gateway")
        http = httpx.AsyncClient(transport=httpx.MockTransport(self._elsewhere))
        clinic = SyntheticClinic(http=gateway, sink="sink@x.example", within=0.2, now=lambda: NOON, pause=_at_once)
        self.watch = Watch(self.settings, clinic, http, now=lambda: self.now)

    def _elsewhere(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == "beat":
            self.beats += 1
        elif request.url.host == "alarm":
            self.alarms.append(json.loads(request.content))
        elif request.url.path == "/readyz":
            return httpx.Response(self.ready)
        else:
            return httpx.Response(200, text=self.metrics)
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
    world.now += 300
    wrong = await world.watch.round()

    assert [says in reason for reason in wrong] == [True]
    assert (world.beats, world.success(), world.alarms) == (1, good, [])


async def test_an_operator_is_told_by_the_watch_s_own_way_once_an_hour_while_good_rounds_stay_away() -> None:
    """After a quarter of an hour; and when it works again the heartbeat is back."""
    world = World()
    world.platform.opens = False
    for _ in range(16):
        world.now += 300
        world.metrics = METRICS.format(last=world.now, found=0)
        await world.watch.round()
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
        (200, -60, 2, "the last audit found"),
        (200, -1000, 0, "too long ago"),
        (200, None, 0, "no audit has ended yet"),
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
    with pytest.raises(RoundFailed, match="PUT clinic was answered 401"):
        await clinic.round()
