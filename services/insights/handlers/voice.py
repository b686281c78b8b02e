"""Assessing a patient, saying it where it is news, and saving it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.insights.domain import RULES_VERSION, Standing, assess, micros
from services.insights.domain.ports import PROVISIONAL, Clinics, Order, Saved, Store
from services.insights.handlers.owned import Owned
from services.insights.handlers.saying import (
    Said,
    assessment_of,
    content_of,
    message,
    place_in_caseload,
)
from shared import metrics
from shared.bus import Publisher, TooLarge
from shared.clock import Clock
from shared.contracts import Assessment, Clinic
from shared.contracts.base import Urgency
from shared.logs import logger

log = logger(__name__)

SAID_AT_ONCE: Final = 500
"""Assessments per publish; saving them goes on while the next ones are published."""
LATER: Final = 60_000_000
"""Microseconds until a patient whose assessment failed by itself is tried again."""


@dataclass(frozen=True, slots=True)
class View:
    """How far a partition is known (`basis`, `horizon`, whether to its end), and when it is looked at."""

    basis: int
    horizon: datetime
    caught_up: bool
    now: datetime


@dataclass(frozen=True, slots=True)
class Word:
    """An assessment just made. speak: it is news; else it is only saved. settles: then there is nothing left to do."""

    assessment: Assessment
    content: bytes
    speak: bool
    settles: bool
    saved: Saved


class Voice:
    """Makes assessments, and says those that differ from what was said and outdo it."""

    def __init__(
        self,
        *,
        store: Store,
        publisher: Publisher,
        clinics: Clinics,
        clock: Clock,
        epoch: int,
        new_rules_from: datetime | None = None,
    ) -> None:
        self._store, self._publisher, self._clinics, self._clock = store, publisher, clinics, clock
        self._epoch, self._new_rules_from = epoch, new_rules_from
        self._standings: dict[str, tuple[Clinic | None, Standing]] = {}

    def standing(self, clinic: str) -> Standing:
        """What a clinic has settled, as far as known now."""
        document = self._clinics.clinic(clinic)
        known = self._standings.get(clinic)
        if known is None or known[0] is not document:
            known = self._standings[clinic] = (document, Standing(document, new_rules_from=self._new_rules_from))
        return known[1]

    def may_outdo(self, owned: Owned, view: View) -> bool:
        """Whether we know as much as whoever spoke before us, so that our word may replace any of theirs."""
        known_since = owned.silent_until is None or view.caught_up or view.horizon > owned.silent_until
        return known_since and (self._epoch, view.basis) >= owned.gate

    def outdoes(self, key: str, said: Said, view: View) -> bool:
        """Whether what we would say of a patient now counts for more than what was said."""
        version = self.standing(key.partition("/")[0]).version
        return (self._epoch, view.basis, version, RULES_VERSION) >= said.order[:4]

    def judge(self, owned: Owned, key: str, view: View) -> Word:
        """Assess a patient whose state is in memory, and decide whether to say it."""
        state = owned.states[key].state
        standing = self.standing(key.partition("/")[0])
        findings = assess(state, standing, now=view.now, horizon=view.horizon)
        said = owned.said.get(key)
        assessment = assessment_of(
            key, findings, epoch=self._epoch, basis=view.basis, standing=standing, now=view.now, said=said
        )
        content, order = content_of(assessment), assessment.order
        risk = sum(state.aside.values())
        owned.dues.set(key, None if findings.due is None else micros(findings.due))
        owned.settings.setdefault(assessment.clinic, standing.version)
        owned.count_aside(key, len(state.aside), risk)
        if said is not None:
            said.found = content
        fits = said is not None and said.content == content and not said.overtaken
        speak = not fits and self._may_speak(owned, order, said, view)
        if not (fits or speak):
            owned.pending[key] = None
        registered = state.registered
        saved = Saved(
            key=key,
            said=order if speak else said.order if fits and said is not None else PROVISIONAL,
            order=order,
            clinic=assessment.clinic,
            clinician=registered.clinician if registered else None,
            place=place_in_caseload(key, assessment, registered, harm_not_processed=risk > 0),
            partition=owned.partition,
            due=findings.due,
            settings_version=standing.version,
            rules_version=RULES_VERSION,
            aside=len(state.aside),
            aside_risk=risk,
            body=assessment.model_dump_json(),
            rules=tuple(concern.rule for concern in findings.concerns),
            at_once=any(one.urgency is Urgency.AT_ONCE for concern in findings.concerns for one in concern.telling),
            heard=findings.last_heard,
            ended=registered.ended if registered else (),
        )
        return Word(assessment, content, speak, fits or speak, saved)

    def _may_speak(self, owned: Owned, order: Order, said: Said | None, view: View) -> bool:
        return said is None or (self.may_outdo(owned, view) and order > said.order)

    async def say(self, owned: Owned, words: Sequence[Word], accepted: Mapping[str, datetime]) -> None:
        """Publish what is news, then save all. `accepted`: when the oldest live entry behind a word was accepted.

        A word too large for the bus is neither said nor saved, and keeps no other from being: it is tried again later.
        """
        saving: list[asyncio.Task[None]] = []
        refused: set[str] = set()
        try:
            for start in range(0, len(words), SAID_AT_ONCE):
                some = words[start : start + SAID_AT_ONCE]
                refused |= await self._publish(owned, [word for word in some if word.speak], accepted)
                kept = [word.saved for word in some if word.assessment.key not in refused]
                saving.append(asyncio.create_task(self._store.save(kept)))
            for task in saving:
                await task
            for word in words:  # not before: what was neither said nor saved has to be looked at again
                if word.assessment.key in refused:
                    self.put_off(owned, word.assessment.key)
                elif word.settles:
                    owned.pending.pop(word.assessment.key, None)
        finally:
            for task in saving:
                task.cancel()
            await asyncio.gather(*saving, return_exceptions=True)

    def put_off(self, owned: Owned, key: str) -> None:
        """Look at a patient again later: now it came to nothing."""
        owned.pending.pop(key, None)
        owned.dues.set(key, micros(self._clock.now()) + LATER)

    async def _publish(self, owned: Owned, news: Sequence[Word], accepted: Mapping[str, datetime]) -> set[str]:
        """Say some words; whose are too large to be said."""
        if not news:
            return set()
        try:
            positions = await self._publisher.publish([message(word.assessment) for word in news])
        except TooLarge:
            if len(news) == 1:
                log.error("assessment_too_large", partition=owned.partition)  # noqa: TRY400  a trace says no more
                metrics.TOO_LARGE.labels("insights", "assessment").inc()
                return {news[0].assessment.key}
            half = len(news) // 2  # whoever was said before the one too large is said again: that changes nothing
            first = await self._publish(owned, news[:half], accepted)
            return first | await self._publish(owned, news[half:], accepted)
        now = self._clock.now()
        for word, position in zip(news, positions, strict=True):
            owned.spoke(word.assessment, word.content, position.offset)
            since = accepted.get(word.assessment.key)
            if since is not None:
                metrics.CHECK_IN_TO_ASSESSMENT.observe(max(0.0, (now - since).total_seconds()))
        metrics.ASSESSMENTS_PUBLISHED.labels("insights").inc(len(news))
        return set()
