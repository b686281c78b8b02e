"""What is asked of trends: computed at the request, from the entries that are kept of the patient anyway."""

from dataclasses import dataclass
from datetime import date, timedelta

from services.insights.domain import PatientState, Standing, micros, mood_trend, score_trend
from services.insights.domain.ports import Clinics, Shelf, Store
from services.insights.domain.standing import Settled
from services.insights.domain.trends import Trend
from services.insights.handlers.kept import state_of
from services.insights.handlers.reading import STALE_AFTER, Progress
from shared.clock import Clock
from shared.errors import not_found


@dataclass(frozen=True, slots=True)
class Trends:
    """A patient's trends from `first` to `today` on the clinic's calendar; up_to_date: see `Seen`."""

    patient: str
    first: date
    today: date
    up_to_date: bool
    trends: list[Trend]


class TrendReader:
    """Answers for one clinic at a time: the caller's."""

    def __init__(self, *, store: Store, shelf: Shelf, clinics: Clinics, progress: Progress, clock: Clock) -> None:
        self._store, self._shelf, self._clinics = store, shelf, clinics
        self._progress, self._clock = progress, clock

    async def trends(self, clinic: str, patient: str, *, weeks: int) -> Trends:
        """Mood, then every questionnaire with a score by name, over so many ISO weeks, this one included.

        Raises Problem 404 where nothing is known of the patient, Recoverable where the store does not answer.
        """
        key = f"{clinic}/{patient}"
        remembered = (await self._store.load([key])).get(key)
        state = None if remembered is None else state_of(remembered)
        if state is None or (state.patient is not None and state.patient.deleted):
            raise not_found("patient with insights")
        now = self._clock.now()
        settled = Standing(self._clinics.clinic(clinic)).at(micros(now))
        today = settled.local(micros(now)).date()
        first = today - timedelta(days=today.weekday() + 7 * (weeks - 1))
        return Trends(patient, first, today, await self._up_to_date(key), _all(state, settled, first, today))

    async def _up_to_date(self, key: str) -> bool:
        saved = await self._shelf.assessment(key)
        if saved is None:
            return False
        reached = await self._progress.read_up_to({saved.partition})
        return saved.partition in reached and reached[saved.partition] >= self._clock.now() - STALE_AFTER


def _all(state: PatientState, settled: Settled, first: date, today: date) -> list[Trend]:
    episode_from = state.registered.episode_from if state.registered else 0
    mood = mood_trend(state.mood, settled.rules.get("mood_shift"), first=first, today=today)
    return [
        mood,
        *(
            score_trend(name, scores, settled.known.get(name), episode_from=episode_from, first=first, today=today)
            for name, scores in sorted(state.scores.items())
            if scores.has_valid
        ),
    ]
