"""What a clinic asks of its patients between sessions, and when: parts of a clinic's settings."""

from datetime import time, timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from shared.contracts.base import Id, Part
from shared.schedule import BeforeMeetings, EveryDays, EveryWeeks, OnWeekdays, Plan, Rhythm, Window
from shared.working_time import WEEKDAYS

CHECK_IN = "check_in"
"""What a protocol that asks for a check-in asks for; any other word is an instrument."""
MOST_DAYS_OPEN = 30
"""The most days an occasion can be answered in."""

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
ProtocolName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._~-]{1,40}$")]
"""A protocol's name: 1 to 40 of letters, digits and `. _ ~ -`."""
Minutes = Annotated[int, Field(ge=1, le=MOST_DAYS_OPEN * 24 * 60)]


class DaysRhythm(Part):
    """Every `days` days, from the first day of the protocol on."""

    every: Literal["days"]
    days: int = Field(default=1, ge=1, le=365)

    @property
    def rhythm(self) -> Rhythm:
        """As the calendar knows it."""
        return EveryDays(self.days)


class WeekdaysRhythm(Part):
    """On these days of the week."""

    every: Literal["weekdays"]
    on: list[Weekday] = Field(default=["mon", "tue", "wed", "thu", "fri"], min_length=1, max_length=7)

    @property
    def rhythm(self) -> Rhythm:
        """As the calendar knows it."""
        return OnWeekdays(frozenset(map(WEEKDAYS.index, self.on)))


class WeeksRhythm(Part):
    """Every `weeks` weeks on one day of the week, first on that day at or after the first day of the protocol."""

    every: Literal["weeks"]
    weeks: int = Field(default=1, ge=1, le=52)
    on: Weekday

    @property
    def rhythm(self) -> Rhythm:
        """As the calendar knows it."""
        return EveryWeeks(self.weeks, WEEKDAYS.index(self.on))


class SessionsRhythm(Part):
    """Before each session that is not cancelled; it expires when the session begins, at the latest."""

    every: Literal["session"]
    hours_before: int = Field(ge=1, le=336)

    @property
    def rhythm(self) -> Rhythm:
        """As the calendar knows it."""
        return BeforeMeetings(timedelta(hours=self.hours_before))


class ProtocolWindow(Part):
    """When in a local day it is due: at `opens`, or at a random minute before `closes`, the same whoever asks."""

    opens: time = Field(description="The patient's local time, without an offset, in whole minutes.")
    closes: time = Field(description="Later on the same day, exclusive.")
    moment: Literal["fixed", "random"] = "fixed"

    @model_validator(mode="after")
    def _on_the_clock(self) -> Self:
        for at in (self.opens, self.closes):
            if at.tzinfo is not None or at.second or at.microsecond:
                raise ValueError(
                    "send times such as 08:30: whole minutes, without an offset; the patient's zone counts"
                )
        if self.opens >= self.closes:
            raise ValueError("a window must open before it closes, on the same day")
        return self


class Protocol(Part):
    """What is asked of a patient, how often, and how long it can be answered. Minutes count from when it is due."""

    name: ProtocolName
    asks: Id = Field(default=CHECK_IN, description="`check_in`, or an instrument of GET /v1/instruments.")
    rhythm: Annotated[DaysRhythm | WeekdaysRhythm | WeeksRhythm | SessionsRhythm, Field(discriminator="every")]
    windows: list[ProtocolWindow] = Field(
        default_factory=list, max_length=12, description="Each is one occasion of a day; none for `session`."
    )
    late_after: Minutes = Field(description="Minutes from which on an answer is late.")
    expires_after: Minutes = Field(description="Minutes from which on an answer no longer counts for it.")
    reminders_after: list[Minutes] = Field(
        default_factory=list, max_length=5, description="Minutes after which an unanswered one is reminded of."
    )
    lasts_days: int | None = Field(
        default=None, ge=1, le=3650, description="Local days from the first on; null: no end."
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if isinstance(self.rhythm, SessionsRhythm):
            if self.windows:
                raise ValueError("what is asked before each session has no windows: leave them out")
        elif not self.windows:
            raise ValueError('send at least one window, as in {"opens": "08:00", "closes": "20:00"}')
        if any(there.closes > then.opens for there, then in zip(self.windows, self.windows[1:], strict=False)):
            raise ValueError("send windows in order, none beginning before the one before it closes")
        if self.late_after > self.expires_after:
            raise ValueError("late_after must not be later than expires_after: an expired answer cannot be on time")
        if any(after >= self.expires_after for after in self.reminders_after):
            raise ValueError("every reminder must come before expires_after: nobody is reminded of what has expired")
        if sorted(set(self.reminders_after)) != self.reminders_after:
            raise ValueError("send reminders_after in ascending order, each once")
        return self

    @property
    def plan(self) -> Plan:
        """As the calendar knows it."""
        return Plan(
            name=self.name,
            asks=self.asks,
            rhythm=self.rhythm.rhythm,
            windows=tuple(Window(one.opens, one.closes, one.moment == "random") for one in self.windows),
            late_after=timedelta(minutes=self.late_after),
            expires_after=timedelta(minutes=self.expires_after),
            reminders=tuple(timedelta(minutes=after) for after in self.reminders_after),
            lasts=self.lasts_days,
        )


class CheckInQuestion(Part):
    """A question of the clinic's own, asked with a check-in. Answers are numbers.

    scale: a whole number from `minimum` to `maximum`. yes_no: 1 for yes, 0 for no. choice: the place of the choice, 1
    for the first.
    """

    name: Id
    wording: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
    kind: Literal["scale", "yes_no", "choice"]
    minimum: int | None = Field(default=None, ge=-1000, le=1000, description="Of a scale.")
    maximum: int | None = Field(default=None, ge=-1000, le=1000, description="Of a scale.")
    choices: list[Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]] = Field(
        default_factory=list, max_length=20, description="Of a choice, at least two."
    )

    @model_validator(mode="after")
    def _answerable(self) -> Self:
        if self.kind == "scale":
            if self.minimum is None or self.maximum is None or self.minimum >= self.maximum:
                raise ValueError("a scale needs a minimum below its maximum")
        elif self.minimum is not None or self.maximum is not None:
            raise ValueError("only a scale has a minimum and a maximum: leave them out")
        if (self.kind == "choice") != (len(self.choices) > 1) or (self.kind != "choice" and self.choices):
            raise ValueError("a choice needs at least two choices, and nothing else has any")
        return self

    @property
    def range(self) -> tuple[int, int]:
        """The lowest and the highest answer."""
        if self.kind == "scale":
            return self.minimum or 0, self.maximum or 0
        return (0, 1) if self.kind == "yes_no" else (1, len(self.choices))
