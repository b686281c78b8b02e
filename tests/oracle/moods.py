"""Mood shift, in both directions, and mood instability, as docs/rules.md words them (3 to 3.2)."""

import statistics
from datetime import date, timedelta
from math import sqrt

from tests.oracle.case import Case
from tests.oracle.plain import TINY, Plain, below, day, instant
from tests.oracle.said import concern, evidence


def sample_sd(values: list[float]) -> float:
    """The sample standard deviation (n-1); 0 of a single value."""
    return statistics.stdev(values) if len(values) > 1 else 0.0


def by_days(case: Case) -> tuple[dict[date, list[Plain]], dict[date, float]]:
    """The check-ins of each observed day in order, and the day's mean mood; days ascending."""
    by_day: dict[date, list[Plain]] = {}
    for check_in in case.check_ins:
        by_day.setdefault(day(check_in["local_day"]), []).append(check_in)
    by_day = {on: by_day[on] for on in sorted(by_day)}
    return by_day, {
        on: sum(round(one["mood"] * 100) for one in of_day) / (100 * len(of_day)) for on, of_day in by_day.items()
    }


def baseline_of(observed: list[date], parameters: dict[str, float]) -> list[date]:
    """The shortest run of first days that is long enough; empty where there is none yet."""
    for count in range(1, len(observed) + 1):
        span = (observed[count - 1] - observed[0]).days + 1
        if count >= parameters["baseline_days"] and span >= parameters["baseline_span"]:
            return observed[:count]
    return []


def mood_shift(case: Case, parameters: dict[str, float]) -> Plain | None:
    """The moving average of day means below the patient's own baseline."""
    return _shift(case, parameters, "mood_shift", -1)


def mood_shift_up(case: Case, parameters: dict[str, float]) -> Plain | None:
    """The moving average of day means above the patient's own baseline."""
    return _shift(case, parameters, "mood_shift_up", 1)


def _since_renewal(observed: list[date], longest: float) -> list[date]:
    """The days behind the last gap longer than that; all of them where 0 was chosen."""
    begins = [
        observed[place]
        for place in range(1, len(observed))
        if longest and (observed[place] - observed[place - 1]).days > longest
    ]
    return [on for on in observed if not begins or on >= begins[-1]]


def _shift(case: Case, parameters: dict[str, float], rule: str, side: int) -> Plain | None:
    by_day, mean_of = by_days(case)
    observed = _since_renewal(list(by_day), parameters["renew_days"])
    baseline = baseline_of(observed, parameters)
    if not baseline:
        return None
    x = [mean_of[on] for on in baseline]
    mu = statistics.fmean(x)
    sd = max(sample_sd(x), parameters["sd_floor"])
    phi = lag_1_autocorrelation(x, mu)
    sigma = sd * sqrt((1 + phi) / (1 - phi))

    z, limit, began, variance, since_restart = mu, mu, None, 0.0, parameters["warm_up"]
    for here, on in zip(observed[len(baseline) - 1 :], observed[len(baseline) :], strict=False):
        gap = (on - here).days
        if parameters["stale_days"] and gap > parameters["stale_days"]:
            z, began, variance, since_restart, gap = mu, None, 0.0, 0, 1
        lam = parameters["lambda"]
        if parameters["gap_cap"]:
            lam = 1 - (1 - lam) ** min(gap, parameters["gap_cap"])
        z = lam * mean_of[on] + (1 - lam) * z
        variance = lam**2 + (1 - lam) ** 2 * variance
        since_restart += 1
        limit = mu + side * parameters["limit"] * sigma * sqrt(variance)
        if began is None and since_restart > parameters["warm_up"] and below(side * limit, side * z):
            began = on
        elif began is not None and not below(side * mu, side * z):
            began = None
    if began is None:
        return None

    since = instant(by_day[began][0]["occurred_at"])
    return concern(
        holds=True,
        since=since,
        numbers={
            "baseline_mean": mu,
            "baseline_sd": float(sd),
            "phi": float(phi),
            "ewma": z,
            "limit": limit,
            "latest": mean_of[observed[-1]],
        },
        telling=[
            evidence(f"{rule}:{began.isoformat()}", since, by_day[began][-1]["origin"], "working_hours"),
        ],
        chart=mood_chart(mean_of),
    )


def mood_chart(mean_of: dict[date, float]) -> Plain:
    """The last up to thirty day means."""
    points = [(on, round(mean, 4)) for on, mean in mean_of.items()][-30:]
    return {"measure": "mood", "minimum": 0, "maximum": 10, "points": points}


def lag_1_autocorrelation(x: list[float], mu: float) -> float:
    """Of successive values around mu, clamped to [0, 0.7]; 0 where nothing varies."""
    together = sum((x[i] - mu) * (x[i + 1] - mu) for i in range(len(x) - 1))
    alone = sum((value - mu) ** 2 for value in x)
    if alone < TINY:
        return 0.0
    return min(max(together / alone, 0.0), 0.7)


def successive(days: list[date], mean_of: dict[date, float]) -> list[tuple[float, float]]:
    """The values of each day and the next one, where both are among `days`."""
    return [(mean_of[on], mean_of[on + timedelta(days=1)]) for on in days if on + timedelta(days=1) in set(days)]


def rmssd(pairs: list[tuple[float, float]]) -> float:
    """The root mean square of successive differences."""
    return sqrt(statistics.fmean([(after - before) ** 2 for before, after in pairs]))


def mood_instability(case: Case, parameters: dict[str, float]) -> Plain | None:
    """Mood moves from day to day clearly more than in the baseline."""
    by_day, mean_of = by_days(case)
    observed = list(by_day)
    baseline = baseline_of(observed, parameters)
    usual_pairs = successive(baseline, mean_of)
    if not baseline or len(usual_pairs) < parameters["pairs"]:
        return None
    usual = rmssd(usual_pairs)
    since, numbers = None, {}
    for on in observed[len(baseline) :]:
        window = [one for one in observed[len(baseline) :] if on - timedelta(days=parameters["days"]) < one <= on]
        pairs = successive(window, mean_of)
        if len(pairs) < parameters["pairs"] or below(
            rmssd(pairs), parameters["factor"] * max(usual, parameters["floor"])
        ):
            since = None
            continue
        since = since or on
        numbers = {"rmssd": rmssd(pairs), "baseline_rmssd": usual, "pairs": len(pairs), "ar1": slope(pairs)}
    if since is None:
        return None
    return concern(
        holds=True,
        since=instant(by_day[since][0]["occurred_at"]),
        numbers=numbers,
        telling=[],
        chart=mood_chart(mean_of),
    )


def slope(pairs: list[tuple[float, float]]) -> float | None:
    """Least squares of a day on the day before; not below twenty pairs, nor where nothing varies."""
    before, after = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    if len(pairs) < 20 or sum((value - statistics.fmean(before)) ** 2 for value in before) < TINY:
        return None
    return statistics.linear_regression(before, after).slope
