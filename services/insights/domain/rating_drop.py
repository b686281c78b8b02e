"""Rating drop: the last session rated clearly below the ones before it (docs/rules.md, 6)."""

from bisect import bisect_left, insort
from math import sqrt
from typing import NamedTuple

from services.insights.domain.catalogue import RATING_DROP, Parameters
from services.insights.domain.instants import ORIGINS, TOLERANCE, code_of, instant_of, micros
from services.insights.domain.words import number, on_day
from shared.contracts import Session
from shared.contracts.assessments import Chart, Concern, Telling

_CHART_RATINGS = 12


class Rated(NamedTuple):
    """One rating: when, of which session, the sum of its five answers (0 to 50), how it came."""

    at: int
    session: str
    total: int
    origin: int

    @property
    def mean(self) -> float:
        """The mean of the five answers."""
        return self.total / 5


class Ratings:
    """The ratings of a patient's sessions in order of (`rated_at`, session id); sums are whole, hence exact."""

    __slots__ = ("_squares", "_total", "known", "rated")

    def __init__(self) -> None:
        self.known: dict[str, tuple[int, Rated | None]] = {}
        self.rated: list[Rated] = []
        self._total = 0
        self._squares = 0

    def apply(self, session: Session) -> bool:
        """Take in a session's document; whether it was newer than what is known."""
        version, before = self.known.get(session.session, (0, None))
        if session.version <= version:
            return False
        rating = None if session.deleted else session.rating
        after = None
        if rating is not None:
            answers = round(rating.mean * 5)
            after = Rated(micros(rating.rated_at), session.session, answers, code_of(rating.origin))
        self.known[session.session] = (session.version, after)
        if before is not None:
            del self.rated[bisect_left(self.rated, before)]
            self._total -= before.total
            self._squares -= before.total**2
        if after is not None:
            insort(self.rated, after)
            self._total += after.total
            self._squares += after.total**2
        return True

    def earlier(self) -> tuple[float, float]:
        """Mean and sample standard deviation (0 of a single one) of all ratings but the last."""
        count, last = len(self.rated) - 1, self.rated[-1].total
        total, squares = self._total - last, self._squares - last * last
        return total / (5 * count), sqrt((count * squares - total * total) / (count * max(count - 1, 1))) / 5


def _falls_twice(rated: list[Rated]) -> bool:
    return len(rated) > 2 and rated[-1].total < rated[-2].total < rated[-3].total


def concern(ratings: Ratings, parameters: Parameters) -> Concern | None:
    """What the rule says; None where the last rating is within the usual."""
    rated = ratings.rated
    if len(rated) - 1 < parameters["earlier"]:
        return None
    latest, previous = rated[-1], rated[-2]
    mean, deviation = ratings.earlier()
    fell = previous.mean - latest.mean >= max(deviation, parameters["min_drop"]) - TOLERANCE
    low = latest.mean < mean - parameters["sd_factor"] * deviation - TOLERANCE
    if not (fell or low or _falls_twice(rated)):
        return None
    since = instant_of(latest.at)
    said = (
        f"The session rated on {on_day(since.date())} was rated {number(latest.mean, 1)} out of 10, after "
        f"{number(previous.mean, 1)} for the one before (mean of the earlier {len(rated) - 1}: {number(mean, 1)})."
    )
    return Concern(
        rule=RATING_DROP.name,
        holds=True,
        since=since,
        reason=f"{said} Ask how sessions feel.",
        until=RATING_DROP.until,
        source=RATING_DROP.source,
        parameters=dict(parameters),
        numbers={
            "latest": round(latest.mean, 4),
            "previous": round(previous.mean, 4),
            "earlier_mean": round(mean, 4),
            "earlier_sd": round(deviation, 4),
        },
        telling=[
            Telling(
                id=f"rating:{latest.session}",
                at=since,
                origin=ORIGINS[latest.origin],
                urgency=RATING_DROP.urgency,
                said=said,
            )
        ],
        chart=Chart(
            measure="rating",
            minimum=0,
            maximum=10,
            points=[(instant_of(r.at).date(), round(r.mean, 4)) for r in rated[-_CHART_RATINGS:]],
        ),
    )
