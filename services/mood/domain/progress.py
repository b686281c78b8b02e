"""How somebody is doing, in numbers and in plain, kind words: never a diagnosis, and never that anybody is failing."""

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from services.mood.domain.instruments import INSTRUMENTS, Instrument
from services.mood.domain.timeline import Recorded
from shared.contracts import CheckInRecorded, QuestionnaireCompleted
from shared.contracts.base import Number

ENOUGH: Final = 5
"""Check-ins from which on anything is said of how moods change."""
NOTHING_YET: Final = "When you check in, you will see it here. There is no right number of check-ins."
HARDER: Final = "This has been a harder time. Your care team can see this too."


class Part(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True)


class Week(Part):
    """An ISO week, Monday to Sunday, by the patient's local days."""

    week: str = Field(description="ISO week, as in 2026-W48.")
    first_day: date
    last_day: date
    entries: int = Field(description="Check-ins, questionnaires and questions.")
    check_ins: int
    days_observed: int = Field(description="Days with a check-in, 0 to 7.")
    mean_mood: float | None = Field(
        description="Mean of the check-ins' moods, 0 worst to 10 best, two decimals; null without any."
    )
    enough_data: bool = Field(description="Whether there are at least 5 check-ins.")


class Score(Part):
    """A valid total, on its local day."""

    score: Number
    day: date


class Direction(StrEnum):
    """What a difference between two scores says: better or harder only where it is more than chance."""

    BETTER = "better"
    HARDER = "harder"
    NO_CLEAR_CHANGE = "no_clear_change"
    ONE_SCORE_SO_FAR = "one_score_so_far"


class Change(Part):
    """First and latest valid score of a questionnaire since the start. Lower is better."""

    instrument: str
    first: Score
    latest: Score
    difference: Number = Field(description="Latest less first; below 0 is better.")
    reliable_change: int = Field(description="A difference this large is more than chance (NHS Talking Therapies).")
    change: Direction
    in_words: str


class SinceStart(Part):
    """Since the first entry, or since the present episode of care began where the clinic says when."""

    first_day: date | None = Field(description="The first local day that counts; null without any entry.")
    entries: int
    check_ins: int
    days_observed: int = Field(description="Days with a check-in.")
    days: int = Field(description="Days from the first that counts to today, both included.")
    coverage: float = Field(description="Share of those days with a check-in, 0 to 1, two decimals.")
    scores: list[Change] = Field(description="PHQ-9 and GAD-7, where there is a valid score.")


class Progress(Part):
    """This week and last, and since the start. Not a diagnosis."""

    today: date = Field(description="Today in the patient's zone, or the clinic's where the patient has none.")
    this_week: Week
    last_week: Week
    since_start: SinceStart
    enough_data: bool = Field(description="Whether there are at least 5 check-ins since the start.")
    in_words: list[str] = Field(description="The same in plain sentences, to be shown as they are.")


def progress_of(entries: Sequence[Recorded], *, today: date, episode_started_on: date | None) -> Progress:
    """The progress of one patient, from all their entries in any order."""
    monday = today - timedelta(days=today.weekday())
    this_week, last_week = _week(entries, monday), _week(entries, monday - timedelta(days=7))
    counted = [entry for entry in entries if episode_started_on is None or entry.fact.local_day >= episode_started_on]
    start = _since_start(counted, today, episode_started_on)
    return Progress(
        today=today,
        this_week=this_week,
        last_week=last_week,
        since_start=start,
        enough_data=start.check_ins >= ENOUGH,
        in_words=_sentences(this_week, last_week, start),
    )


def _week(entries: Sequence[Recorded], monday: date) -> Week:
    sunday = monday + timedelta(days=6)
    within = [entry for entry in entries if monday <= entry.fact.local_day <= sunday]
    check_ins = _check_ins(within)
    year, number, _ = monday.isocalendar()
    return Week(
        week=f"{year}-W{number:02}",
        first_day=monday,
        last_day=sunday,
        entries=len(within),
        check_ins=len(check_ins),
        days_observed=len({check_in.local_day for check_in in check_ins}),
        mean_mood=_mean_mood(check_ins),
        enough_data=len(check_ins) >= ENOUGH,
    )


def _check_ins(entries: Sequence[Recorded]) -> list[CheckInRecorded]:
    return [entry.fact for entry in entries if isinstance(entry.fact, CheckInRecorded)]


def _mean_mood(check_ins: Collection[CheckInRecorded]) -> float | None:
    """Summed in whole hundredths, so that the order of entries cannot show."""
    if not check_ins:
        return None
    return round(sum(round(check_in.mood * 100) for check_in in check_ins) / len(check_ins) / 100, 2)


def _since_start(entries: Sequence[Recorded], today: date, episode_started_on: date | None) -> SinceStart:
    check_ins = _check_ins(entries)
    first = episode_started_on or min((entry.fact.local_day for entry in entries), default=None)
    observed = len({check_in.local_day for check_in in check_ins})
    days = 0 if first is None else max(0, (today - first).days + 1)
    changes = [_change(entries, instrument) for instrument in INSTRUMENTS.values()]
    return SinceStart(
        first_day=first,
        entries=len(entries),
        check_ins=len(check_ins),
        days_observed=observed,
        days=days,
        coverage=min(1.0, round(observed / days, 2)) if days else 0.0,
        scores=[change for change in changes if change is not None],
    )


def _change(entries: Sequence[Recorded], instrument: Instrument) -> Change | None:
    """First and latest valid score, ordered as the rules order facts: by instant, then id."""
    scores = [
        Score(score=entry.fact.score, day=entry.fact.local_day)
        for entry in sorted(entries, key=lambda entry: entry.place)
        if isinstance(entry.fact, QuestionnaireCompleted)
        and entry.fact.instrument == instrument.name
        and entry.fact.score is not None
    ]
    if not scores or instrument.reliable_change is None:
        return None
    first, latest = scores[0], scores[-1]
    difference = latest.score - first.score
    if len(scores) == 1:
        direction = Direction.ONE_SCORE_SO_FAR
    elif abs(difference) < instrument.reliable_change:
        direction = Direction.NO_CLEAR_CHANGE
    else:
        direction = Direction.BETTER if difference < 0 else Direction.HARDER
    return Change(
        instrument=instrument.name,
        first=first,
        latest=latest,
        difference=difference,
        reliable_change=instrument.reliable_change,
        change=direction,
        in_words=_change_in_words(instrument.title, first, latest, direction, instrument.reliable_change),
    )


def _change_in_words(title: str, first: Score, latest: Score, direction: Direction, reliable: int) -> str:
    if direction is Direction.ONE_SCORE_SO_FAR:
        return f"There is one {title} score so far: {first.score}. A second one will show whether things change."
    compared = f"Your {title} score was {first.score} at the start and is {latest.score} now (lower is better)."
    if direction is Direction.NO_CLEAR_CHANGE:
        return f"{compared} A difference of less than {reliable} points can be chance."
    more = f"A change of {reliable} points or more is more than chance."
    return f"{compared} {more} {HARDER}" if direction is Direction.HARDER else f"{compared} {more}"


def _sentences(this_week: Week, last_week: Week, start: SinceStart) -> list[str]:
    said = []
    if start.entries == 0 and this_week.entries == last_week.entries == 0:
        return [NOTHING_YET]
    if start.check_ins < ENOUGH:
        said.append(
            f"There is not enough data yet to say how your mood is changing: {_times(start.check_ins)} so far, and "
            f"from {ENOUGH} on we can say more. There is no right number of check-ins."
        )
    elif this_week.enough_data and last_week.enough_data:
        said.append(
            f"Your mood was {this_week.mean_mood:g} on average this week and {last_week.mean_mood:g} last week "
            "(0 worst to 10 best)."
        )
    else:
        said.append(
            f"{_times(this_week.check_ins)} this week and {_times(last_week.check_ins)} last week: that is not enough "
            "data to compare the two."
        )
    return said + [change.in_words for change in start.scores]


def _times(check_ins: int) -> str:
    return f"{check_ins} check-in" if check_ins == 1 else f"{check_ins} check-ins"
