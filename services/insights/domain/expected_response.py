"""Expected treatment response: what a clinic's own closed episodes lead to expect of a score (docs/rules.md, 2.2).

The shape (first-score bands, a curve on the logarithm of the session, the upper bound of the 80 %
interval) is that of Delgadillo 2018; the fit is ordinary least squares where theirs is a mixed model.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from json import dumps
from math import floor, fsum, log, sqrt
from typing import Final

from services.insights.domain.instants import TOLERANCE
from services.insights.domain.words import tidy
from shared.contracts.expected_response import ExpectedStratum

UPPER_80: Final = 1.2816
"""The 90th percentile of a normal distribution: the upper bound of the two-sided 80 % interval."""
BAND: Final = 3
"""Points of first score in the narrowest band."""
LEAST: Final = 100
"""Episodes a band needs; with fewer it is pooled with its neighbours."""
_LEAST_SD: Final = 0.1

EpisodeScores = Sequence[tuple[int, float]]
"""One closed episode's valid scores of one measure in order, each with the attended sessions there had been by its day;
a score before the first session counts as session 1. The first is the one its band goes by."""


def expected(stratum: ExpectedStratum, session: int) -> float:
    """The score expected at a session, from 1; beyond the last one fitted, that one's."""
    return stratum.b0 + stratum.b1 * log(min(max(session, 1), len(stratum.sd)))


def upper(stratum: ExpectedStratum, session: int, worse: int = 1) -> float:
    """What nine in ten do no worse than at a session: the bound of the 80 % interval on the worse side."""
    sd = stratum.sd[min(max(session, 1), len(stratum.sd)) - 1]
    return expected(stratum, session) + worse * UPPER_80 * sd


def stratum_of(strata: Iterable[ExpectedStratum], first: float) -> ExpectedStratum | None:
    """The band a first score is in; None where none was fitted."""
    return next((s for s in strata if s.first_from - TOLERANCE <= first <= s.first_to + TOLERANCE), None)


def version_of(measures: Mapping[str, Sequence[ExpectedStratum]]) -> str:
    """The name of a model: a digest of its content, so that two with one name are one."""
    content = {name: [stratum.model_dump() for stratum in strata] for name, strata in sorted(measures.items())}
    return f"etr-{sha256(dumps(content, sort_keys=True).encode()).hexdigest()[:12]}"


def fit(episodes: Iterable[EpisodeScores], *, minimum: float, least: int = LEAST) -> list[ExpectedStratum]:
    """The bands of one measure, ascending; none where there are fewer than `least` episodes with two scores.

    minimum: the least total of the measure, where the first three-point bin begins. Bins are joined from below until
    each band has `least` episodes; what remains at the top joins the last.
    """
    bins: defaultdict[int, list[EpisodeScores]] = defaultdict(list)
    for episode in episodes:
        if len(episode) > 1:
            bins[floor((episode[0][1] - minimum) / BAND)].append(episode)
    if sum(map(len, bins.values())) < least:
        return []
    bands: list[tuple[int, int, list[EpisodeScores]]] = []
    begin, gathered = min(bins), list[EpisodeScores]()
    for place in range(min(bins), max(bins) + 1):
        gathered += bins.get(place, [])
        if len(gathered) >= least:
            bands.append((begin, place, gathered))
            begin, gathered = place + 1, []
    if gathered:
        first, _, known = bands.pop()
        bands.append((first, max(bins), [*known, *gathered]))
    return [_stratum(minimum + first * BAND, minimum + last * BAND + BAND - 1, known) for first, last, known in bands]


def _stratum(first_from: float, first_to: float, episodes: Sequence[EpisodeScores]) -> ExpectedStratum:
    points = [(max(session, 1), score) for episode in episodes for session, score in episode]
    x, count = [log(session) for session, _ in points], len(points)
    x_mean, y_mean = fsum(x) / count, fsum(score for _, score in points) / count
    alone = fsum((value - x_mean) ** 2 for value in x)
    together = fsum((value - x_mean) * (score - y_mean) for value, (_, score) in zip(x, points, strict=True))
    b1 = together / alone if alone > TOLERANCE else 0.0
    b0 = y_mean - b1 * x_mean
    squares: defaultdict[int, list[float]] = defaultdict(list)
    for session, score in points:
        squares[session].append((score - b0 - b1 * log(session)) ** 2)
    return ExpectedStratum(
        first_from=tidy(first_from),
        first_to=tidy(first_to),
        episodes=len(episodes),
        b0=round(b0, 6),
        b1=round(b1, 6),
        sd=[round(max(sqrt(variance), _LEAST_SD), 6) for variance in _never_falling(squares)],
    )


def _never_falling(squares: Mapping[int, Sequence[float]]) -> list[float]:
    """The residual variance at session 1, 2, ..., smoothed so that it never falls (pool adjacent violators, by n).

    People who began alike grow apart; a session that nobody has a score at takes the one before it.
    """
    blocks: list[tuple[float, int, int]] = []
    for session in range(1, max(squares) + 1):
        known = squares.get(session, ())
        mean, weight, length = (fsum(known) / len(known) if known else 0.0), len(known), 1
        if not weight and blocks:
            mean, weight, length = blocks[-1][0], 0, 1
        while blocks and blocks[-1][0] > mean - TOLERANCE:
            before, heavy, long = blocks.pop()
            total = heavy + weight
            mean = (before * heavy + mean * weight) / total if total else mean
            weight, length = total, length + long
        blocks.append((mean, weight, length))
    return [mean for mean, _, length in blocks for _ in range(length)]
