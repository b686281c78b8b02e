"""Trends: what is described, from how much, and where there is not enough data."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from random import Random
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from services.insights.api import ROUTERS
from services.insights.domain import Standing, mood_trend, score_trend
from services.insights.domain.measures import Measure
from services.insights.domain.mood_shift import MoodDays
from services.insights.domain.trends import Trend
from services.insights.handlers import TrendReader
from shared.auth import DevelopmentIssuer, Verifier
from shared.bus import Position
from shared.contracts import Clinic
from shared.runtime import create_app
from tests.fakes import FakeClock
from tests.unit.insights import builders as b
from tests.unit.insights.memory import MemoryStore, Progress
from tests.unit.insights.world import Owner, World

TODAY = b.day(83).date()  # a Sunday, twelve weeks from Monday 1 June 2026
FIRST = b.day(0).date()
PARAMETERS = Standing(None).at(0).rules["mood_shift"]


def mood(*things: Any, today: date = TODAY, first: date = FIRST) -> Trend:
    """The trend of these check-ins."""
    return mood_trend(b.state_of(*things).mood, PARAMETERS, first=first, today=today)


def phq9(scores: dict[int, float], *, episode_from: int = 0, measure: Measure | None = Measure(0, 27)) -> Trend:
    """The trend of scores by day."""
    state = b.state_of(*(b.answers(b.day(day), score) for day, score in scores.items()))
    return score_trend("phq9", state.scores["phq9"], measure, episode_from=episode_from, first=FIRST, today=TODAY)


def test_a_weeks_mean_is_of_day_means_and_changes_from_the_week_before() -> None:
    """Two entries of one day count as one day; an empty week has no mean, and no change to or from it."""
    entries = [(0, 4), (0, 6), (1, 8), (7, 3), (21, 5), (28, 6.5)]
    found = mood(*(b.check_in(b.day(day, place / 9), value) for place, (day, value) in enumerate(entries)))

    assert [(point.day, point.mean, point.entries) for point in found.days[:2]] == [
        (b.day(0).date(), 5.0, 2),
        (b.day(1).date(), 8.0, 1),
    ]
    assert [(week.days, week.mean, week.change) for week in found.weeks[:5]] == [
        (2, 6.5, None),
        (1, 3.0, -3.5),
        (0, None, None),
        (1, 5.0, None),
        (1, 6.5, 1.5),
    ]
    assert (len(found.weeks), found.weeks[0].monday) == (12, FIRST)


def test_limits_are_those_of_the_rule_on_both_sides_and_within_the_scale() -> None:
    """Behind the baseline only, as wide as the rule's own chart; the same days give the same limits."""
    things = [b.check_in(b.day(n), 7 + (n % 2)) for n in range(80)]
    found = mood(*things)
    state = b.state_of(*things)
    assert state.mood is not None
    chart = state.mood.chart()
    chart.follow(state.mood, PARAMETERS)

    assert found.baseline is not None
    assert (found.baseline.mean, found.baseline.until) == (7.5, b.day(27).date())
    assert (len(found.limits), found.limits[0].day) == (52, b.day(28).date())
    assert found.limits[-1].lower == pytest.approx(chart.limit_at(79), abs=1e-4)
    assert found.limits[-1].upper == pytest.approx(15 - chart.limit_at(79), abs=1e-4)
    high = mood(*(b.check_in(b.day(n), 10) for n in range(80)))
    assert {point.upper for point in high.limits} == {10}
    assert (found.observed, found.of, found.said) == (80, 84, [])


def test_below_sixty_per_cent_of_days_there_are_no_limits_and_it_is_said() -> None:
    """51 of 84 days are 60.7 %, 50 are 59.5 %: entries are what they are, and nothing is filled in."""
    few = mood(*(b.check_in(b.day(n), 5) for n in [*range(30), *range(64, 84)]))
    enough = mood(*(b.check_in(b.day(n), 5) for n in [*range(30), *range(63, 84)]))

    assert ((few.observed, few.of), (enough.observed, enough.of)) == ((50, 84), (51, 84))
    assert (len(few.limits), len(enough.limits)) == (0, 23)
    assert few.said == ["Not enough data for control limits: entries in 50 of 84 days, and 60 % are needed."]
    assert few.baseline is not None


def test_with_four_days_it_says_no_more_than_that() -> None:
    """No word on how mood moves; from five days on the worked numbers of the reference, and AR1 from twenty pairs."""
    moods = [5, 6, 4, 5, 7, 3]
    four = mood(*(b.check_in(b.day(n), value) for n, value in enumerate(moods[:4])), today=b.day(5).date())
    six = mood(*(b.check_in(b.day(n), value) for n, value in enumerate(moods)), today=b.day(5).date())
    month = mood(*(b.check_in(b.day(n), moods[n % 6]) for n in range(21)), today=b.day(20).date())

    assert four.variability is None
    assert "Not enough data: 4 days with an entry, and 5 are needed to say more." in four.said
    assert six.variability is not None
    assert (six.variability.pairs, round(six.variability.rmssd or 0, 4), six.variability.ar1) == (5, 2.2804, None)
    assert any("5 pairs of adjacent days" in said for said in six.said)
    assert month.variability is not None
    assert month.variability.ar1 is not None
    assert not any("stable" in said for trend in (four, six, month) for said in trend.said)


def test_nothing_at_all_is_not_enough_data() -> None:
    """An empty trend, in words."""
    found = mood_trend(MoodDays(), None, first=FIRST, today=TODAY)

    assert (found.days, found.limits, found.observed, found.of) == ([], [], 0, 0)
    assert found.said == ["Not enough data: 0 days with an entry, and 5 are needed to say more."]


def test_a_questionnaires_limits_are_along_weeks_behind_a_baseline_of_eight() -> None:
    """Coverage counts weeks; seven weeks are no baseline; a change of a point is within limits floored at 5 %."""
    weekly = {7 * n: 12.0 + n % 2 for n in range(12)}
    found = phq9(weekly)
    seven = phq9(dict.fromkeys(range(0, 49, 7), 12.0))
    sparse = phq9(dict.fromkeys(range(-140, -70, 7), 12.0) | {0: 12.0, 77: 13.0})

    assert found.baseline is not None
    assert (found.unit, found.observed, found.of, found.baseline.mean, found.baseline.sd) == (
        "week",
        12,
        12,
        12.5,
        1.35,
    )
    assert [point.day for point in found.limits] == [b.day(7 * n).date() for n in range(8, 12)]
    # the mean, and 2.7 times the floored deviation of 1.35 times the root of (1 less .9 squared) over 19
    assert found.limits[0].upper == pytest.approx(12.8645, abs=1e-4)
    assert (seven.baseline, seven.limits) == (None, [])
    assert seven.said == ["Not enough data for a baseline: scores in 8 weeks are needed."]
    assert (sparse.limits, sparse.said) == (
        [],
        ["Not enough data for control limits: entries in 2 of 12 weeks, and 60 % are needed."],
    )


def test_scores_of_earlier_episodes_and_of_scales_no_longer_declared() -> None:
    """The present episode only; a scale nobody declares any more has its scores, and no limits."""
    later = phq9({0: 20.0, 70: 9.0, 77: 8.0}, episode_from=b.day(60).date().toordinal())
    gone = phq9({7 * n: 12.0 for n in range(12)}, measure=None)

    assert [point.mean for point in later.days] == [9.0, 8.0]
    assert (gone.minimum, gone.baseline, len(gone.days)) == (None, None, 12)


# --- the door


class Table:
    """The clinics, as the service reads them."""

    def clinic(self, clinic: str) -> Clinic | None:
        """See `Clinics`."""
        return b.clinic(b.settings(zone="Pacific/Auckland")) if clinic == b.CLINIC else None


@asynccontextmanager
async def door(world: World, clinic: str = b.CLINIC) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the real app, over a store in memory."""
    issuer = DevelopmentIssuer(environment="development", issuer="i", audience="a", clock=world.clock)
    store, progress = MemoryStore(world.data), Progress(world.clock.now())

    async def reached(position: Position) -> bool:
        return position.offset < 5

    state = {
        "verifier": Verifier(jwks=issuer.jwks(), issuer="i", audience="a", clock=world.clock),
        "pings": {},
        "trends": TrendReader(store=store, shelf=store, clinics=Table(), progress=progress, clock=world.clock),
        "reached": reached,
    }

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
        yield state

    app = create_app(service="insights", title="t", routers=ROUTERS, lifespan=lifespan)
    async with app.router.lifespan_context(app):

        async def asgi(scope: Any, receive: Any, send: Any) -> None:
            await app({**scope, "state": dict(state)}, receive, send)

        token = issuer.issue(clinic=clinic, client="t")
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(asgi), base_url="http://t", headers=headers
        ) as client:
            yield client


async def known(*things: Any) -> World:
    """A world in which all of this has been read, at noon of day 60 in UTC: day 61 has begun in Auckland."""
    world = World(Random(1), FakeClock(b.day(60, 3.5)))
    for number, thing in enumerate(things):
        world.append(b.fact_id(number), thing)
    owner = Owner(world, at_random=False)
    while await owner.batch(50):
        pass
    return world


async def test_trends_are_read_from_what_is_kept_on_the_clinics_calendar() -> None:
    """Mood first, then questionnaires by name; the last week is this one."""
    world = await known(
        b.patient(), *(b.check_in(b.day(n), 5) for n in range(50)), b.answers(b.day(55), 9), b.answers(b.day(59), 7)
    )
    async with door(world) as client:
        shown = (await client.get("/v1/patients/p1/trends?weeks=4")).json()
        wrong = await client.get("/v1/patients/p1/trends?weeks=1")

    assert (shown["today"], shown["first"]) == ("2026-08-01", "2026-07-06")
    assert [trend["measure"] for trend in shown["trends"]] == ["mood", "phq9"]
    assert [week["days"] for week in shown["trends"][0]["weeks"]] == [7, 7, 1, 0]
    assert shown["trends"][1]["weeks"][3] == {"monday": "2026-07-27", "days": 1, "mean": 7.0, "change": -2.0}
    assert shown["up_to_date"] is True
    assert (wrong.status_code, wrong.headers["content-type"]) == (422, "application/problem+json")


async def test_nobody_sees_the_trends_of_another_clinic_or_of_somebody_deleted() -> None:
    """Both are as unknown as somebody who never was."""
    world = await known(b.patient(), b.check_in(b.day(1), 5))
    deleted = await known(b.patient(), b.check_in(b.day(1), 5), b.patient(2, deleted=True))
    async with door(world, clinic="south") as client:
        elsewhere = await client.get("/v1/patients/p1/trends")
    async with door(world) as client:
        nobody = await client.get("/v1/patients/nobody/trends")
        stranger = await client.get("/v1/patients/p1/trends", headers={"Authorization": ""})
    async with door(deleted) as client:
        gone = await client.get("/v1/patients/p1/trends")

    assert [elsewhere.status_code, nobody.status_code, gone.status_code, stranger.status_code] == [404, 404, 404, 401]


def test_the_order_in_which_entries_came_changes_no_trend() -> None:
    """Shuffled, repeated, looked at in between: the same trend."""
    things = [(b.fact_id(n), b.check_in(b.day(n * 0.8), (n * 7) % 11)) for n in range(90)]
    shuffled = [*things, *things[:20]]
    Random(3).shuffle(shuffled)
    state = b.state_of(*shuffled[:50])
    b.look(state, b.day(90))
    for name, fact in shuffled[50:]:
        state.add(name, fact)

    assert mood(*things) == mood_trend(state.mood, PARAMETERS, first=FIRST, today=TODAY)
