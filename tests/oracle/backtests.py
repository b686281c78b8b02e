"""What a rule set would have raised of a clinic's own past, as docs/backtest.md words it: by assessing again and again.

A patient's past is a row of instants at which something came to be known. At each the rules are asked, and in between
they are asked whether time alone has changed their word; when, to the microsecond, is found by halving. It knows
nothing of any single rule, so that a new one needs nothing here.
"""

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from tests.oracle.case import is_word_from_patient
from tests.oracle.entries import Inputs
from tests.oracle.plain import Plain, day, days, highest_versions, instant, settings_history, there
from tests.oracle.rules import assess

TICK = timedelta(microseconds=1)
STEP = days(7)
"""In a longer stretch without news the rules are asked this often: what comes and goes in between would be missed."""
LATE = days(14)
"""Attendance recorded longer after a session was brought in from elsewhere (docs/backtest.md)."""
Holding = dict[str, datetime]
"""The rules that hold, each with its `since`."""
Dated = tuple[datetime, Plain]


class Stretch(NamedTuple):
    """A rule that held from one assessment to another; cleared_at is None where it holds to the end."""

    patient: str
    rule: str
    raised_at: datetime
    cleared_at: datetime | None

    def meets(self, other: "Stretch") -> bool:
        """Whether both hold at a common instant."""
        return (other.cleared_at is None or self.raised_at < other.cleared_at) and (
            self.cleared_at is None or other.raised_at < self.cleared_at
        )


def as_if_always(clinic: Plain | None, rule_set: Plain | None = None) -> Plain | None:
    """A clinic with one rule set for ever: this one, or the last of its own."""
    if there(clinic) is None or clinic is None:
        return None
    chosen = rule_set or settings_history(clinic)[-1]["rule_set"]
    # read once: an instant of an instant is itself
    always = [
        {**settings, "effective_from": instant(settings["effective_from"]), "rule_set": chosen}
        for settings in clinic["settings"]
    ]
    return {**clinic, "settings": always}


def raised(patient: str, of: Inputs, clinic: Plain | None, since: Any, until: Any) -> list[Stretch]:
    """What would have been raised of a patient from `since` to `until`, inclusive. clinic: of `as_if_always`."""
    past = _Past(of, clinic, instant(until))
    found: list[Stretch] = []
    opened: Holding = {}

    def told(now: datetime, holding: Holding) -> None:
        for rule in [rule for rule in opened if rule not in holding]:
            found.append(Stretch(patient, rule, opened.pop(rule), now))
        for rule in holding:
            opened.setdefault(rule, now)

    instants = past.instants()
    for at, end in zip(instants, [*(other - TICK for other in instants[1:]), past.until], strict=True):
        told(at, past.at(at))
        reached = at
        while reached < end:
            reached = _first_change(past.at, reached, min(reached + STEP, end))
            told(reached, past.at(reached))
    found += [Stretch(patient, rule, began, None) for rule, began in opened.items()]
    return sorted(one for one in found if one.raised_at >= instant(since))


def _first_change(holding_at: Callable[[datetime], Holding], at: datetime, later: datetime) -> datetime:
    """The first instant after `at`, up to `later`, with other rules holding than at `at`; `later` if there is none."""
    before, after = holding_at(at).keys(), holding_at(later)
    if after.keys() == before:
        return later
    begun = min((after[rule] for rule in after.keys() - before if after[rule] > at), default=None)
    if begun is not None and holding_at(begun).keys() != before == holding_at(begun - TICK).keys():
        return begun  # a guess that was right: a concern's own word of since when it holds
    while later - at > TICK:
        middle = at + (later - at) // 2
        if holding_at(middle).keys() == before:
            at = middle
        else:
            later = middle
    return later


class _Past:
    """One patient as they were known at any instant of the past."""

    def __init__(self, of: Inputs, clinic: Plain | None, until: datetime) -> None:
        self.until = until
        self._clinic = clinic
        zone = ZoneInfo(settings_history(clinic)[0]["zone"])
        facts = {fact["id"]: fact for fact in of.facts if is_word_from_patient(fact)}
        self._facts = [{**fact, "occurred_at": instant(fact["occurred_at"])} for fact in facts.values()]
        self._facts = [fact for fact in self._facts if fact["occurred_at"] <= until]
        self._patient = _patients(there(of.patient), zone)
        self._sessions = [_sessions(one) for one in highest_versions(of.sessions, "session") if there(one)]
        self._questions = [_questions(one) for one in highest_versions(of.questions, "question") if there(one)]
        self._asked: dict[datetime, Holding] = {}

    def instants(self) -> list[datetime]:
        """When anything came to be known."""
        documents = [self._patient, *self._sessions, *self._questions]
        changed = {at for versions in documents for at, _ in versions if at <= self.until}
        return sorted(changed | {fact["occurred_at"] for fact in self._facts})

    def at(self, now: datetime) -> Holding:
        """What holds at an instant, by what was known at it."""
        if now not in self._asked:
            patient = _as_known([self._patient], now)
            said = assess(
                [fact for fact in self._facts if fact["occurred_at"] <= now],
                patient[0] if patient else None,
                _as_known(self._sessions, now),
                _as_known(self._questions, now),
                self._clinic,
                now,
                now,
            )
            self._asked[now] = {one["rule"]: one["since"] for one in said["concerns"] if one["holds"]}
        return self._asked[now]


def _as_known(documents: list[list[Dated]], now: datetime) -> list[Plain]:
    """Of each document the last version by then."""
    known = [[version for at, version in versions if at <= now] for versions in documents]
    return [versions[-1] for versions in known if versions]


def _in_order(versions: list[Dated]) -> list[Dated]:
    """By the instant from which each counts; of two at one instant the later in the list is the later version."""
    return sorted(versions, key=lambda dated: dated[0])


def _patients(last: Plain | None, zone: ZoneInfo) -> list[Dated]:
    """In care from registration to each discharge, and from each further referral on."""
    if last is None:
        return []

    def from_midnight_of(on: Any, later: int = 0) -> datetime:
        return max(instant(datetime.combine(day(on) + timedelta(days=later), time(), zone)), registered)

    registered = instant(last["registered_at"])
    found: list[Dated] = []
    for number, episode in enumerate(last.get("episodes", [])):
        started = {
            "episode_started_on": episode.get("started_on") or episode["referred_on"],
            "episodes": last["episodes"][: number + 1],  # nobody knew of those to come
        }
        begins = from_midnight_of(episode["referred_on"]) if found else registered
        found.append((begins, {**last, **started, "status": "active"}))
        if episode.get("ended_on"):
            found.append((from_midnight_of(episode["ended_on"], 1), {**last, **started, "status": "discharged"}))
    if not found:
        found.append((registered, {**last, "status": "active"}))
    if last.get("status", "active") != "active":
        found.append((max(instant(last["updated_at"]), registered), last))
    return _in_order(found)


def _sessions(last: Plain) -> list[Dated]:
    """Planned; then with its attendance from when it was recorded; with its rating from when the patient gave it."""
    planned = instant(last["scheduled_at"])
    known: list[tuple[datetime, str]] = []
    if last.get("attendance"):
        ended = instant(last["ends_at"]) if last.get("ends_at") else planned + timedelta(minutes=50)
        recorded = instant(last["attendance_at"]) if last.get("attendance_at") else ended
        known.append((ended if recorded - planned > LATE else recorded, "attendance"))
    if last.get("rating"):
        known.append((instant(last["rating"]["rated_at"]), "rating"))
    blank = {**last, "scheduled_at": planned, "attendance": None, "rating": None}
    found = [(min([planned, *(at for at, _ in known)]), blank)]
    for at, _ in sorted(known):
        found.append((at, blank | {name: last[name] for since, name in known if since <= at}))
    return _in_order(found)


def _questions(last: Plain) -> list[Dated]:
    """Open until it was answered, answered until it was settled."""
    found = [(instant(last["asked_at"]), {**last, "status": "open"})]
    for name, status in (("answered_at", "answered"), ("settled_at", "settled")):
        if last.get(name):
            found.append((instant(last[name]), {**last, "status": status}))
    return _in_order(found)
