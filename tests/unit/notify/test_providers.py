"""Which provider takes a message: weight, points, the breaker, and never nobody."""

from collections import Counter
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from services.notify.domain import Breaker, Health, answered, breaker, choose, failed, points, probing
from tests.unit.notify.made import MONDAY

WEIGHTS = {"a": 3, "b": 1}
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def after(failures: int, now: datetime = MONDAY) -> Health:
    """A provider that failed so often in a row."""
    health = Health()
    for _ in range(failures):
        health = failed(health, now)
    return health


def lots(healths: dict[str, Health], now: datetime = MONDAY, tried: tuple[str, ...] = ()) -> Counter[str]:
    """Whom a thousand messages go to."""
    chosen = (choose(WEIGHTS, healths, tried=tried, seed=str(n), now=now).name for n in range(1000))
    return Counter(chosen)


def test_messages_are_shared_by_weight_and_the_same_leg_draws_the_same_lot() -> None:
    """Three to one, near enough in a thousand."""
    assert 700 <= lots({})["a"] <= 800
    assert lots({}) == lots({})


def test_a_provider_with_fewer_points_gets_fewer_messages_and_gets_them_back() -> None:
    """Two failures cost 20 points; 10 come back every 15 minutes, to 100 and no further."""
    weak = after(2)

    assert [points(weak, MONDAY + n * 15 * MINUTE) for n in range(4)] == [80, 90, 100, 100]
    assert lots({"a": weak})["a"] < lots({})["a"]


def test_the_breaker_opens_after_three_failures_and_rests_longer_each_time() -> None:
    """30 s, a minute, two, at most ten; one that answers closes it."""
    health, rests = after(3), []
    now = MONDAY
    for _ in range(7):
        assert health.open_until is not None
        rests.append((health.open_until - now).total_seconds())
        now = health.open_until
        assert breaker(health, now) is Breaker.HALF_OPEN
        health = failed(health, now)

    assert rests == [30, 60, 120, 240, 480, 600, 600]
    assert breaker(after(2), MONDAY) is Breaker.CLOSED
    assert breaker(answered(health), now) is Breaker.CLOSED


def test_while_one_message_tries_a_provider_no_other_does() -> None:
    """Half open lets one in; the rest go elsewhere until it has an answer."""
    later = MONDAY + 31 * SECOND
    trying = probing(after(3), later)

    assert lots({"a": trying}, later) == {"b": 1000}
    assert probing(Health(), later) == Health()


def test_a_provider_that_asked_for_a_pause_has_it() -> None:
    """Retry-After of a minute: nothing for a minute."""
    paused = failed(Health(), MONDAY, MINUTE)

    assert lots({"a": paused}, MONDAY + 59 * SECOND) == {"b": 1000}
    assert lots({"a": paused}, MONDAY + 61 * SECOND)["a"] > 0


HEALTHS = st.builds(
    Health,
    points=st.integers(0, 100),
    reckoned_at=st.just(MONDAY),
    failures=st.integers(0, 9),
    open_until=st.none() | st.just(MONDAY + MINUTE) | st.just(MONDAY - MINUTE),
    wait_until=st.none() | st.just(MONDAY + MINUTE),
)


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from("abc"), st.tuples(st.integers(1, 100), HEALTHS), min_size=1),
    st.lists(st.sampled_from("abc"), max_size=6),
    st.text(),
)
def test_somebody_always_takes_it_and_never_the_one_just_tried_where_another_is_well(
    providers: dict[str, tuple[int, Health]], tried: list[str], seed: str
) -> None:
    """However badly all of them do; and `another` says truly whether one is left for the next try."""
    weights = {name: weight for name, (weight, _) in providers.items()}
    healths = {name: health for name, (_, health) in providers.items()}
    choice = choose(weights, healths, tried=tried, seed=seed, now=MONDAY)
    turn = tried[len(tried) - len(tried) % len(weights) :]
    well = {
        name
        for name, health in healths.items()
        if breaker(health, MONDAY) is not Breaker.OPEN and not (health.wait_until and health.wait_until > MONDAY)
    }

    assert choice.name in weights
    assert choice.name in well or not well
    assert choice.name not in turn or not well - set(turn)
    assert choice.another == bool(well - set(turn) - {choice.name}) if well else not choice.another
