"""Relapse: back over caseness, and reliably above the best of the episode (docs/rules.md, 2.1)."""

from array import array
from collections.abc import Mapping
from math import inf

from services.insights.domain.attended import Local
from services.insights.domain.catalogue import RELAPSE, Parameters
from services.insights.domain.deterioration import Scores, bound, calmed, chart_of, given, left_out, told_of
from services.insights.domain.instants import TOLERANCE, instant_of, key_at
from services.insights.domain.measures import Measures
from services.insights.domain.words import instrument, number, tidy
from shared.contracts.assessments import Concern


class Relapses:
    """One measure's relapses, score by score: the best valid score so far (times `worse`), the index of the score that
    began the relapse open then (-1: none), and the day of the first score below caseness since the last at or over it
    (0: none). A form with items left out can begin one or keep it open, by the bound that claims the least."""

    __slots__ = ("_key", "best", "calm", "clean", "evidence", "walked")

    def __init__(self) -> None:
        self.best = array("d")
        self.evidence = array("i")
        self.calm = array("i")
        self.clean = 0
        self._key: tuple[float, ...] = ()
        self.walked = 0

    def follow(self, of: Scores, caseness: float, change: float, episode_from: int, worse: int) -> int:
        """Walk on from the first score that changed; the index of the open relapse's evidence, or -1."""
        key = (caseness, change, episode_from, worse)
        if key != self._key:
            self._key, self.clean = key, 0
        start, cut = self.clean, worse * caseness
        del self.best[start:], self.evidence[start:], self.calm[start:]
        best, evidence, calm = (self.best[-1], self.evidence[-1], self.calm[-1]) if start else (inf, -1, 0)
        for index in range(start, len(of.keys)):
            if of.day[index] >= episode_from:
                value, valid = worse * of.value(index, worse), not of.missing[index]
                if value < cut - TOLERANCE:
                    if valid and evidence >= 0:
                        evidence, calm = calmed(evidence, calm, of.day[index])
                else:
                    calm = 0
                    if evidence < 0 and best < cut - TOLERANCE and value - best >= change - TOLERANCE:
                        evidence = index
                best = min(best, value) if valid else best
            self.best.append(best)
            self.evidence.append(evidence)
            self.calm.append(calm)
            self.walked += 1
        self.clean = len(of.keys)
        return self.evidence[-1] if self.evidence else -1


def _walk_of(of: Scores) -> Relapses:
    walk = of.walks.get(RELAPSE.name)
    if not isinstance(walk, Relapses):
        walk = of.walks[RELAPSE.name] = Relapses()
    return walk


def concern(
    scores: Mapping[str, Scores],
    parameters: Parameters,
    measures: Measures,
    *,
    deterioration: Parameters | None,
    episode_from: int,
    local: Local,
) -> Concern | None:
    """What the rule says; None while no measure has an open relapse.

    deterioration: the parameters of reliable deterioration where it is in force. A score that it tells of is not told
    a second time: the relapse is shown beside it.
    """
    tellings, reasons, numbers, begun = [], [], {}, {}
    for name, measure in measures.items():
        if name not in scores or f"{name}_caseness" not in parameters:
            continue
        of, walk = scores[name], _walk_of(scores[name])
        caseness, change = parameters[f"{name}_caseness"], parameters[f"{name}_change"]
        index = walk.follow(of, caseness, change, episode_from, measure.worse)
        if index < 0:
            continue
        best, latest, score = (
            measure.worse * walk.best[index - 1],
            of.latest(1, episode_from)[-1][1],
            of.value(index, measure.worse),
        )
        begun[name] = key_at(of.keys[index])
        numbers[f"{name}_best"], numbers[f"{name}_latest"] = tidy(best), tidy(latest)
        side, over = ("above", "at or over") if measure.worse > 0 else ("below", "at or under")
        said = (
            f"{over} caseness ({number(caseness)}), and {number(abs(score - best))} {side} the best of the episode, "
            f"{number(best)} (reliable change is {number(change)})"
        )
        full = "full " if of.missing[index] else ""
        later = "" if latest == score and not full else f" The latest {full}score is {number(latest)}."
        value = bound(of, index, measure.worse)
        value += f" ({left_out(of.missing[index])})" if full else ""
        reasons.append(f"{instrument(name)} was {value}: {said}.{later}")
        threshold = None if deterioration is None else deterioration.get(name)
        if threshold is None or not _is_worse(of, index, threshold, episode_from, measure.worse):
            words = f"{instrument(name)} {value}, {given(of, index, local)}: {said}."
            tellings.append((of.keys[index], told_of(of, index, RELAPSE.urgency, words)))
    if not begun:
        return None
    tellings.sort(key=lambda pair: pair[0])
    shown = next(iter(begun))
    return Concern(
        rule=RELAPSE.name,
        holds=True,
        since=instant_of(min(begun.values())),
        reason=" ".join(reasons),
        until=RELAPSE.until,
        source=RELAPSE.source,
        parameters=dict(parameters),
        numbers={name: round(value, 4) for name, value in numbers.items()},
        telling=[telling for _, telling in tellings],
        chart=chart_of(scores[shown], shown, measures[shown], episode_from),
    )


def _is_worse(of: Scores, index: int, threshold: float, episode_from: int, worse: int) -> bool:
    """Whether reliable deterioration counts the score as worse, and so tells of it or of one before it."""
    of.follow(threshold, episode_from, worse)
    return worse * (of.value(index, worse) - of.first) >= threshold - TOLERANCE
