"""A clinic's year that never was: referrals, courses of treatment, discharges. Pure, and the same for the same seed.

Nobody here is or resembles anybody. What happened is told in the order in which a clinic's own system would send it:
for each patient the steps of care, and their entries as lines of the batch door. Everything older than a day is an
import; only what the doors allow is told (an answer to a question of the past is recorded when it is sent).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any, Final
from zoneinfo import ZoneInfo

ZONE: Final = ZoneInfo("Europe/London")
CLINICIANS: Final = ("c-ama", "c-tomasz", "c-priya")
WEEKS: Final = 52
LIVE: Final = timedelta(hours=23)
"""Entries as old as this go as live: the doors' 24 hours, less what sending may take."""

RULES: Final[dict[str, Any]] = {
    "base": "starter",
    "rules": {name: {"enabled": True} for name in ("stalled", "mood_shift_up", "mood_instability")},
}
"""All rules there are: those off in the starter set as well."""

ENDED: Final = (
    *(["recovers"] * 13),
    *(["steady"] * 6),
    *(["worsens"] * 6),
    *(["mild"] * 6),
    *(["no_last"] * 6),
    *(["leaves"] * 4),
)
IN_CARE: Final = (*(["recovers"] * 6), *(["steady"] * 5), *(["worsens"] * 4), *(["silent"] * 4))
"""How courses go; those of ENDED are over by the end of the year."""
ATTENDANCE: Final = {
    "attended": 80,
    "late": 6,
    "did_not_attend": 7,
    "cancelled_by_patient": 5,
    "cancelled_by_clinic": 2,
}
RATED: Final = (
    "felt_welcome",
    "room_was_comfortable",
    "felt_listened_to",
    "worked_on_what_matters",
    "questions_were_answered",
)
STRATEGIES: Final = ("short_walk", "grounding", "paced_breathing", "mindful_minute")
ASKED: Final = ("Is it normal to feel tired at first?", "May I bring my partner?", "How long should I practise?")


@dataclass(frozen=True)
class Step:
    """One request of the clinic's system. `{id}` in the path is the id that the answer to `about` gave."""

    method: str
    path: str
    body: dict[str, Any]
    key: str
    about: str = ""


@dataclass
class Life:
    """One invented patient: who they are, the steps of their care in order, their entries, and what they took back."""

    id: str
    clinician: str
    chance: Random
    ends_at: datetime
    steps: list[Step] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list)
    changes: list[Step] = field(default_factory=list)
    _sessions: int = 0
    _questions: int = 0

    def step(self, method: str, path: str, body: dict[str, Any], *, about: str = "", key: str = "") -> None:
        """Something to send."""
        self.steps.append(Step(method, path, body, key or f"{self.id}-{len(self.steps)}", about))

    def happened(self, at: datetime) -> dict[str, Any]:
        """When, on the patient's own clock, and whether it is live."""
        here = at.astimezone(ZONE).replace(microsecond=0)
        return {"occurred_at": here.isoformat(), "origin": self.origin(at)}

    def origin(self, at: datetime) -> str:
        """How something that happened then reaches a clinic that is looked at now."""
        return "live" if at > self.ends_at - LIVE else "import"

    def line(self, kind: str, at: datetime, **body: Any) -> None:
        """An entry for the batch door, unless it lies ahead."""
        if at < self.ends_at:
            key = f"{self.id}-{kind}-{len(self.lines)}"
            self.lines.append({"key": key, "type": kind, "patient": self.id, **body, **self.happened(at)})


@dataclass(frozen=True)
class Year:
    """All that is sent."""

    clinic: dict[str, Any]
    clinicians: dict[str, dict[str, Any]]
    lives: list[Life]
    ends_at: datetime

    @property
    def entries(self) -> int:
        """Entries of mood, all told."""
        return sum(len(life.lines) for life in self.lives)


def year(seed: int, ends_at: datetime) -> Year:
    """60 people of three clinicians over the 52 weeks up to `ends_at` (aware). The same for the same arguments."""
    ends_at = ends_at.astimezone(UTC).replace(microsecond=0)
    courses = [(course, True) for course in ENDED] + [(course, False) for course in IN_CARE]
    lives = []
    for number, (course, over) in enumerate(courses):
        chance = Random(f"{seed}/{number}")
        life = Life(f"p-{number:02}", CLINICIANS[number % len(CLINICIANS)], chance, ends_at)
        _care(life, course, over=over)
        lives.append(life)
    hours = {day: ["09:00", "17:00"] for day in ("mon", "tue", "wed", "thu", "fri")}
    clinic = {
        "name": "A year of a clinic",
        "zone": ZONE.key,
        "region": "GB",
        "working_hours": hours,
        "rule_set": RULES,
        "fallback_contact": {"name": "Duty", "email": "duty@year.example", "mobile": "+447700900999"},
        "scales": [],
        "detail_domains": [],
    }
    clinicians = {
        name: {"name": name, "email": f"{name}@year.example", "mobile": "+447700900001", "channels": ["email"]}
        for name in CLINICIANS
    }
    return Year(clinic, clinicians, lives, ends_at)


def _care(life: Life, course: str, *, over: bool) -> None:
    """From the referral to the discharge, or to today; some who were discharged long ago come back."""
    chance, every = life.chance, life.chance.choice((7, 14))
    planned = {"leaves": 1, "no_last": 3}.get(course, chance.randint(4, 6))
    weeks = planned * every // 7 + 3
    ago = chance.randint(weeks, WEEKS - 2) if over else chance.randint(7, 12)
    starts_at = _at(life, life.ends_at - timedelta(weeks=ago), chance.randint(9, 15))
    life.step(
        "PUT",
        f"/v1/patients/{life.id}",
        {"name": f"Person {life.id}", "clinician": life.clinician, "registered_at": starts_at.isoformat()},
    )
    ended = _episode(life, course, starts_at, every, planned if over else None, "e1")
    back_at = _at(life, ended + timedelta(weeks=6), 10)
    if over and back_at < life.ends_at - timedelta(weeks=5) and chance.random() < 0.4:
        _episode(life, "steady", back_at, 7, None if chance.random() < 0.5 else 4, "e2")
    _put_right(life)
    if chance.random() < 0.4:
        for _ in range(chance.randint(1, 5)):
            at = life.ends_at - timedelta(days=chance.uniform(1.2, 30))
            before = chance.randint(3, 9)
            tried = {"strategy": chance.choice(STRATEGIES), "before": before, "after": max(before - 2, 0)}
            if chance.random() < 0.2:
                tried.pop("after")
            life.step("POST", f"/v1/patients/{life.id}/strategies/tried", tried | life.happened(at))


def _at(life: Life, at: datetime, hour: float) -> datetime:
    """That local time on that day, to the second, never ahead."""
    here = at.astimezone(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    return min((here + timedelta(hours=hour)).astimezone(UTC), life.ends_at - timedelta(minutes=1))


def _episode(life: Life, course: str, starts_at: datetime, every: int, planned: int | None, name: str) -> datetime:
    """One episode of care with as many sessions as planned (None: as many as there are until today); when it ended."""
    referred_on = starts_at.astimezone(ZONE).date()
    life.step(
        "POST",
        f"/v1/patients/{life.id}/referrals",
        {"episode": name, "referred_on": referred_on.isoformat(), "problem": "depression"},
    )
    times = list(_times(life, starts_at + timedelta(days=4), every, planned))
    ends_at = times[-1] + timedelta(days=2) if planned else life.ends_at
    levels = _levels(life.chance, course)
    for number, at in enumerate(times):
        share = number / max(len(times) - 1, 1)
        held = _session(life, at, surely=course != "leaves" and number in (0, 1, len(times) - 1))
        asked = held or life.chance.random() < 0.5
        silent = course == "silent" and at > life.ends_at - timedelta(days=12)
        if asked and not silent and at < life.ends_at and not (course == "no_last" and number):
            _forms(life, at - timedelta(hours=1), levels, share)
    _check_ins(life, starts_at, ends_at, levels, course)
    for _ in range(life.chance.choice((0, 0, 1, 1, 2))):
        _question(life, starts_at + (ends_at - starts_at) * life.chance.random())
    if planned is None:
        coming = {"session": f"{life.id}-{name}-next", "scheduled_at": _next(life).isoformat()}
        life.step("POST", f"/v1/patients/{life.id}/sessions", coming)
        if life.chance.random() < 0.3:
            _question(life, life.ends_at - timedelta(hours=life.chance.uniform(1, 20)))
    else:
        on: date = ends_at.astimezone(ZONE).date()
        end = "dropped_out" if course == "leaves" else "completed"
        life.step("POST", f"/v1/patients/{life.id}/discharge", {"end": end, "ended_on": on.isoformat()})
    return ends_at


def _times(life: Life, first: datetime, every: int, planned: int | None) -> Iterator[datetime]:
    """When sessions are: always on one weekday, at one hour."""
    hour, number = life.chance.randint(9, 16), 0
    while planned is None or number < planned:
        at = _at(life, first + timedelta(days=every * number), hour)
        if at > life.ends_at - timedelta(hours=30):
            return
        yield at
        number += 1


def _next(life: Life) -> datetime:
    """Some days ahead."""
    return life.ends_at + timedelta(days=life.chance.randint(1, 7), hours=3)


def _session(life: Life, at: datetime, *, surely: bool) -> bool:
    """A session planned, perhaps moved, marked, perhaps rated; whether it was held."""
    chance = life.chance
    life._sessions += 1
    session = f"{life.id}-s{life._sessions:02}"
    was = at - timedelta(days=chance.randint(1, 2)) if chance.random() < 0.1 else at
    body: dict[str, Any] = {"session": session, "scheduled_at": was.isoformat()}
    if chance.random() < 0.2:
        body["ends_at"] = (was + timedelta(minutes=90)).isoformat()
    life.step("POST", f"/v1/patients/{life.id}/sessions", body)
    if was != at:
        moved = {"scheduled_at": at.isoformat(), "by": chance.choice(("patient", "clinic"))}
        life.step("POST", f"/v1/sessions/{session}/reschedule", moved)
    marked = "attended" if surely else chance.choices([*ATTENDANCE], [*ATTENDANCE.values()])[0]
    late = {"late_minutes": 10} if marked == "late" else {}
    life.step("POST", f"/v1/sessions/{session}/attendance", {"attendance": marked} | late)
    held = marked in ("attended", "late")
    if held and chance.random() < 0.6:
        rated_at = at + timedelta(minutes=chance.randint(60, 300))
        level = chance.choice((9, 9, 9, 8, 6))
        answers = {name: min(level + chance.randint(0, 1), 10) for name in RATED}
        when = {"rated_at": rated_at.isoformat(), "origin": life.origin(rated_at)}
        life.step("POST", f"/v1/sessions/{session}/rating", answers | when)
    if held and chance.random() < 0.1:
        life.step("PUT", f"/v1/sessions/{session}/checklist", {"welcomed": True, "time_for_questions": False})
    return held


Levels = tuple[float, float, float, float]
"""PHQ-9 and GAD-7 at the beginning and at the end."""


def _levels(chance: Random, course: str) -> Levels:
    draw = chance.uniform
    if course == "recovers":
        return draw(15, 19), draw(12, 16), draw(4, 7), draw(3, 5)
    if course == "worsens":
        phq, gad = draw(9, 12), draw(9, 11)
        return phq, gad, phq + draw(8, 11), gad + draw(4, 7)
    if course == "mild":
        return draw(4, 7), draw(3, 5), draw(3, 5), draw(2, 4)
    phq, gad = draw(13, 17), draw(10, 14)
    return phq, gad, phq - draw(0, 2), gad - draw(0, 1)


def _forms(life: Life, at: datetime, levels: Levels, share: float) -> None:
    """PHQ-9 by its items and GAD-7 by its total, at one time; item 9 now and then above 0, or left out."""
    chance = life.chance
    phq, gad = (levels[n] + (levels[n + 2] - levels[n]) * share for n in (0, 1))
    harm = chance.choice((1, 1, 2)) if chance.random() < 0.03 else 0
    items = dict.fromkeys(range(1, 9), 0)
    for _ in range(min(max(round(phq + chance.uniform(-0.8, 0.8)) - harm, 0), 24)):
        items[chance.choice([item for item, value in items.items() if value < 3])] += 1
    answers = {str(item): value for item, value in items.items()}
    if 0 < share < 1 and chance.random() < 0.03:
        life.line("questionnaire", at, instrument="phq9", items=answers)
    else:
        life.line("questionnaire", at, instrument="phq9", items={**answers, "9": harm})
    total = min(max(round(gad + chance.uniform(-0.6, 0.6)), 0), 21)
    life.line("questionnaire", at, instrument="gad7", total=total)


def _check_ins(life: Life, starts_at: datetime, ends_at: datetime, levels: Levels, course: str) -> None:
    """Three times a week, as people feel; silent at the end, or away for a while."""
    chance = life.chance
    until = life.ends_at - timedelta(days=chance.randint(9, 12)) if course == "silent" else ends_at
    away = starts_at + (ends_at - starts_at) * chance.random()
    back = away + timedelta(days=chance.choice((0, 0, 8, 11, 14)))
    at, hour = starts_at + timedelta(hours=3), chance.uniform(7, 21)
    while at < until:
        share = (at - starts_at) / (ends_at - starts_at)
        low = (levels[0] + (levels[2] - levels[0]) * share) / 27
        if not away <= at < back:
            mood = min(max(round(2 * (9.5 - 9 * low + chance.gauss(0, 0.7))) / 2, 0), 10)
            life.line("check_in", at, mood=mood)
        at = _at(life, at + timedelta(days=chance.choice((2, 2, 3))), hour + chance.uniform(-1, 1))
        if at >= life.ends_at - timedelta(minutes=2):
            return


def _put_right(life: Life) -> None:
    """Of every fourth person a check-in is corrected some hours later, and an entry withdrawn."""
    if life.chance.random() > 0.25 or len(life.lines) < 4:
        return
    for line, path in (
        (life.chance.choice([line for line in life.lines if "mood" in line]), "/v1/check-ins/{id}/corrections"),
        (life.chance.choice(life.lines), "/v1/entries/{id}/withdrawal"),
    ):
        at = datetime.fromisoformat(line["occurred_at"]) + timedelta(hours=life.chance.randint(1, 30))
        body = {"patient": life.id, **life.happened(min(at, life.ends_at))}
        if path.endswith("corrections"):
            body["mood"] = life.chance.randint(0, 10)
        life.changes.append(Step("POST", path, body, f"{life.id}-change-{len(life.changes)}", line["key"]))


def _question(life: Life, at: datetime) -> None:
    """Asked; then answered and settled, answered, settled without an answer, or left open."""
    life._questions += 1
    asked = f"{life.id}-q{life._questions}"
    body = {"patient": life.id, "text": life.chance.choice(ASKED), **life.happened(at)}
    life.step("POST", "/v1/questions", body, key=asked)
    what = life.chance.choice(("answered", "answered", "settled", "both", "both", "open"))
    if what in ("answered", "both"):
        answer = {"text": "Yes: let us talk about it.", "by": life.clinician}
        life.step("POST", "/v1/questions/{id}/answer", answer, about=asked)
    if what in ("settled", "both"):
        life.step("POST", "/v1/questions/{id}/settle", {}, about=asked)
