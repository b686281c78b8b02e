"""Outcomes of episodes of care as NHS Talking Therapies defines them (NHS England, annual report metadata 2024-25).

Per episode that ended: the first and the last valid score of PHQ-9 and of the anxiety measure; see `outcome_of`. Per
group of episodes: counts, rates over two different denominators, effect sizes, with small numbers suppressed; `report`.
The symmetric form of deterioration and "one up, one down is no change" are customary and not confirmed in the source.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

DEPRESSION: Final = "phq9"
ANXIETY: Final = "gad7"
COMPLETED_CONTACTS: Final = 2
"""Attended treatment contacts (no assessments alone, no follow-ups) from which an episode is a completed course."""
FEWEST_SHOWN: Final = 5
"""A count from 1 to one below it is not shown, nor what it could be worked out from."""


class Thresholds(NamedTuple):
    """caseness: a score at it or above is a case; reliable_change: a difference at it or above is more than chance."""

    caseness: float
    reliable_change: float


PUBLISHED: Final[Mapping[str, Thresholds]] = {DEPRESSION: Thresholds(10, 6), ANXIETY: Thresholds(8, 4)}
"""NHS Talking Therapies caseness and reliable change. Scores are whole, so "above 5.20" is "6 or more"."""

NATIONAL_PERIOD: Final = "England, 2024-25, cognitive behavioural therapy, all problems (NHS England annual report)"
NATIONAL_RATES: Final[Mapping[str, float]] = {
    "reliable_improvement": 0.607,
    "recovery": 0.450,
    "reliable_recovery": 0.415,
    "reliable_deterioration": 0.059,
    "no_reliable_change": 0.320,
}
"""Shares to set a clinic's beside; of one kind of treatment, so a comparison with care."""
NATIONAL_SD_FIRST: Final[Mapping[str, float]] = {DEPRESSION: 6.1, ANXIETY: 5.1}
"""Standard deviation of first scores in the same report, which effect sizes are expressed in."""


class Scored(NamedTuple):
    """A valid score: the patient's local day, and the order among the facts of that day."""

    day: date
    at: tuple[int, str]
    score: float


class Pair(NamedTuple):
    """First and last valid score of an episode; a single score is a first one without a last."""

    first: float | None
    last: float | None

    @property
    def paired(self) -> bool:
        """Whether there are both."""
        return self.first is not None and self.last is not None

    def change(self) -> float:
        """First minus last: above 0 where the last is lower. Raises ValueError where one is missing."""
        if self.first is None or self.last is None:
            raise ValueError("a change needs a first and a last score")
        return self.first - self.last


@dataclass(frozen=True, slots=True)
class EpisodeOutcome:
    """What came of one episode.

    contacts: attended sessions of treatment. anxiety_measure: what `anxiety` is of. case: at caseness at the start on
    either measure; None where that is not known, as a first score is missing and the other is no case.
    classified: both measures have a first and a last score; without them nothing is said but whether it was a case.
    """

    episode: str
    clinician: str | None
    ended_on: date
    contacts: int
    depression: Pair
    anxiety: Pair
    anxiety_measure: str
    case: bool | None
    recovery: bool
    reliable_improvement: bool
    reliable_deterioration: bool

    @property
    def completed(self) -> bool:
        """Whether it was a course of treatment: enough attended contacts."""
        return self.contacts >= COMPLETED_CONTACTS

    @property
    def classified(self) -> bool:
        """Whether reliable change can be said at all."""
        return self.depression.paired and self.anxiety.paired

    @property
    def reliable_recovery(self) -> bool:
        """Recovered, and reliably improved."""
        return self.recovery and self.reliable_improvement

    @property
    def no_reliable_change(self) -> bool:
        """Neither reliably better nor reliably worse; one up and one down is none either."""
        return self.classified and not (self.reliable_improvement or self.reliable_deterioration)


def pair_of(scores: Iterable[Scored], since: date, until: date) -> Pair:
    """First and last valid score with a local day from `since` to `until`, both inclusive."""
    within = sorted((one for one in scores if since <= one.day <= until), key=lambda one: one.at)
    if not within:
        return Pair(None, None)
    return Pair(within[0].score, within[-1].score if len(within) > 1 else None)


def outcome_of(
    *,
    episode: str,
    clinician: str | None,
    ended_on: date,
    contacts: int,
    depression: Pair,
    anxiety: Pair,
    specific: tuple[str, Pair] | None = None,
    thresholds: Mapping[str, Thresholds] = PUBLISHED,
) -> EpisodeOutcome:
    """The outcome of an episode.

    specific: the measure of the problem treated (PCL-5 for PTSD...); it stands in for the GAD-7 where its first and
    last score are both there. Each measure needs its thresholds; of a measure without, nothing specific is said.

        case        = first PHQ-9 at caseness, or first anxiety score at caseness; none only where both are known
        recovery    = case, and both last scores below caseness
        improvement = either fell by the reliable change, and neither rose by it
        deterioration = either rose by it, and neither fell by it
    """
    measure, anxious = ANXIETY, anxiety
    if specific is not None and specific[0] in thresholds and specific[1].paired:
        measure, anxious = specific
    pairs = ((depression, thresholds[DEPRESSION]), (anxious, thresholds[measure]))
    firsts = [pair.first >= cut.caseness for pair, cut in pairs if pair.first is not None]
    case = True if any(firsts) else False if len(firsts) == len(pairs) else None
    improved = deteriorated = recovered = False
    if depression.paired and anxious.paired:
        better = any(pair.change() >= cut.reliable_change for pair, cut in pairs)
        worse = any(-pair.change() >= cut.reliable_change for pair, cut in pairs)
        improved, deteriorated = better and not worse, worse and not better
        recovered = case is True and all(pair.last is not None and pair.last < cut.caseness for pair, cut in pairs)
    return EpisodeOutcome(
        episode=episode,
        clinician=clinician,
        ended_on=ended_on,
        contacts=contacts,
        depression=depression,
        anxiety=anxious,
        anxiety_measure=measure,
        case=case,
        recovery=recovered,
        reliable_improvement=improved,
        reliable_deterioration=deteriorated,
    )


@dataclass(frozen=True, slots=True)
class Count:
    """A count and its share of `of`; None where it is too small to be shown, or another could be worked out from it."""

    count: int | None
    of: int | None
    share: float | None


@dataclass(frozen=True, slots=True)
class Effect:
    """Mean first and last score of paired, completed courses, and the difference in national SDs of first scores."""

    measure: str
    paired: int | None
    mean_first: float | None
    mean_last: float | None
    effect_size: float | None


@dataclass(frozen=True, slots=True)
class OutcomeReport:
    """The outcomes of a group of episodes that ended; rates are of completed courses only.

    recovery, reliable_recovery: of completed courses without those known not to have been a case at the start.
    reliable_improvement, reliable_deterioration, no_reliable_change, not_classified: of all completed courses.
    """

    ended: int | None
    completed: int | None
    not_a_case: int | None
    recovery: Count
    reliable_recovery: Count
    reliable_improvement: Count
    reliable_deterioration: Count
    no_reliable_change: Count
    not_classified: Count
    effects: tuple[Effect, ...]


def report(outcomes: Sequence[EpisodeOutcome]) -> OutcomeReport:
    """Counts, rates and effect sizes of these episodes, with numbers from 1 to 4 suppressed."""
    counts = _counts(outcomes)
    return _report(outcomes, counts, _hidden(counts))


def reports(groups: Mapping[str, Sequence[EpisodeOutcome]]) -> dict[str, OutcomeReport]:
    """A report of each group. Where one group's number is hidden, so is the next smallest of another group.

    Otherwise the report of them all would give it away by subtraction. What is hidden so is a lone part of its own
    group's whole in turn, and so on until nothing gives another away.
    """
    counts = {name: _counts(outcomes) for name, outcomes in groups.items()}
    hidden = {name: _hidden(known) for name, known in counts.items()}
    while lone := [(part, name) for part in _counts([]) if (name := _beside(part, counts, hidden)) is not None]:
        part, name = lone[0]
        hidden[name] = _hidden(counts[name], {*hidden[name], part})
    return {name: _report(outcomes, counts[name], hidden[name]) for name, outcomes in groups.items()}


def _beside(part: str, counts: Mapping[str, Mapping[str, int]], hidden: Mapping[str, set[str]]) -> str | None:
    """The group in which a part is to be hidden because it is hidden in one other alone."""
    alone = [name for name in counts if part in hidden[name]]
    if len(alone) != 1:
        return None
    others = [name for name in counts if part not in hidden[name] and counts[name][part]]
    if not others and part not in _UNSEEN and not 0 < counts[alone[0]][part] < FEWEST_SHOWN:
        others = [name for name in counts if name != alone[0]]  # it is shown of them all: a 0 must do
    return min(others, key=lambda name: (counts[name][part], name), default=None)


_WHOLES: Final = (
    ("ended", ("completed", "not_completed")),
    ("completed", ("cases", "not_a_case")),
    ("cases", ("recovery", "not_recovered")),
    ("cases", ("reliable_recovery", "not_reliably_recovered")),
    ("recovery", ("reliable_recovery", "recovered_only")),
    ("completed", ("reliable_improvement", "reliable_deterioration", "no_reliable_change", "not_classified")),
)
"""Which counts add up to which: of parts that make a known whole, one alone cannot be hidden."""
_UNSEEN: Final = frozenset({"not_completed", "not_recovered", "not_reliably_recovered", "recovered_only"})
"""Parts that no report has: nobody can subtract them, least of all where they are 0."""


def _counts(outcomes: Iterable[EpisodeOutcome]) -> dict[str, int]:
    ended = list(outcomes)
    completed = [one for one in ended if one.completed]
    cases = sum(one.case is not False for one in completed)
    recovered, reliably = sum(one.recovery for one in completed), sum(one.reliable_recovery for one in completed)
    return {
        "ended": len(ended),
        "completed": len(completed),
        "not_completed": len(ended) - len(completed),
        "cases": cases,
        "not_a_case": len(completed) - cases,
        "recovery": recovered,
        "not_recovered": cases - recovered,
        "reliable_recovery": reliably,
        "not_reliably_recovered": cases - reliably,
        "recovered_only": recovered - reliably,
        "reliable_improvement": sum(one.reliable_improvement for one in completed),
        "reliable_deterioration": sum(one.reliable_deterioration for one in completed),
        "no_reliable_change": sum(one.no_reliable_change for one in completed),
        "not_classified": sum(not one.classified for one in completed),
    }


def _hidden(counts: Mapping[str, int], besides: Iterable[str] = ()) -> set[str]:
    hidden = {name for name, count in counts.items() if 0 < count < FEWEST_SHOWN} | {*besides}
    while (name := _given_away(counts, hidden)) is not None:  # hiding one may leave another alone in its whole
        hidden.add(name)
    return hidden


def _given_away(counts: Mapping[str, int], hidden: AbstractSet[str]) -> str | None:
    """The next part to be hidden, because another is hidden alone in a known whole."""
    for whole, parts in _WHOLES:
        if whole in hidden or sum(name in hidden for name in parts) != 1:
            continue
        others = [name for name in parts if name not in hidden and counts[name]]
        if not others and _UNSEEN.isdisjoint(parts):  # the one is all of the whole: a 0 must do
            others = [name for name in parts if name not in hidden]
        if others:
            return min(others, key=lambda name: counts[name])
    return None


def _report(outcomes: Sequence[EpisodeOutcome], counts: Mapping[str, int], hidden: set[str]) -> OutcomeReport:
    def shown(name: str) -> int | None:
        return None if name in hidden else counts[name]

    def rate(name: str, whole: str) -> Count:
        count, of = shown(name), shown(whole)
        return Count(count, of, None if count is None or not of else count / of)

    completed = [one for one in outcomes if one.completed]
    return OutcomeReport(
        ended=shown("ended"),
        completed=shown("completed"),
        not_a_case=shown("not_a_case"),
        recovery=rate("recovery", "cases"),
        reliable_recovery=rate("reliable_recovery", "cases"),
        reliable_improvement=rate("reliable_improvement", "completed"),
        reliable_deterioration=rate("reliable_deterioration", "completed"),
        no_reliable_change=rate("no_reliable_change", "completed"),
        not_classified=rate("not_classified", "completed"),
        effects=(
            _effect(DEPRESSION, [one.depression for one in completed]),
            _effect(ANXIETY, [one.anxiety for one in completed if one.anxiety_measure == ANXIETY]),
        ),
    )


def _effect(measure: str, pairs: Iterable[Pair]) -> Effect:
    found = [(pair.first, pair.last) for pair in pairs if pair.first is not None and pair.last is not None]
    if len(found) < FEWEST_SHOWN:
        return Effect(measure, 0 if not found else None, None, None, None)
    first, last = sum(one for one, _ in found) / len(found), sum(one for _, one in found) / len(found)
    return Effect(measure, len(found), first, last, (first - last) / NATIONAL_SD_FIRST[measure])
