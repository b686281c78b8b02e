"""Stalled: after some attended sessions no reliable change yet (docs/rules.md, 2.3). Shown; nobody is alerted."""

from array import array
from bisect import bisect_left
from collections.abc import Mapping

from services.insights.domain.attended import Attended, Local
from services.insights.domain.catalogue import STALLED, Parameters
from services.insights.domain.deterioration import Scores, chart_of
from services.insights.domain.instants import TOLERANCE, instant_of, key_at, sort_key
from services.insights.domain.measures import Measures
from services.insights.domain.words import counted, instrument, number, tidy
from shared.contracts.assessments import Concern


class Unmoved:
    """One measure, score by score: since which index no score has been reliably better than the episode's first (-1:
    the last one is). base: the index of that first score, -1 where there is none. Forms with items left out are passed
    over."""

    __slots__ = ("_key", "base", "clean", "since", "walked")

    def __init__(self) -> None:
        self.since = array("i")
        self.base = -1
        self.clean = 0
        self._key: tuple[float, ...] = ()
        self.walked = 0

    def follow(self, of: Scores, change: float, episode_from: int, worse: int) -> None:
        """Walk on from the first score that changed."""
        key = (change, episode_from, worse)
        if key != self._key:
            self._key, self.clean = key, 0
        start = self.clean
        if start <= self.base:
            self.base = -1
        del self.since[start:]
        since = self.since[-1] if start else -1
        for index in range(start, len(of.keys)):
            if of.counts(index, episode_from):
                if self.base < 0:
                    self.base = since = index
                elif worse * (of.score[self.base] - of.score[index]) >= change - TOLERANCE:
                    since = -1
                elif since < 0:
                    since = index
            self.since.append(since)
            self.walked += 1
        self.clean = len(of.keys)


def _walk_of(of: Scores) -> Unmoved:
    walk = of.walks.get(STALLED.name)
    if not isinstance(walk, Unmoved):
        walk = of.walks[STALLED.name] = Unmoved()
    return walk


def concern(
    scores: Mapping[str, Scores],
    attended: Attended,
    parameters: Parameters,
    measures: Measures,
    *,
    episode_from: int,
    local: Local,
) -> Concern | None:
    """What the rule says; None where every measure has changed reliably, or too few sessions were attended."""
    earlier = attended.from_day(episode_from, local)
    enough = earlier + int(parameters["sessions"])
    if len(attended.at) < enough:
        return None
    reached = sort_key(attended.day_of(enough - 1, local), "")
    found: dict[str, int] = {}
    numbers, reasons = {}, []
    for name, measure in measures.items():
        if name not in scores or f"{name}_caseness" not in parameters:
            continue
        of, walk = scores[name], _walk_of(scores[name])
        walk.follow(of, parameters[f"{name}_change"], episode_from, measure.worse)
        if walk.base < 0 or measure.worse * (of.score[walk.base] - parameters[f"{name}_caseness"]) < -TOLERANCE:
            continue
        index = _since(of, walk, reached, episode_from)
        if index is None:
            continue
        first, latest = of.score[walk.base], of.latest_of_episode(walk.base, episode_from)
        sessions = attended.by(key_at(of.keys[latest]), local) - earlier
        found[name] = key_at(of.keys[index])
        numbers[f"{name}_first"], numbers[f"{name}_latest"] = tidy(first), tidy(of.score[latest])
        numbers[f"{name}_sessions"] = sessions
        reasons.append(
            f"After {counted(sessions, 'attended session', 'attended sessions')} {instrument(name)} is "
            f"{number(of.score[latest])}, from {number(first)} at the start of the episode: less than the reliable "
            f"change of {number(parameters[f'{name}_change'])}."
        )
    if not found:
        return None
    shown = next(iter(found))
    return Concern(
        rule=STALLED.name,
        holds=True,
        since=instant_of(min(found.values())),
        reason=f"{' '.join(reasons)} That is slower than most; some change only after the sixth session.",
        until=STALLED.until,
        source=STALLED.source,
        parameters=dict(parameters),
        numbers={name: round(value, 4) for name, value in numbers.items()},
        telling=[],
        chart=chart_of(scores[shown], shown, measures[shown], episode_from),
    )


def _since(of: Scores, walk: Unmoved, reached: bytes, episode_from: int) -> int | None:
    """The first score of the unbroken run up to the last for which it holds; None where it does not hold of the last.

    reached: the key at which the day of the session begins from which on it is judged.
    """
    if walk.since[-1] < 0:
        return None
    index = max(walk.since[-1], walk.base + 1, bisect_left(of.keys, reached))
    while index < len(of.keys) and not of.counts(index, episode_from):
        index += 1
    return index if index < len(of.keys) else None
