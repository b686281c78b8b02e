"""A clinic that never was: people, their weeks, and what they enter. Pure, and the same for the same seed and end.

Nobody here is or resembles anybody. The numbers are chosen so that each rule has something to find, not to be
true of any population: they say nothing of how often these things happen.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from deploy.demo import words
from deploy.demo.story import Body, Entry, Kind, Person, Story, demo_clinic, demo_clinicians, origin

ZONE: Final = "Europe/London"

COURSES: Final = (
    *("worsening", "shifted", "silent", "improving", "steady", "worsening_today"),
    *(["improving", "steady", "improving"] * 7),
    *("worsening", "shifted", "silent", "worsening", "shifted", "silent", "worsening_today"),
    *(["improving", "steady"] * 8),
)
"""How somebody's weeks go: of 50 people 23 improve, 16 hold steady, 3 worsen and 2 do today, 3 drop, 3 fall silent."""

SETTLES: Final = 0.85
"""The share of those answered who say that it is settled; the others are asked at the next session."""
RISK_ANSWERS: Final = (
    *("today_2", "recent_1", "today_1", "past_1", "today_3", "recent_2", "past_2", "recent_3"),
    *([""] * 32),
)
"""Who answers item 9 above 0: today (live), 2 to 10 days ago, or longer ago than its recall. Of 40 people, 8."""

QUESTIONS: Final = ("unanswered", "today", *(["answered"] * 6), *([""] * 4))
RATINGS: Final = ("drop", *([""] * 14))


@dataclass
class Life:
    """One invented person while their story is written."""

    chance: Random
    id: str
    course: str
    risk: str
    asks: str
    rates: str
    clinician: str
    starts_at: datetime
    ends_at: datetime
    zone: ZoneInfo
    entries: list[Entry] = field(default_factory=list)
    _level: float = 0.5
    _change: float = 0.0
    _turn: float = 0.6
    _silent_days: int = 0

    @property
    def speaks_until(self) -> datetime:
        """The last instant at which they enter anything."""
        return self.ends_at - timedelta(days=self._silent_days)

    def days(self) -> Iterator[date]:
        """Their days from the first to the last."""
        day = self.starts_at.astimezone(self.zone).date()
        last = self.ends_at.astimezone(self.zone).date()
        while day <= last:
            yield day
            day += timedelta(days=1)

    def at(self, day: date, hour: float) -> datetime:
        """That local time of that day, to the second."""
        seconds = min(max(int(hour * 3600), 0), 86_399)
        moment = time(seconds // 3600, seconds // 60 % 60, seconds % 60)
        return datetime.combine(day, moment, self.zone)

    def enter(self, at: datetime, kind: Kind, body: Body, about: str = "") -> Entry | None:
        """Add an entry if it lies within the story."""
        if not self.starts_at <= at <= self.ends_at:
            return None
        entry = Entry(self.id, at.astimezone(UTC), kind, body, about)
        self.entries.append(entry)
        return entry

    def distress(self, at: datetime) -> float:
        """How bad things are, 0 not at all to 1 as bad as can be, without the day's weather."""
        return self._level + self._change * self._progress((at - self.starts_at) / (self.ends_at - self.starts_at))

    def plan(self) -> None:
        """Decide where they start and where they are going."""
        draw = self.chance.uniform
        self._level = (
            draw(0.25, 0.42) if self.course in {"worsening", "worsening_today", "shifted"} else draw(0.35, 0.6)
        )
        self._change = {
            "improving": -draw(0.12, 0.3),
            "worsening": draw(0.3, 0.42),
            "worsening_today": 0.0,
            "shifted": draw(0.22, 0.28),
        }.get(self.course, 0.0)
        self._turn = draw(0.55, 0.65)
        self._silent_days = self.chance.randint(9, 20) if self.course == "silent" else 0

    def _progress(self, share: float) -> float:
        """How much of the change has come about, 0 to 1, when that share of the time has passed."""
        if self.course == "worsening":
            return max(0.0, (share - self._turn) / (1 - self._turn))
        if self.course == "shifted":
            return 1.0 if share >= self._turn else 0.0
        return share


def simulate(seed: int, patients: int, weeks: int, ends_at: datetime) -> Story:
    """A clinic's story: `patients` people over `weeks` weeks up to `ends_at` (aware). The same for the same arguments.

    From 20 patients and 10 weeks on each rule that needs nothing from a door (screening, triage) finds something at the
    end.

    Raises:
        ValueError: fewer than 1 or more than 900 patients, or fewer than 1 or more than 104 weeks.
    """
    if not 1 <= patients <= 900 or not 1 <= weeks <= 104:
        raise ValueError("send 1 to 900 patients and 1 to 104 weeks")
    zone = ZoneInfo(ZONE)
    ends_at = ends_at.astimezone(UTC).replace(microsecond=0)
    begins_at = ends_at - timedelta(weeks=weeks)
    clinicians = demo_clinicians()
    lives = _cast(seed, patients, begins_at=begins_at, ends_at=ends_at, zone=zone, clinicians=clinicians)
    entries: list[Entry] = []
    for life in lives:
        life.plan()
        _check_ins(life)
        _questionnaires(life)
        _sessions(life)
        _questions(life)
        entries += life.entries
    entries.sort(key=lambda entry: (entry.at, entry.patient, ORDER.index(entry.kind), entry.key))
    return Story(demo_clinic(ZONE, []), clinicians, [_person(seed, life) for life in lives], entries, ends_at)


ORDER: Final[Sequence[Kind]] = (
    *("session", "attendance", "rating", "check_in", "questionnaire", "question", "answer", "settle"),
)
"""What comes first of things at one instant."""


def _cast(
    seed: int, patients: int, *, begins_at: datetime, ends_at: datetime, zone: ZoneInfo, clinicians: list[Person]
) -> list[Life]:
    """Who is who. The first of each cycle comes first, so that a small clinic has one of each as well."""
    chance = Random(f"{seed}/cast")  # noqa: S311 (a simulation, not a secret)
    courses = [COURSES[number % len(COURSES)] for number in range(patients)]
    chance.shuffle(courses)
    span = ends_at - begins_at
    lives = []
    speaking = 0
    for number, course in enumerate(courses):
        own = Random(f"{seed}/{number}")  # noqa: S311
        late = course in {"improving", "steady"} and own.random() < 0.3
        silent = course == "silent"
        lives.append(
            Life(
                chance=own,
                id=f"P{number + 1:04}",
                course=course,
                risk="" if silent else RISK_ANSWERS[speaking % len(RISK_ANSWERS)],
                asks="answered" if silent else QUESTIONS[(speaking + 3) % len(QUESTIONS)],
                rates="" if silent else RATINGS[(speaking + 7) % len(RATINGS)],
                clinician=clinicians[number % len(clinicians)].id,
                starts_at=(begins_at + span * own.uniform(0.02, 0.25) if late else begins_at).replace(microsecond=0),
                ends_at=ends_at,
                zone=zone,
            )
        )
        speaking += not silent
    return lives


def _person(seed: int, life: Life) -> Person:
    """The body of PUT /v1/patients/{id}."""
    number = int(life.id[1:])
    chance = Random(f"{seed}/name/{number}")  # noqa: S311
    first, last = chance.choice(words.FIRST_NAMES), chance.choice(words.LAST_NAMES)
    started_on = life.starts_at.astimezone(life.zone).date()
    body: Body = {
        "name": f"{first} {last}",
        "email": f"{first}.{last}.{number}@example.net".lower(),
        "mobile": f"+447700900{number % 900:03}",
        "consent_to_contact": chance.random() < 0.9,
        "clinician": life.clinician,
        "zone": ZONE,
        "status": "active",
        "episode_started_on": started_on.isoformat(),
        "registered_at": life.starts_at.isoformat(),
    }
    return Person(life.id, body, life.course)


def _check_ins(life: Life) -> None:
    """Mood 0 to 10: today's is like yesterday's, at one's usual hour, on the days one has the habit of."""
    chance = life.chance
    steady_habit = life.course in {"shifted", "worsening", "silent"}
    every = 1 if steady_habit or chance.random() < 0.7 else chance.choice((2, 3))
    leaves_out = chance.uniform(0.02, 0.12)
    hour, step = chance.choice((7.5, 8.0, 12.5, 18.0, 20.0, 21.5)), chance.choice((1, 1, 1, 2))
    shares = chance.random() < 0.5
    weather, away_until = 0.0, life.starts_at
    for number, day in enumerate(life.days()):
        weather = 0.35 * weather + chance.gauss(0, 0.8)
        at = life.at(day, hour + chance.gauss(0, 0.6))
        if chance.random() < 0.008:
            away_until = at + timedelta(days=chance.randint(3, 5))
        if number % every or chance.random() < leaves_out or at < away_until or at > life.speaks_until:
            continue
        mood = min(max(round((9.5 - 9 * life.distress(at) + weather) * step) / step, 0), 10)
        body: Body = {"patient": life.id, "mood": mood}
        if shares:
            body |= _besides(chance, mood)
        body |= {"occurred_at": at.isoformat(), "origin": origin(at, life.ends_at)}
        life.enter(at, "check_in", body)


def _besides(chance: Random, mood: float) -> Body:
    """What some people add: energy, sleep, feelings and now and then a note."""
    tone = "good" if mood >= 6 else "mixed" if mood >= 4 else "low"
    body: Body = {
        "energy": min(max(round(mood + chance.gauss(0, 1.5)), 0), 10),
        "sleep": min(max(round(mood + chance.gauss(0.5, 2)), 0), 10),
        "feelings": sorted(chance.sample(words.FEELINGS[tone], chance.randint(1, 2))),
    }
    if chance.random() < 0.2:
        body["note"] = chance.choice(words.NOTES[tone])
    return body


def _questionnaires(life: Life) -> None:
    """PHQ-9 and GAD-7 every week or fortnight, true to the mood; item 9 as the story has it."""
    chance = life.chance
    apart = 7 if life.risk or life.course.startswith("worsening") or chance.random() < 0.6 else 14
    weekday, hour = chance.randrange(7), chance.choice((9.0, 17.5, 19.0, 20.5))
    leans = [chance.uniform(0.5, 1.5) for _ in range(8)]
    times = [
        life.at(day, hour + chance.gauss(0, 0.3))
        for number, day in enumerate(life.days())
        if number == 0 or (day.weekday() == weekday and (apart == 7 or number // 7 % 2))
    ]
    times[0] = life.starts_at + timedelta(minutes=chance.randint(5, 50))
    item_9_at, item_9 = _risk_answer(life)
    extra = [at for at in (item_9_at, _today(life) if life.course == "worsening_today" else None) if at is not None]
    a_day = timedelta(days=1)
    times = [at for at in times if all(abs(at - other) > a_day for other in extra)] + extra
    for at in sorted(times):
        if at > life.speaks_until or (at not in extra and at != times[0] and chance.random() < 0.06):
            continue
        distress = life.distress(at) + (0.32 if life.course == "worsening_today" and at in extra else 0)
        again = item_9_at is not None and at > item_9_at and chance.random() < 0.4
        harm = item_9 if at == item_9_at else 1 if again else 0
        _phq_9(life, at, round(27 * distress + chance.gauss(0, 1.1)), harm, leans)
        _gad_7(life, at + timedelta(minutes=3), round(21 * distress + chance.gauss(0, 0.8)), leans)


def _today(life: Life) -> datetime:
    """Some time in the last hours of the story."""
    return life.ends_at - timedelta(minutes=life.chance.randint(15, 20 * 60))


def _risk_answer(life: Life) -> tuple[datetime | None, int]:
    """When item 9 is answered above 0, and how."""
    when, _, value = life.risk.partition("_")
    if when == "today":
        return _today(life), int(value)
    ago = {"recent": (2, 10), "past": (20, 50)}.get(when)
    if ago is None:
        return None, 0
    return life.ends_at - timedelta(days=life.chance.uniform(*ago)), int(value)


def _phq_9(life: Life, at: datetime, total: int, harm: int, leans: list[float]) -> None:
    """Eight items that make up the total, and item 9 by itself."""
    items = _spread(life.chance, min(max(total - harm, 0), 24), leans)
    _questionnaire(life, at, "phq9", [*items, harm])


def _gad_7(life: Life, at: datetime, total: int, leans: list[float]) -> None:
    """Seven items that make up the total."""
    _questionnaire(life, at, "gad7", _spread(life.chance, min(max(total, 0), 21), leans[:7]))


def _spread(chance: Random, total: int, leans: list[float]) -> list[int]:
    """Items of 0 to 3 with this sum, after one's own leanings."""
    items = [0] * len(leans)
    for _ in range(total):
        room = [number for number, value in enumerate(items) if value < 3]
        items[chance.choices(room, [leans[number] for number in room])[0]] += 1
    return items


def _questionnaire(life: Life, at: datetime, instrument: str, items: list[int]) -> None:
    answers = {str(number): value for number, value in enumerate(items, start=1)}
    at = at.astimezone(life.zone).replace(microsecond=0)
    body: Body = {"patient": life.id, "instrument": instrument, "items": answers}
    life.enter(at, "questionnaire", {**body, "occurred_at": at.isoformat(), "origin": origin(at, life.ends_at)})


ATTENDANCE: Final = {
    "attended": 86,
    "late": 4,
    "did_not_attend": 5,
    "cancelled_by_patient": 3,
    "cancelled_by_clinic": 2,
}


def _sessions(life: Life) -> None:
    """A session every week or fortnight in working hours, booked a week ahead; most attended, most of those rated."""
    chance = life.chance
    weekday, hour = chance.randrange(5), chance.randint(9, 16)
    usual = [min(max(round(chance.gauss(8.6, 0.8)), 5), 10) for _ in words.RATED]
    rated: list[tuple[datetime, str]] = []
    first = life.starts_at.astimezone(life.zone).date()
    weeks = (life.ends_at - life.starts_at).days // 7 + 2
    every = 1 if life.rates == "drop" or chance.random() < 0.4 else 2
    for number in range(0, weeks, every):
        day = first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * number)
        scheduled_at, session = life.at(day, hour), f"{life.id}-s{number + 1:02}"
        booked_at = max(scheduled_at - timedelta(days=7), life.starts_at)
        body: Body = {"session": session, "scheduled_at": scheduled_at.isoformat(), "clinician": life.clinician}
        if not life.enter(booked_at, "session", body):
            continue
        silent = scheduled_at > life.speaks_until
        attendance = "did_not_attend" if silent else chance.choices([*ATTENDANCE], [*ATTENDANCE.values()])[0]
        known_at = scheduled_at + timedelta(minutes=50)
        life.enter(known_at, "attendance", {"attendance": attendance}, about=session)
        rated_at = known_at + timedelta(minutes=chance.randint(10, 240))
        if attendance in {"attended", "late"} and chance.random() < 0.8 and rated_at <= life.ends_at:
            rated.append((rated_at, session))
    for place, (rated_at, session) in enumerate(rated, start=1):
        drops = life.rates == "drop" and place == len(rated)
        _rating(life, rated_at, session, usual, drops=drops)


def _rating(life: Life, rated_at: datetime, session: str, usual: list[int], *, drops: bool) -> None:
    """Five answers, mostly the same each time, now and then one better or worse by one; or lower all over."""
    chance = life.chance
    answers = list(usual)
    if drops:
        answers = [max(value - chance.randint(2, 3), 0) for value in answers]
    elif chance.random() < 0.15:
        which = chance.randrange(len(answers))
        answers[which] = min(max(answers[which] + chance.choice((-1, 1)), 0), 10)
    comment = chance.choice(words.COMMENTS) if chance.random() < 0.15 else ""
    body: Body = dict(zip(words.RATED, answers, strict=True))
    body |= {"comment": comment, "rated_at": rated_at.isoformat(), "origin": origin(rated_at, life.ends_at)}
    life.enter(rated_at, "rating", body, about=session)


def _questions(life: Life) -> None:
    """Questions between sessions: most are answered within a day or two, one in twelve people still waits."""
    chance = life.chance
    span = life.speaks_until - timedelta(days=5) - life.starts_at
    if life.asks and span > timedelta(days=2):
        for _ in range(chance.randint(0, 3)):
            asked = _ask(life, life.starts_at + span * chance.random())
            _answer(life, asked)
    if life.asks == "unanswered":
        _ask(life, life.ends_at - timedelta(days=chance.uniform(6, 10)))
    if life.asks == "today":
        _ask(life, _today(life))


def _ask(life: Life, at: datetime) -> Entry | None:
    at = at.astimezone(life.zone).replace(microsecond=0)
    body: Body = {"patient": life.id, "text": life.chance.choice(words.QUESTIONS)}
    return life.enter(at, "question", {**body, "occurred_at": at.isoformat(), "origin": origin(at, life.ends_at)})


def _answer(life: Life, asked: Entry | None) -> None:
    """Answered within 2 to 40 hours; most patients say that this settles it, a few settle it themselves."""
    if asked is None:
        return
    chance = life.chance
    answered_at = asked.at + timedelta(hours=chance.uniform(2, 40))
    if chance.random() < 0.9:
        body: Body = {"text": chance.choice(words.ANSWERS), "by": life.clinician}
        life.enter(answered_at, "answer", body, about=asked.key)
        if chance.random() > SETTLES:
            return
    life.enter(answered_at + timedelta(hours=chance.uniform(1, 30)), "settle", {}, about=asked.key)
