"""The session brief: what a clinician wants to know before a session, as it is answered."""

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, Field

from shared.contracts.base import Id, Number, Urgency
from shared.contracts.patients import Episode
from shared.contracts.questions import Category
from shared.contracts.sessions import Attendance, Checklist, Rating


class PlannedSession(BaseModel):
    """A session, in a line."""

    session: Id
    scheduled_at: datetime
    ends_at: datetime = Field(description="50 minutes after it begins where no end was said.")
    clinician: Id | None
    attendance: Attendance | None
    late_minutes: int | None
    moved: int = Field(description="How often it was rescheduled.")


class MeasureChange(BaseModel):
    """One measure: the last valid score before `since`, and the last one after it. Null: there is none."""

    instrument: Id
    then: Number | None
    then_at: datetime | None
    now: Number | None
    now_at: datetime | None
    change: Number | None = Field(description="now - then.")
    threshold: Number | None = Field(
        description="The reliable change the clinic's rules use; null where no source confirms one for this measure."
    )
    says: Literal["reliable_improvement", "reliable_deterioration", "no_reliable_change"] | None = Field(
        description="By the threshold; null where there is none, or nothing to compare."
    )


class MoodChange(BaseModel):
    """Mean of the check-ins' mood (0 worst to 10 best) in the 28 days up to `since`, and after it."""

    before_mean: float | None = Field(description="Null below 3 check-ins.")
    before_entries: int
    since_mean: float | None = Field(description="Null below 3 check-ins.")
    since_entries: int
    change: float | None = Field(description="since_mean - before_mean, in points.")


class ShownEntry(BaseModel):
    """One check-in or questionnaire since then, as it counts: the last correction, nothing withdrawn."""

    id: str
    kind: Literal["check_in", "questionnaire"]
    occurred_at: datetime
    local_day: date
    corrected: bool = False
    mood: float | None = None
    energy: int | None = None
    sleep: int | None = None
    feelings: list[str] = Field(default_factory=list)
    note: str | None = None
    instrument: Id | None = None
    score: Number | None = None
    prorated_score: Number | None = Field(
        default=None, description="An estimate where few items were left out; no score, and it shows no change."
    )
    at_least: Number | None = Field(default=None, description="The least the total can be, where items were left out.")
    at_most: Number | None = Field(default=None, description="The most it can be then.")
    items_left_out: int | None = Field(default=None, description="How many scored items; null where that is not known.")
    risk_answers: dict[str, int] = Field(
        default_factory=dict, description="Answers about harm by item, zeros included."
    )
    skipped_risk_items: list[Id] = Field(
        default_factory=list, description="Items about harm that were left out: neither 0 nor an estimate."
    )


class OpenConcern(BaseModel):
    """One rule's word, in a line."""

    rule: str
    holds: bool = Field(description="False: it holds no more, but a human must still hear of its evidence.")
    since: datetime | None
    reason: str
    until: str = Field(description="When it no longer holds, in words.")
    urgency: Urgency = Field(description="The most urgent of its evidence.")


class WaitingQuestion(BaseModel):
    """A question nobody has answered and the patient has not settled."""

    question: Id
    text: str
    asked_at: datetime
    category: Category | None = Field(description="Null: asked before there was a triage.")
    target_at: datetime | None = Field(description="By when a human should have replied.")
    assigned_to: Id | None
    open_at_last_session: bool = Field(description="Asked before the last session ended, and left open by it.")


class TriedStrategy(BaseModel):
    """A coping strategy tried since then. Distress: 0 none to 10 worst."""

    strategy: Id
    times: int
    rated: int = Field(description="How often distress was given before and after.")
    mean_change: float | None = Field(description="After - before on average; below 0 is relief. Null: never rated.")
    last_at: datetime


class LastRating(BaseModel):
    """The last session rated, by five plain questions of our own (not a validated scale), 0 to 10."""

    session: Id
    rating: Rating
    mean: float
    mean_before: float | None = Field(description="Mean of the earlier ratings' means; null where there is none.")
    earlier: int = Field(description="How many ratings there were before.")


class Brief(BaseModel):
    """What changed since the last session, and what is open. It supports a clinician's judgement, never replaces it."""

    patient: Id
    registered: bool
    clinician: Id | None
    episode: Episode | None = Field(description="The open episode of care, or the last one.")
    made_at: datetime
    up_to_date: bool = Field(description="False: entries are waiting that this does not know of yet.")
    since: datetime = Field(description="The beginning of the last session attended; without one, 28 days ago.")
    last_session: PlannedSession | None
    next_session: PlannedSession | None = Field(
        description="The one asked about; else the next not over, not cancelled."
    )
    missed_in_a_row: int = Field(description="Not attended or cancelled by the patient since the last one attended.")
    concerns: list[OpenConcern]
    measures: list[MeasureChange]
    mood: MoodChange
    entries_since: int
    entries: list[ShownEntry] = Field(description="The newest 100 of them, newest first.")
    questions: list[WaitingQuestion] = Field(description="Longest waiting first.")
    strategies: list[TriedStrategy] = Field(description="Most often tried first.")
    pinned: list[Id] | None = Field(description="The patient's own strategies; null: nothing said since `read_from`.")
    rating: LastRating | None
    checklist: Checklist | None = Field(description="The therapist's, of the last session.")
    not_enough_data: list[str] = Field(description="What could not be compared, and why, in words.")
    read_from: date | None = Field(
        description="Entries of earlier days were not read, but for open questions; null: everything was read."
    )
