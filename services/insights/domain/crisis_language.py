"""Crisis language: words found at the door in what a patient wrote (docs/rules.md). Never a score or a tier."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Sequence
from datetime import datetime
from sys import intern
from typing import Final, Literal, NamedTuple

from services.insights.domain.catalogue import CRISIS_LANGUAGE, Parameters
from services.insights.domain.instants import DAY, IMPORTED, ORIGINS, code_of, instant_of, micros, sort_key, span
from services.insights.domain.listing import beyond, listed
from services.insights.domain.words import at_time, days, reached
from shared.contracts import Session
from shared.contracts.assessments import Concern, Telling
from shared.contracts.screening import Screening

Where = Literal["check-in", "question", "session rating", "note on a withdrawn entry"]
_SIGNS: Final = {
    "wish_to_die": "a wish to die",
    "plan_or_means": "a plan or means",
    "suicide_named": "suicide by name",
    "self_harm": "self-harm",
    "goodbye": "a goodbye",
    "hopeless_trapped": "seeing no way on",
    "burden": "being a burden",
    "not_safe": "not being safe",
    "voices": "voices that ask for harm",
    "past_attempt": "an earlier attempt",
    "harm_to_others": "harm to somebody else",
}


class Found(NamedTuple):
    """Words found in one text: when it was written, its evidence's id, how it came, what kind of words, where."""

    at: int
    evidence: str
    origin: int
    accepted: int
    where: Where
    signs: tuple[str, ...]


class CrisisWords:
    """Everything a patient wrote in which the screen found something, in order of (time, id)."""

    __slots__ = ("_ratings", "found")

    def __init__(self) -> None:
        self.found: list[Found] = []
        self._ratings: dict[str, tuple[int, Found | None]] = {}

    def add(self, found: Found) -> None:
        """Take in a fact in which words were found."""
        insort(self.found, found)

    def apply(self, session: Session) -> None:
        """Take in a session's document, for the comment of its rating; the highest version counts."""
        version, before = self._ratings.get(session.session, (0, None))
        if session.version <= version:
            return
        rating, after = (None if session.deleted else session.rating), None
        if rating is not None and rating.screening is not None and rating.screening.crisis_language:
            name = f"rating:{session.session}"
            signs = signs_of(rating.screening)
            after = Found(micros(rating.rated_at), name, code_of(rating.origin), 0, "session rating", signs)
        self._ratings[session.session] = (session.version, after)
        if before is not None:
            del self.found[bisect_left(self.found, before)]
        if after is not None:
            insort(self.found, after)


def signs_of(screening: Screening) -> tuple[str, ...]:
    """The kinds of words found, one string for all patients."""
    return tuple(intern(sign) for sign in screening.signs)


def concern(
    words: CrisisWords, parameters: Parameters, *, now: int, local: Callable[[int], datetime]
) -> tuple[Concern | None, int | None]:
    """What the rule says, and when time alone changes it next."""
    recall, tell = span(parameters["days"]), span(parameters["tell_days"])
    first = bisect_right(words.found, now - max(recall, tell), key=lambda one: one.at)
    recent = [one for one in words.found[first:] if one.at + recall > now]
    told = [one for one in words.found[first:] if one.at + (recall if one.origin == IMPORTED else tell) > now]
    shown = sorted({*recent, *told})
    if not shown:
        return None, None
    telling = listed(told, kind=lambda one: (one.origin == IMPORTED, True), came=_came)
    ends = [one.at + recall for one in recent]
    ends += [one.at + tell for one in told if one.origin != IMPORTED]
    return (
        Concern(
            rule=CRISIS_LANGUAGE.name,
            holds=bool(recent),
            since=instant_of(_since(words.found, recall, now)) if recent else None,
            reason=_reason(shown, recent, recall, local) + beyond(len(told) - len(telling)),
            until=CRISIS_LANGUAGE.until,
            source=CRISIS_LANGUAGE.source,
            parameters=dict(parameters),
            numbers={"texts": len(shown)},
            telling=[_telling(one, local) for one in telling],
        ),
        min(ends),
    )


def _came(one: Found) -> tuple[int, bytes]:
    return one.accepted or one.at, sort_key(one.at, one.evidence)


def _since(found: Sequence[Found], recall: int, now: int) -> int:
    """The start of the earliest unbroken stretch of [at, at + recall) windows that ends after now."""
    start = end = found[0].at
    for one in found:
        if one.at > end:
            if end > now:
                break
            start = one.at
        end = one.at + recall
    return start


def _reason(shown: list[Found], recent: list[Found], recall: int, local: Callable[[int], datetime]) -> str:
    last = shown[-1]
    have = "1 text has" if len(shown) == 1 else f"{len(shown)} texts have"
    said = [
        f"{have} words that people in a crisis use; the last is a {last.where} of {at_time(local(last.at))}.",
        "Read what was written: words are all that was found, and what was not found is no reassurance.",
    ]
    if not recent:
        said.insert(1, f"That is longer ago than {days(recall / DAY)}.")
    return " ".join(said)


def _telling(one: Found, local: Callable[[int], datetime]) -> Telling:
    origin = ORIGINS[one.origin]
    kinds = ", ".join(_SIGNS.get(sign, sign.replace("_", " ")) for sign in one.signs) or "not named"
    return Telling(
        id=one.evidence,
        at=instant_of(one.at),
        origin=origin,
        urgency=CRISIS_LANGUAGE.urgency,
        said=(
            f"A {one.where} of {at_time(local(one.at))}{reached(origin)} has words that people in a crisis use "
            f"(kind of words: {kinds}). Read it."
        ),
        accepted_at=instant_of(one.accepted) if one.accepted else None,
    )
