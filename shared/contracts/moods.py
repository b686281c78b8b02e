"""How the patient is: facts of mood."""

from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from shared.contracts.base import Fact, Id, Number, Part
from shared.contracts.topics import Topic

MoodValue = Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)]
Tenth = Annotated[int, Field(ge=0, le=10)]
Feeling = Annotated[str, StringConstraints(min_length=1, max_length=40, strip_whitespace=True)]


class CheckInRecorded(Fact):
    """A patient said how they are. 0 is worst and 10 is best, for mood, energy and sleep alike."""

    topic: ClassVar[Topic] = Topic.MOODS

    mood: MoodValue = Field(description="0 worst to 10 best; at most two decimals.")
    energy: Tenth | None = None
    sleep: Tenth | None = Field(default=None, description="How well the patient slept, 0 to 10.")
    feelings: list[Feeling] = Field(default_factory=list, max_length=20)
    note: str | None = Field(default=None, max_length=2000)


class RiskAnswer(Part):
    """An answer to an item about harm, with what its instrument says of it."""

    item: Id
    value: int
    recall_days: int = Field(description="How many days back the question asks about.")
    urgent_from: int = Field(description="A value this high is told at once.")


class QuestionnaireCompleted(Fact):
    """A patient answered a questionnaire. Scored by mood, so that readers need no instrument."""

    topic: ClassVar[Topic] = Topic.MOODS

    instrument: Id = Field(description="An instrument of mood's catalogue, or a scale the clinic declared.")
    items: dict[Id, int] | None = Field(
        default=None,
        description="The answered items as printed, reversed ones not turned round; None where only a total was given.",
    )
    score: Number | None = Field(
        description="The valid total: all items answered, or given as such. None: no valid score."
    )
    risk_answers: list[RiskAnswer] = Field(
        default_factory=list,
        description="Answered risk items, zeros included. A bare total says nothing about them.",
    )
    prorated_score: Number | None = Field(
        default=None,
        description="An estimate of the total where few items are missing and the instrument's publishers allow it, "
        "half rounded up. No score: it shows neither change nor recovery, and no rule looks at it.",
    )
    skipped_risk_items: list[Id] = Field(
        default_factory=list,
        description="Risk items left out while others were answered. They have no value: neither 0 nor an estimate.",
    )
