"""How somebody is doing, in numbers and in plain, kind words: never a diagnosis, and never that anybody is failing."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from services.mood.domain.instruments import INSTRUMENTS, Instrument
from services.mood.domain.strategies import CAVEAT, LIBRARY, Coping, Tally, helped_often
from services.mood.domain.timeline import Recorded
from shared.contracts import CheckInRecorded, QuestionnaireCompleted
from shared.contracts.base import Number

ENOUGH: Final = 5
"""Check-ins from which on anything is said of how moods change."""
MOST_HELPFUL: Final = 3
"""Strategies named as what helped."""
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
    entries: int = Field(description="Check-ins, questionnaires, questions and strategies tried.")
    check_ins: int
    days_observed: int = Field(description="Days with a check-in, 0 to 7.")
    days: int = Field(description="Days of the week up to today, both included; 7 of a past one.")
    coverage: float = Field(description="Share of those days with a check-in, 0 to 1, two decimals.")
    mean_mood: float | None = Field(
        description="Mean of the check-ins' moods, 0 worst to 10 best, two decimals; null without any."
    )
    enough_data: bool = Field(description="Whether there are at least 5 check-ins.")


class Score(Part):
    """A valid total, on its local day. Estimated totals are none."""

    score: Number
    day: date
    band: str | None = Field(description="The published severity band; null where none is confirmed.")
    case: bool | None = Field(description="Whether it is at the cut-off or beyond; null where no cut-off is known.")


class Direction(StrEnum):
    """What a difference between two scores says: better or harder only where it is known to be more than chance."""

    BETTER = "better"
    HARDER = "harder"
    NO_CLEAR_CHANGE = "no_clear_change"
    ONE_SCORE_SO_FAR = "one_score_so_far"
    NOT_KNOWN = "not_known"


class Threshold(Part):
    """A number scores are compared with, and who says so."""

    value: Number
    source: str


class Range(Part):
    """The lowest and the highest total there can be."""

    minimum: Number
    maximum: Number


class Change(Part):
    """First and latest valid score of one instrument since the start. Variants of a measure are never mixed."""

    instrument: str
    title: str
    range: Range
    higher_is_worse: bool
    first: Score
    latest: Score
    difference: Number = Field(description="Latest less first; below 0 is better where higher is worse.")
    reliable_change: Number | None = Field(
        description="A difference this large is more than chance; null where none is confirmed."
    )
    reliable_change_source: str | None
    caseness: Threshold | None = Field(description="The cut-off `case` is told by; null where none is confirmed.")
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
    scores: list[Change] = Field(description="Each instrument with a valid score, by itself; the published ones first.")


class Helped(Part):
    """A coping strategy the patient tried, in numbers. Hard feelings often ease by themselves: no effect is shown."""

    strategy: str
    title: str
    tried: int
    rated: int = Field(description="How often distress was told before and after.")
    helped: int = Field(description="Of these, how often it was lower after.")
    mean_fall: float | None = Field(description="By how much distress (0 to 10) fell on average; null without ratings.")


class Words(Part):
    """Plain sentences for the patient, to be shown as they are."""

    weeks: list[str] = Field(description="This week and last.")
    since_start: list[str]
    what_helped: list[str]


class Progress(Part):
    """This week and last, and since the start. Not a diagnosis."""

    today: date = Field(description="Today in the patient's zone, or the clinic's where the patient has none.")
    this_week: Week
    last_week: Week
    since_start: SinceStart
    enough_data: bool = Field(description="Whether there are at least 5 check-ins since the start.")
    what_helped: list[Helped] = Field(description="Every strategy tried, those that helped most often first.")
    words: Words
    in_words: list[str] = Field(description="All of `words`, in one list.")


def progress_of(
    entries: Sequence[Recorded],
    *,
    today: date,
    episode_started_on: date | None,
    instruments: Mapping[str, Instrument] = INSTRUMENTS,
    coping: Coping = Coping(),
) -> Progress:
    """The progress of one patient, from all their entries in any order.

    episode_started_on: the first local day that counts since the start (`Patient.scores_from`); None: all do.
    instruments: those of the clinic. Scores of one it no longer has are passed over: nobody knows which way they read.
    """
    monday = today - timedelta(days=today.weekday())
    this_week, last_week = _week(entries, monday, today), _week(entries, monday - timedelta(days=7), today)
    counted = [entry for entry in entries if episode_started_on is None or entry.fact.local_day >= episode_started_on]
    start = _since_start(counted, today, episode_started_on, instruments)
    words = Words(
        weeks=_weeks_in_words(this_week, last_week, start),
        since_start=_start_in_words(start),
        what_helped=_helped_in_words(coping),
    )
    return Progress(
        today=today,
        this_week=this_week,
        last_week=last_week,
        since_start=start,
        enough_data=start.check_ins >= ENOUGH,
        what_helped=[_helped(name, coping.tally(name)) for name in helped_often(coping)],
        words=words,
        in_words=[*words.weeks, *words.since_start, *words.what_helped],
    )


def _week(entries: Sequence[Recorded], monday: date, today: date) -> Week:
    sunday = monday + timedelta(days=6)
    within = [entry for entry in entries if monday <= entry.fact.local_day <= sunday]
    check_ins = _check_ins(within)
    observed, days = len({check_in.local_day for check_in in check_ins}), min(7, (today - monday).days + 1)
    year, number, _ = monday.isocalendar()
    return Week(
        week=f"{year}-W{number:02}",
        first_day=monday,
        last_day=sunday,
        entries=len(within),
        check_ins=len(check_ins),
        days_observed=observed,
        days=days,
        coverage=min(1.0, round(observed / days, 2)),
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


def _since_start(
    entries: Sequence[Recorded], today: date, episode_started_on: date | None, instruments: Mapping[str, Instrument]
) -> SinceStart:
    check_ins = _check_ins(entries)
    first = episode_started_on or min((entry.fact.local_day for entry in entries), default=None)
    observed = len({check_in.local_day for check_in in check_ins})
    days = 0 if first is None else max(0, (today - first).days + 1)
    scores = _valid_scores(entries)
    return SinceStart(
        first_day=first,
        entries=len(entries),
        check_ins=len(check_ins),
        days_observed=observed,
        days=days,
        coverage=min(1.0, round(observed / days, 2)) if days else 0.0,
        scores=[_change(scores[name], instrument) for name, instrument in instruments.items() if name in scores],
    )


def _valid_scores(entries: Sequence[Recorded]) -> dict[str, list[tuple[Number, date]]]:
    """Valid totals by instrument, ordered as the rules order facts: by instant, then id."""
    scores: dict[str, list[tuple[Number, date]]] = {}
    for entry in sorted(entries, key=lambda entry: entry.place):
        if isinstance(entry.fact, QuestionnaireCompleted) and entry.fact.score is not None:
            scores.setdefault(entry.fact.instrument, []).append((entry.fact.score, entry.fact.local_day))
    return scores


def _change(scores: Sequence[tuple[Number, date]], instrument: Instrument) -> Change:
    first, latest = (
        Score(score=total, day=day, band=instrument.band_of(total), case=instrument.is_case(total))
        for total, day in (scores[0], scores[-1])
    )
    reliable, cut = instrument.reliable_change, instrument.caseness
    difference = round(latest.score - first.score, 4)  # decimals of a total are not exact
    if len(scores) == 1:
        direction = Direction.ONE_SCORE_SO_FAR
    elif reliable is None:
        direction = Direction.NOT_KNOWN
    elif abs(difference) < reliable.value:
        direction = Direction.NO_CLEAR_CHANGE
    else:
        direction = Direction.HARDER if (difference > 0) is instrument.higher_is_worse else Direction.BETTER
    return Change(
        instrument=instrument.name,
        title=instrument.title,
        range=Range(minimum=instrument.minimum, maximum=instrument.maximum),
        higher_is_worse=instrument.higher_is_worse,
        first=first,
        latest=latest,
        difference=difference,
        reliable_change=None if reliable is None else reliable.value,
        reliable_change_source=None if reliable is None else reliable.source,
        caseness=None if cut is None else Threshold(value=cut.value, source=cut.source),
        change=direction,
        in_words=_change_in_words(instrument, first, latest, direction),
    )


def _change_in_words(instrument: Instrument, first: Score, latest: Score, direction: Direction) -> str:
    title, reliable = instrument.title, instrument.reliable_change
    if direction is Direction.ONE_SCORE_SO_FAR:
        return f"There is one {title} score so far: {first.score}. A second one will show if things change."
    better = "Here, lower is better." if instrument.higher_is_worse else "Here, higher is better."
    compared = f"Your {title} score was {first.score} at the start. It is {latest.score} now. {better}"
    if reliable is None:
        return f"{compared} How big a change is more than chance is not known for it."
    if direction is Direction.NO_CLEAR_CHANGE:
        return f"{compared} A change of less than {reliable.value} points can be chance."
    more = f"A change of {reliable.value} points or more is more than chance."
    return f"{compared} {more} {HARDER}" if direction is Direction.HARDER else f"{compared} {more}"


def _weeks_in_words(this_week: Week, last_week: Week, start: SinceStart) -> list[str]:
    if start.entries == 0 and this_week.entries == last_week.entries == 0:
        return [NOTHING_YET]
    if start.check_ins < ENOUGH:
        return [
            (
                "There is not enough data yet to say how your mood goes. "
                f"You have {_times(start.check_ins)} so far. From {ENOUGH} on we can say more. "
                "There is no right number of check-ins."
            )
        ]
    if this_week.enough_data and last_week.enough_data:
        return [
            (
                f"Your mood was {this_week.mean_mood:g} on average this week and {last_week.mean_mood:g} last week. "
                "On this scale 0 is low and 10 is high."
            )
        ]
    return [
        (
            f"You had {_times(this_week.check_ins)} this week and {_times(last_week.check_ins)} last week. "
            "That is not enough data to put the two side by side."
        )
    ]


def _start_in_words(start: SinceStart) -> list[str]:
    said = []
    if start.check_ins and start.first_day is not None:
        days = "1 day" if start.days_observed == 1 else f"{start.days_observed} days"
        said.append(f"Since {start.first_day.day} {start.first_day:%B %Y} you have told us about {days}. Thank you.")
    return said + [change.in_words for change in start.scores]


def _helped(name: str, tally: Tally) -> Helped:
    title = LIBRARY[name].title if name in LIBRARY else name
    return Helped(
        strategy=name,
        title=title,
        tried=tally.tried,
        rated=tally.rated,
        helped=tally.helped,
        mean_fall=tally.mean_fall,
    )


def _helped_in_words(coping: Coping) -> list[str]:
    """What helped more often than not, from three ratings on; nothing is said of what did not."""
    tallies = {name: coping.tally(name) for name in helped_often(coping) if name in LIBRARY}
    good = [name for name, tally in tallies.items() if tally.shows_help]
    said = [
        f"{LIBRARY[name].title}: it helped you {tallies[name].helped} of {tallies[name].rated} times."
        for name in good[:MOST_HELPFUL]
    ]
    return [*said, CAVEAT] if said else []


def _times(check_ins: int) -> str:
    return f"{check_ins} check-in" if check_ins == 1 else f"{check_ins} check-ins"
