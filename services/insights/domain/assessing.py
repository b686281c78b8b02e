"""Assessing: a pure function of a patient's facts and documents, the clinic's settings, the time and the horizon."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from services.insights.domain import (
    absence,
    deterioration,
    instability,
    mood_shift,
    not_on_track,
    rating_drop,
    relapse,
    risk_item,
    stalled,
)
from services.insights.domain.catalogue import (
    GONE_QUIET,
    MOOD_INSTABILITY,
    MOOD_SHIFT,
    MOOD_SHIFT_UP,
    NOT_ON_TRACK,
    QUESTION_UNANSWERED,
    RATING_DROP,
    RELAPSE,
    RELIABLE_DETERIORATION,
    RISK_ITEM,
    STALLED,
)
from services.insights.domain.instants import instant_of, key_at, micros
from services.insights.domain.standing import Settled, Standing
from shared.contracts.patients import PatientStatus

if TYPE_CHECKING:
    from services.insights.domain.state import PatientState
    from shared.contracts.assessments import Concern


@dataclass(frozen=True, slots=True)
class Findings:
    """What an assessment says, and `due`: the next instant at which time alone may change it."""

    registered: bool
    entries: int
    entries_not_processed: int
    last_heard: datetime | None
    concerns: "list[Concern]"
    due: datetime | None


class _Sight:
    """One patient as seen at one instant; each rule gives its concern and when time changes it."""

    def __init__(self, state: "PatientState", standing: Standing, now: int, horizon: int) -> None:
        self.state, self.standing, self.now, self.horizon = state, standing, now, horizon
        self.settled: Settled = standing.at(now)
        self.concerns: list[Concern] = []
        self.dues: list[int] = []

    def take(self, concern: "Concern | None", due: int | None = None) -> None:
        if concern is not None:
            self.concerns.append(concern)
        if due is not None:
            self.dues.append(due)

    def judge(self) -> None:
        """All rules in force, in the order of the catalogue."""
        for name, rule in (
            (RISK_ITEM.name, self._risk_item),
            (RELIABLE_DETERIORATION.name, self._reliable_deterioration),
            (RELAPSE.name, self._relapse),
            (NOT_ON_TRACK.name, self._not_on_track),
            (STALLED.name, self._stalled),
            (MOOD_SHIFT.name, self._mood_shift),
            (MOOD_SHIFT_UP.name, self._mood_shift_up),
            (MOOD_INSTABILITY.name, self._mood_instability),
            (GONE_QUIET.name, self._gone_quiet),
            (QUESTION_UNANSWERED.name, self._question_unanswered),
            (RATING_DROP.name, self._rating_drop),
        ):
            if name in self.settled.rules:
                rule()

    def _risk_item(self) -> None:
        if self.state.risk is not None:
            parameters = self.settled.rules[RISK_ITEM.name]
            self.take(*risk_item.concern(self.state.risk, parameters, now=self.now, local=self.settled.local))

    @property
    def _episode_from(self) -> int:
        known = self.state.registered
        return known.episode_from if known else 0

    def _reliable_deterioration(self) -> None:
        if self.state.scores:
            self.take(
                deterioration.concern(
                    self.state.scores,
                    self.settled.rules[RELIABLE_DETERIORATION.name],
                    self.settled.measures,
                    episode_from=self._episode_from,
                    local=self.settled.local,
                )
            )

    def _relapse(self) -> None:
        if self.state.scores:
            self.take(
                relapse.concern(
                    self.state.scores,
                    self.settled.rules[RELAPSE.name],
                    self.settled.measures,
                    deterioration=self.settled.rules.get(RELIABLE_DETERIORATION.name),
                    episode_from=self._episode_from,
                    local=self.settled.local,
                )
            )

    def _not_on_track(self) -> None:
        model, attended = self.settled.expected, self.state.attended
        if self.state.scores and model is not None and attended is not None:
            self.take(
                not_on_track.concern(
                    self.state.scores,
                    attended,
                    model,
                    self.settled.rules[NOT_ON_TRACK.name],
                    self.settled.measures,
                    episode_from=self._episode_from,
                    local=self.settled.local,
                )
            )

    def _stalled(self) -> None:
        if self.state.scores and self.state.attended is not None:
            self.take(
                stalled.concern(
                    self.state.scores,
                    self.state.attended,
                    self.settled.rules[STALLED.name],
                    self.settled.measures,
                    episode_from=self._episode_from,
                    local=self.settled.local,
                )
            )

    def _mood_shift(self) -> None:
        if self.state.mood is not None:
            self.take(mood_shift.concern(self.state.mood, self.settled.rules[MOOD_SHIFT.name]))

    def _mood_shift_up(self) -> None:
        if self.state.mood is not None:
            self.take(mood_shift.concern(self.state.mood, self.settled.rules[MOOD_SHIFT_UP.name], MOOD_SHIFT_UP))

    def _mood_instability(self) -> None:
        if self.state.mood is not None:
            self.take(instability.concern(self.state.mood, self.settled.rules[MOOD_INSTABILITY.name]))

    def _gone_quiet(self) -> None:
        known = self.state.registered
        if known is not None and known.status is PatientStatus.ACTIVE:
            self.take(
                *absence.gone_quiet(
                    self.state.observed,
                    self.settled.rules[GONE_QUIET.name],
                    last=self.state.last,
                    expected_from=known.expected_from,
                    horizon=self.horizon,
                    local=self.settled.local,
                )
            )

    def _question_unanswered(self) -> None:
        if self.state.questions is not None:
            self.take(
                *absence.question_unanswered(
                    self.state.questions,
                    self.settled.rules[QUESTION_UNANSWERED.name],
                    standing=self.standing,
                    horizon=self.horizon,
                    local=self.settled.local,
                )
            )

    def _rating_drop(self) -> None:
        if self.state.ratings is not None:
            self.take(rating_drop.concern(self.state.ratings, self.settled.rules[RATING_DROP.name]))


def assess(state: "PatientState", standing: Standing, *, now: datetime, horizon: datetime) -> Findings:
    """What holds for a patient and why, as of `now`; rules of absence as of `horizon`, at most now.

    The same set of facts and documents gives the same findings, whatever the order in which they came.
    """
    at = micros(now)
    sight = _Sight(state, standing, at, min(micros(horizon), at))
    known, last = state.registered, state.last
    if known is None or known.status is not PatientStatus.DECEASED:
        sight.judge()
        sight.take(None, standing.next_change(at))
    return Findings(
        registered=known is not None,
        entries=state.entries,
        entries_not_processed=len(state.aside),
        last_heard=instant_of(key_at(last[0])) if last else None,
        concerns=sight.concerns,
        due=instant_of(min(sight.dues)) if sight.dues else None,
    )


def next_due(state: "PatientState", standing: Standing, *, now: datetime, horizon: datetime) -> datetime | None:
    """The next instant at which time alone may change what `assess` says; None where it cannot."""
    return assess(state, standing, now=now, horizon=horizon).due
