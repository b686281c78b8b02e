"""Not on track: a score outside what a clinic's own episodes lead to expect (docs/rules.md, 2.2)."""

from array import array
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass

from services.insights.domain.attended import Attended, Local, midnight
from services.insights.domain.catalogue import NOT_ON_TRACK, Parameters
from services.insights.domain.deterioration import Scores, calmed, chart_of, given, told_of
from services.insights.domain.expected_response import expected, stratum_of, upper
from services.insights.domain.instants import NEVER_YET, TOLERANCE, instant_of, key_at, sort_key
from services.insights.domain.measures import Measures
from services.insights.domain.words import counted, instrument, number, tidy
from shared.contracts.assessments import Concern
from shared.contracts.expected_response import ExpectedResponse, ExpectedStratum


class Track:
    """One measure, score by score: the index of the score that began the stretch off track open then (-1: none), of
    the last one worth telling in it, and the day of the first score as expected since the last that was not (0: none).
    Forms with items left out are passed over."""

    __slots__ = ("_key", "base", "calm", "clean", "evidence", "told", "walked")

    def __init__(self) -> None:
        self.evidence = array("i")
        self.told = array("i")
        self.calm = array("i")
        self.base = -1
        self.clean = 0
        self._key: tuple[object, ...] = ()
        self.walked = 0

    def begin(self, of: Scores, episode_from: int, key: tuple[object, ...]) -> None:
        """Find the first score of the episode, and whether anything known so far still counts."""
        if (episode_from, *key) != self._key:
            self._key, self.clean = (episode_from, *key), 0
        if self.clean <= self.base:
            self.base = -1
        if self.base < 0:
            self.clean = 0
            self.base = next((i for i in range(len(of.keys)) if of.counts(i, episode_from)), -1)

    def follow(self, of: Scores, judge: "Judge", episode_from: int) -> None:
        """Walk on from the first score that changed."""
        start = self.clean
        del self.evidence[start:], self.told[start:], self.calm[start:]
        evidence, told, calm = (self.evidence[-1], self.told[-1], self.calm[-1]) if start else (-1, -1, 0)
        for index in range(start, len(of.keys)):
            if of.counts(index, episode_from):
                if judge.off(of, index) > TOLERANCE:
                    calm = 0
                elif evidence >= 0:
                    evidence, calm = calmed(evidence, calm, of.day[index])
                    told = told if evidence >= 0 else -1
                if evidence < 0 and judge.beyond(of, index):
                    evidence = told = index
                elif evidence >= 0 and judge.worse_than(of, index, told):
                    told = index
            self.evidence.append(evidence)
            self.told.append(told)
            self.calm.append(calm)
            self.walked += 1
        self.clean = len(of.keys)


@dataclass(frozen=True, slots=True)
class Judge:
    """One measure's scores against the band the episode's first score is in.

    earlier: attended sessions of earlier episodes. change: the reliable change. worse: see `Measure`.
    """

    stratum: ExpectedStratum
    model: ExpectedResponse
    attended: Attended
    earlier: int
    from_session: int
    change: float
    worse: int
    local: Local

    def session(self, of: Scores, index: int) -> int:
        """Attended sessions of the episode by the end of the score's day."""
        return self.attended.by(key_at(of.keys[index]), self.local) - self.earlier

    def off(self, of: Scores, index: int) -> float:
        """How much worse than expected a score is, in points."""
        return self.worse * (of.score[index] - expected(self.stratum, self.session(of, index)))

    def beyond(self, of: Scores, index: int) -> bool:
        """Whether a score is outside the 80 % interval on the worse side."""
        session = self.session(of, index)
        bound = upper(self.stratum, session, self.worse)
        return session >= self.from_session and self.worse * (of.score[index] - bound) > TOLERANCE

    def worse_than(self, of: Scores, index: int, other: int) -> bool:
        """Whether a score is off track and worse than another by the reliable change."""
        worsened = self.worse * (of.score[index] - of.score[other]) >= self.change - TOLERANCE
        return worsened and self.beyond(of, index)


def concern(
    scores: Mapping[str, Scores],
    attended: Attended,
    model: ExpectedResponse,
    parameters: Parameters,
    measures: Measures,
    *,
    episode_from: int,
    local: Local,
) -> Concern | None:
    """What the rule says; None while every measure the model knows is on track, or cannot be judged."""
    earlier = attended.from_day(episode_from, local)
    tellings, reasons, begun = [], [], {}
    numbers: dict[str, float] = {}
    for name, measure in measures.items():
        of = scores.get(name)
        if of is None or name not in model.measures or f"{name}_change" not in parameters:
            continue
        walk = _walk_of(of, name, attended, local)
        change = parameters[f"{name}_change"]
        walk.begin(of, episode_from, (model.measures[name], parameters["from_session"], change, str(local(0).tzinfo)))
        stratum = stratum_of(model.measures[name], of.score[walk.base]) if walk.base >= 0 else None
        if stratum is None:
            continue
        judge = Judge(
            stratum=stratum,
            model=model,
            attended=attended,
            earlier=earlier,
            from_session=int(parameters["from_session"]),
            change=change,
            worse=measure.worse,
            local=local,
        )
        walk.follow(of, judge, episode_from)
        index = walk.evidence[-1]
        if index < 0:
            continue
        begun[name] = key_at(of.keys[index])
        latest = of.latest_of_episode(walk.base, episode_from)
        told = sorted({index, walk.told[-1]})
        session = judge.session(of, told[-1])
        numbers[f"{name}_first"], numbers[f"{name}_latest"] = tidy(of.score[walk.base]), tidy(of.score[latest])
        numbers[f"{name}_sessions"] = session
        numbers[f"{name}_expected"] = round(expected(stratum, session), 4)
        numbers[f"{name}_bound"] = round(upper(stratum, session, measure.worse), 4)
        later = "" if latest == told[-1] else f" The latest score is {number(of.score[latest])}."
        reasons.append(_said(of, name, told[-1], judge) + later)
        for one in told:
            words = f"{_said(of, name, one, judge)} It was {given(of, one, local)}."
            tellings.append((of.keys[one], told_of(of, one, NOT_ON_TRACK.urgency, words)))
    if not begun:
        return None
    tellings.sort(key=lambda pair: pair[0])
    shown = next(iter(begun))
    return Concern(
        rule=NOT_ON_TRACK.name,
        holds=True,
        since=instant_of(min(begun.values())),
        reason=f"{' '.join(reasons)} That is slower than most; some change only after the sixth session.",
        until=NOT_ON_TRACK.until,
        source=f"{NOT_ON_TRACK.source} Model {model.version}.",
        parameters=dict(parameters),
        numbers=dict(numbers),
        telling=[telling for _, telling in tellings],
        chart=chart_of(scores[shown], shown, measures[shown], episode_from),
    )


def _walk_of(of: Scores, name: str, attended: Attended, local: Local) -> Track:
    """The measure's walk, told from where on the sessions under it have changed."""
    walk = of.walks.get(NOT_ON_TRACK.name)
    if not isinstance(walk, Track):
        walk = of.walks[NOT_ON_TRACK.name] = Track()
    changed = attended.earliest_change(name)
    if changed is not None:
        from_here = 0 if changed == NEVER_YET else bisect_left(of.keys, sort_key(midnight(changed, local), ""))
        walk.clean = min(walk.clean, from_here)
    return walk


def _said(of: Scores, name: str, index: int, judge: Judge) -> str:
    session, stratum = judge.session(of, index), judge.stratum
    most = "at most" if judge.worse > 0 else "at least"
    return (
        f"{instrument(name)} was {number(of.score[index])} after "
        f"{counted(session, 'attended session', 'attended sessions')}; nine in ten of this clinic's own patients with "
        f"a like start had {most} {number(upper(stratum, session, judge.worse), 1)}, and "
        f"{number(expected(stratum, session), 1)} was expected (model {judge.model.version}, "
        f"{counted(stratum.episodes, 'closed episode', 'closed episodes')})."
    )
