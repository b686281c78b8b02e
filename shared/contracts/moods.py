"""How the patient is: facts of mood."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from shared.contracts.base import Fact, Id, Number, Part
from shared.contracts.screening import Screening
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
    answers: dict[Id, Number] = Field(
        default_factory=dict, description="Answers to the clinic's own extra questions, by the question's name."
    )
    screening: Screening | None = Field(
        default=None, description="Of the note and the feelings; None: there are none, or nobody looked."
    )


class CheckInCorrected(Fact):
    """A patient corrected a check-in: it counts with this content from now on, at its own time and on its own day.

    `occurred_at` and `local_day` are those of the correction. Of several the last one counts, by (`occurred_at`, id).
    Nothing is overwritten: the check-in as it was stays readable.
    """

    topic: ClassVar[Topic] = Topic.MOODS

    entry: str = Field(description="The id of the check-in.")
    mood: MoodValue
    energy: Tenth | None = None
    sleep: Tenth | None = None
    feelings: list[Feeling] = Field(default_factory=list, max_length=20)
    note: str | None = Field(default=None, max_length=2000)
    answers: dict[Id, Number] = Field(default_factory=dict)
    screening: Screening | None = Field(default=None, description="Of the note and the feelings, as of a check-in's.")


class EntryWithdrawn(Fact):
    """A patient (or the clinic, for a mistake) withdrew a check-in or a questionnaire: it counts no longer.

    It wins over every correction, whatever the order. What was said about harm is not taken back by it: an answer to a
    risk item, and crisis language, stay told until a human closes the alert.
    """

    topic: ClassVar[Topic] = Topic.MOODS

    entry: str = Field(description="The id of the check-in or questionnaire.")
    why: str = Field(default="", max_length=500)
    screening: Screening | None = Field(default=None, description="Of `why`; None: it is empty, or nobody looked.")


class StrategyTried(Fact):
    """A patient tried a coping strategy. Distress before and after: 0 none to 10 worst."""

    topic: ClassVar[Topic] = Topic.MOODS

    strategy: Id = Field(description="A strategy of mood's library.")
    before: Tenth | None = None
    after: Tenth | None = None
    suggestion: str | None = Field(default=None, description="The id of the suggestion it came from.")


class StrategiesPinned(Fact):
    """A patient pinned the strategies that are theirs, at most two; the last word counts, an empty list unpins."""

    topic: ClassVar[Topic] = Topic.MOODS

    strategies: list[Id] = Field(max_length=2)


class StrategiesAllowed(Fact):
    """A clinician said which strategies may be suggested to a patient; the last word counts, None allows all."""

    topic: ClassVar[Topic] = Topic.MOODS
    from_patient: ClassVar[bool] = False

    strategies: list[Id] | None
    by: str = Field(max_length=200, description="Who, as named by the caller's token.")


class Belief(Part):
    """What was believed of a strategy for a patient before the draw: from it and the seed the draw follows."""

    mean: float = Field(description="Mean reward expected, -1 to 1.")
    rated: int = Field(description="The patient's own ratings behind it.")
    prior: float = Field(description="The mean it began from, before any rating of the patient's.")


class StrategySuggested(Fact):
    """Which strategies were suggested to a patient, by which draw: enough to make the same draw again."""

    topic: ClassVar[Topic] = Topic.MOODS
    from_patient: ClassVar[bool] = False

    strategies: list[Id] = Field(description="In the order shown.")
    seed: int
    drawn: dict[Id, Number] = Field(default_factory=dict, description="What was drawn for each that was considered.")
    beliefs: dict[Id, Belief] = Field(default_factory=dict, description="What each draw was made from.")
    model: Id = Field(description="The recommender and its version.")


class Through(StrEnum):
    """Where entries were shown to a clinician."""

    TIMELINE = "timeline"
    BRIEF = "brief"


class EntriesSeen(Fact):
    """A clinician was shown entries for the first time: the patient's receipts say so. `occurred_at` is when."""

    topic: ClassVar[Topic] = Topic.MOODS
    from_patient: ClassVar[bool] = False

    entries: list[str] = Field(min_length=1, max_length=1000, description="Ids of entries.")
    through: Through
    by: str = Field(max_length=200, description="Who, as named by the caller's token.")


class RiskAnswer(Part):
    """An answer to an item about harm, with what its instrument says of it."""

    item: Id
    value: int
    recall_days: int = Field(description="How many days back the question asks about.")
    urgent_from: int = Field(description="A value this high is told at once.")


class PartialTotal(Part):
    """What the total can still be where scored items were left out, from what was answered: no estimate.

    A reader that must claim no more than was said takes the end of the range that claims the least.
    """

    least: Number = Field(description="The total with every missing item at the end of its scale that adds least.")
    most: Number = Field(description="The total with every missing item at the end of its scale that adds most.")
    missing: int = Field(ge=1, description="How many scored items were left out.")


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
        description="Risk items answered, zeros included, or proved by the total at the least they can be. Any other "
        "bare total says nothing about them.",
    )
    prorated_score: Number | None = Field(
        default=None,
        description="An estimate of the total where few items are missing and the instrument's publishers allow it, "
        "half rounded up. No score: it shows neither change nor recovery, and no rule looks at it (see `partial`).",
    )
    skipped_risk_items: list[Id] = Field(
        default_factory=list,
        description="Risk items left out while others were answered. They have no value: neither 0 nor an estimate.",
    )
    partial: PartialTotal | None = Field(
        default=None,
        description="Between which totals it lies, where scored items were left out. It can show that somebody is "
        "worse, never that somebody is better. None: none was left out or answered, or recorded before this was said.",
    )
