"""Making a session brief: a pure function of what is known of a patient, the settings and the time."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from statistics import fmean
from typing import Final

from services.insights.domain.brief import (
    Brief,
    LastRating,
    MeasureChange,
    MoodChange,
    OpenConcern,
    PlannedSession,
    ShownEntry,
    TriedStrategy,
    WaitingQuestion,
)
from services.insights.domain.catalogue import RELIABLE_DETERIORATION, Parameters
from services.insights.domain.instants import TOLERANCE, micros
from services.insights.domain.measures import Measures, partial_of
from services.insights.domain.missed_sessions import Attendances
from services.insights.domain.standing import Standing
from services.insights.domain.words import counted, instrument
from shared.contracts import (
    Assessment,
    CheckInCorrected,
    CheckInRecorded,
    EntryWithdrawn,
    Patient,
    Question,
    QuestionAsked,
    QuestionnaireCompleted,
    Session,
    StrategiesPinned,
    StrategyTried,
)
from shared.contracts.assessments import Concern
from shared.contracts.base import Contract, Fact, Number, Urgency
from shared.contracts.questions import QuestionStatus
from shared.contracts.sessions import THERE

WINDOW: Final = timedelta(days=28)
"""How long before the last session mood is compared with; and how far back it goes where there was no session."""
LEAST: Final = 3
"""Check-ins a mean is said of; a proposal of ours."""
MOST_SHOWN: Final = 100
NamedFact = tuple[str, Fact]


@dataclass(frozen=True, slots=True)
class Papers:
    """A patient's documents, deleted ones left out: the newest version of each."""

    patient: Patient | None = None
    sessions: Sequence[Session] = ()
    questions: Mapping[str, Question] = field(default_factory=dict)

    @classmethod
    def of(cls, documents: Iterable[Contract]) -> "Papers":
        """Sorted by what they are; sessions in order of (`scheduled_at`, id)."""
        patient, sessions, questions = None, [], {}
        for one in documents:
            if isinstance(one, Patient) and not one.deleted:
                patient = one
            elif isinstance(one, Session) and not one.deleted:
                sessions.append(one)
            elif isinstance(one, Question):
                questions[one.question] = one
        sessions.sort(key=lambda one: (one.scheduled_at, one.session))
        return cls(patient, sessions, questions)

    def last_session(self, now: datetime, before: Session | None = None) -> Session | None:
        """The last one attended by now; before a session, the last one attended before that."""
        held = [
            one
            for one in self.sessions
            if _was_held(one)
            and one.scheduled_at <= now
            and (before is None or (one.scheduled_at, one.session) < (before.scheduled_at, before.session))
        ]
        return held[-1] if held else None

    def next_session(self, now: datetime) -> Session | None:
        """The first one that is not over and that nobody has marked."""
        return next((one for one in self.sessions if one.attendance is None and one.planned_end > now), None)

    def since(self, now: datetime, before: Session | None = None) -> datetime:
        """From when on changes are looked at: the last session attended, or 28 days ago."""
        last = self.last_session(now, before)
        return now - WINDOW if last is None else last.scheduled_at

    def missed_in_a_row(self, now: datetime) -> int:
        """Sessions missed since the last one attended, as the rule counts them."""
        attendances = Attendances()
        for one in self.sessions:
            attendances.apply(one)
        return len(attendances.missed(micros(now)))


def make_brief(
    assessment: Assessment,
    facts: Iterable[NamedFact],
    papers: Papers,
    standing: Standing,
    *,
    now: datetime,
    up_to_date: bool,
    before: Session | None = None,
    read_from: date | None = None,
) -> Brief:
    """The brief of a patient as of `now`, for their next session or the one named by `before`.

    facts: in any order, each id once. read_from: the first day of which they were read, None where all were.
    """
    ordered = sorted(facts, key=lambda named: (named[1].occurred_at, named[0]))
    last, since = papers.last_session(now, before), papers.since(now, before)
    entries, patient = _as_they_count(ordered, since - WINDOW), papers.patient
    measures = _measures(entries, since, patient, standing, now)
    mood = _mood(entries, since)
    following = before or papers.next_session(now)
    later = [one for one in entries if one.occurred_at > since]
    return Brief(
        patient=assessment.patient,
        registered=patient is not None,
        clinician=patient.clinician if patient else None,
        episode=patient.episodes[-1] if patient and patient.episodes else None,
        made_at=now,
        up_to_date=up_to_date,
        since=since,
        last_session=None if last is None else _planned(last),
        next_session=None if following is None else _planned(following),
        missed_in_a_row=papers.missed_in_a_row(now),
        concerns=[_open(concern) for concern in assessment.concerns],
        measures=measures,
        mood=mood,
        entries_since=len(later),
        entries=later[::-1][:MOST_SHOWN],
        questions=_waiting(ordered, papers, last),
        strategies=_tried([fact for _, fact in ordered], since),
        pinned=next((one.strategies for _, one in reversed(ordered) if isinstance(one, StrategiesPinned)), None),
        rating=_last_rating(papers.sessions),
        checklist=last.checklist if last is not None else None,
        not_enough_data=[*_gaps(last, measures, mood), *_never_whole(entries, patient, measures)],
        read_from=read_from,
    )


def _was_held(session: Session) -> bool:
    """Attended; or not marked, but rated: its patient was there."""
    return session.attendance in THERE or (session.attendance is None and session.rating is not None)


def _as_they_count(ordered: Sequence[NamedFact], check_ins_from: datetime) -> list[ShownEntry]:
    """Check-ins (after an instant) and questionnaires in order, corrected where they were, none withdrawn."""
    withdrawn = {fact.entry for _, fact in ordered if isinstance(fact, EntryWithdrawn)}
    corrections = {fact.entry: fact for _, fact in ordered if isinstance(fact, CheckInCorrected)}  # the last one stays
    found = []
    for name, fact in ordered:
        if name in withdrawn:
            continue
        if isinstance(fact, CheckInRecorded):
            if fact.occurred_at <= check_ins_from:
                continue  # nobody asks for it, and making an entry of each costs more than all else
            said = corrections.get(name, fact)
            found.append(
                ShownEntry(
                    id=name,
                    kind="check_in",
                    occurred_at=fact.occurred_at,
                    local_day=fact.local_day,
                    corrected=said is not fact,
                    mood=said.mood,
                    energy=said.energy,
                    sleep=said.sleep,
                    feelings=said.feelings,
                    note=said.note,
                )
            )
        elif isinstance(fact, QuestionnaireCompleted):
            partial = partial_of(fact)
            found.append(
                ShownEntry(
                    id=name,
                    kind="questionnaire",
                    occurred_at=fact.occurred_at,
                    local_day=fact.local_day,
                    instrument=fact.instrument,
                    score=fact.score,
                    prorated_score=fact.prorated_score,
                    at_least=partial.least if partial else None,
                    at_most=partial.most if partial else None,
                    items_left_out=partial.missing if partial else None,
                    risk_answers={answer.item: answer.value for answer in fact.risk_answers},
                    skipped_risk_items=fact.skipped_risk_items,
                )
            )
    return found


def _measures(
    entries: Sequence[ShownEntry], since: datetime, patient: Patient | None, standing: Standing, now: datetime
) -> list[MeasureChange]:
    """By instrument, of the present episode alone: scores of another one are no comparison."""
    settled = standing.at(micros(now))
    thresholds = settled.rules.get(RELIABLE_DETERIORATION.name, RELIABLE_DETERIORATION.defaults)
    begins = patient.scores_from if patient else None
    scored: defaultdict[str, list[ShownEntry]] = defaultdict(list)
    for one in entries:
        if one.instrument is not None and one.score is not None and (begins is None or one.local_day >= begins):
            scored[one.instrument].append(one)
    return [_measure(name, scored[name], since, thresholds, settled.measures) for name in sorted(scored)]


def _never_whole(
    entries: Sequence[ShownEntry], patient: Patient | None, measures: Sequence[MeasureChange]
) -> Iterable[str]:
    """Instruments of which every form of the episode has items left out: no rule can compare them."""
    begins = patient.scores_from if patient else None
    given = {one.instrument for one in entries if one.items_left_out and (begins is None or one.local_day >= begins)}
    for name in sorted({name for name in given if name is not None} - {one.instrument for one in measures}):
        yield f"{instrument(name)}: items were left out of every form of this episode, so no rule can compare them."


def _measure(
    name: str, scored: Sequence[ShownEntry], since: datetime, thresholds: Parameters, measures: Measures
) -> MeasureChange:
    then = next((one for one in reversed(scored) if one.occurred_at <= since), None)
    latest = scored[-1] if scored[-1].occurred_at > since else None
    change: Number | None = None
    if then is not None and latest is not None and then.score is not None and latest.score is not None:
        change = round(latest.score - then.score, 4)
    found = MeasureChange(
        instrument=name,
        then=then.score if then else None,
        then_at=then.occurred_at if then else None,
        now=latest.score if latest else None,
        now_at=latest.occurred_at if latest else None,
        change=change,
        threshold=thresholds.get(name) if name in measures else None,
        says=None,
    )
    if change is None or found.threshold is None:
        return found
    if abs(change) < found.threshold - TOLERANCE:
        return found.model_copy(update={"says": "no_reliable_change"})
    worse = measures[name].worse * change > 0
    return found.model_copy(update={"says": "reliable_deterioration" if worse else "reliable_improvement"})


def _mood(entries: Sequence[ShownEntry], since: datetime) -> MoodChange:
    moods = [(one.occurred_at, one.mood) for one in entries if one.mood is not None]
    before = [mood for at, mood in moods if since - WINDOW < at <= since]
    later = [mood for at, mood in moods if at > since]
    then, now = (round(fmean(some), 2) if len(some) >= LEAST else None for some in (before, later))
    return MoodChange(
        before_mean=then,
        before_entries=len(before),
        since_mean=now,
        since_entries=len(later),
        change=None if then is None or now is None else round(now - then, 2),
    )


def _planned(session: Session) -> PlannedSession:
    return PlannedSession(
        session=session.session,
        scheduled_at=session.scheduled_at,
        ends_at=session.planned_end,
        clinician=session.clinician,
        attendance=session.attendance,
        late_minutes=session.late_minutes,
        moved=len(session.rescheduled),
    )


def _open(concern: Concern) -> OpenConcern:
    urgent = any(telling.urgency is Urgency.AT_ONCE for telling in concern.telling)
    return OpenConcern(
        rule=concern.rule,
        holds=concern.holds,
        since=concern.since,
        reason=concern.reason,
        until=concern.until,
        urgency=Urgency.AT_ONCE if urgent else Urgency.WORKING_HOURS,
    )


def _waiting(ordered: Sequence[NamedFact], papers: Papers, last: Session | None) -> list[WaitingQuestion]:
    found = []
    for _, fact in ordered:
        if not isinstance(fact, QuestionAsked):
            continue
        handling = papers.questions.get(fact.question)
        if handling is not None and (handling.deleted or handling.status is not QuestionStatus.OPEN):
            continue
        triage = (handling.triage if handling else None) or fact.triage
        found.append(
            WaitingQuestion(
                question=fact.question,
                text=fact.text,
                asked_at=fact.occurred_at,
                category=triage.category if triage else None,
                target_at=triage.target_at if triage else None,
                assigned_to=handling.assigned_to if handling else None,
                open_at_last_session=last is not None and fact.occurred_at <= last.planned_end,
            )
        )
    return found


def _tried(facts: Iterable[Fact], since: datetime) -> list[TriedStrategy]:
    by_name: defaultdict[str, list[StrategyTried]] = defaultdict(list)
    for fact in facts:
        if isinstance(fact, StrategyTried) and fact.occurred_at > since:
            by_name[fact.strategy].append(fact)
    found = []
    for name, tries in by_name.items():
        changes = [one.after - one.before for one in tries if one.before is not None and one.after is not None]
        found.append(
            TriedStrategy(
                strategy=name,
                times=len(tries),
                rated=len(changes),
                mean_change=round(fmean(changes), 2) if changes else None,
                last_at=tries[-1].occurred_at,
            )
        )
    return sorted(found, key=lambda one: (-one.times, one.strategy))


def _last_rating(sessions: Iterable[Session]) -> LastRating | None:
    rated = sorted(
        ((one.rating, one.session) for one in sessions if one.rating is not None),
        key=lambda pair: (pair[0].rated_at, pair[1]),
    )
    if not rated:
        return None
    rating, session = rated[-1]
    earlier = [one.mean for one, _ in rated[:-1]]
    return LastRating(
        session=session,
        rating=rating,
        mean=round(rating.mean, 2),
        mean_before=round(fmean(earlier), 2) if earlier else None,
        earlier=len(earlier),
    )


def _gaps(last: Session | None, measures: Sequence[MeasureChange], mood: MoodChange) -> Iterable[str]:
    when = "the last session"
    if last is None:
        when = f"{WINDOW.days} days ago"
        yield f"No session has been attended yet: what changed is shown since {when}."
    if not measures:
        yield "No questionnaire of this episode of care has a valid score yet."
    for one in measures:
        if one.then is None:
            yield f"{instrument(one.instrument)}: no valid score of this episode before {when}."
        elif one.now is None:
            yield f"{instrument(one.instrument)}: no valid score since {when}."
    for amount, side in ((mood.before_entries, f"in the {WINDOW.days} days before"), (mood.since_entries, "since")):
        if amount < LEAST:
            has = counted(amount, "check-in", "check-ins") if amount else "no check-in"
            yield f"Mood: {has} {side} {when}; a mean is shown from {LEAST} on."
