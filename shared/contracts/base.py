"""What all events have in common."""

from datetime import date
from enum import StrEnum
from functools import cache
from typing import Annotated, ClassVar, Final
from zoneinfo import available_timezones

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from shared.contracts.topics import Topic

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._~-]{1,64}$")]
"""An identifier: 1 to 64 of letters, digits and `. _ ~ -`; never a slash, which parts the keys of records."""

Number = int | Annotated[float, Field(allow_inf_nan=False)]
"""A value on a scale; whole numbers stay whole."""

LARGEST_NUMBER: Final = 1_000_000
"""The most, either way, that a door takes for a bound of a scale, an answer or a total. The models themselves do not
refuse more: what was recorded before the doors did must stay readable."""


@cache
def _zones() -> frozenset[str]:
    """Every zone there is; finding out takes 50 ms, so it is done once."""
    return frozenset(available_timezones())


def _known_zone(zone: str) -> str:
    if zone not in _zones():
        raise ValueError("send an IANA time zone such as Europe/London")
    return zone


Zone = Annotated[str, AfterValidator(_known_zone)]
"""An IANA time zone."""


class Part(BaseModel):
    """A part of a document: as tolerant to read, as frozen."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class ChannelName(StrEnum):
    """How somebody is told: people by e-mail and SMS, a clinic's own systems by webhook or Apprise."""

    EMAIL = "email"
    SMS = "sms"
    WEBHOOK = "webhook"
    APPRISE = "apprise"


def _to_a_person(channel: ChannelName) -> ChannelName:
    if channel not in (ChannelName.EMAIL, ChannelName.SMS):
        raise ValueError("send email or sms: webhooks and Apprise are the clinic's, and hear of every alert")
    return channel


PersonalChannel = Annotated[ChannelName, AfterValidator(_to_a_person)]
"""A channel that leads to a person."""


class Origin(StrEnum):
    """How an entry reached us, which decides who hears of it."""

    LIVE = "live"
    SYNC = "sync"
    IMPORT = "import"


class Urgency(StrEnum):
    """When a human must be told: at once, or within the clinic's working hours."""

    AT_ONCE = "at_once"
    WORKING_HOURS = "working_hours"


class Contract(BaseModel):
    """An event's data. Readers ignore what they do not know, so that adding a field breaks nobody."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    topic: ClassVar[Topic]

    clinic: Id = Field(description="The clinic (tenant), always taken from the caller's token.")

    @property
    def key(self) -> str:
        """The record's key: what compaction keeps the last of. It starts with `clinic/patient` on patient topics."""
        raise NotImplementedError


class Fact(Contract):
    """Something that happened to a patient and never changes."""

    from_patient: ClassVar[bool] = True
    """Whether it is word from the patient: what counts as an entry, and as having been heard from."""

    patient: Id = Field(description="The clinic's own id of the patient.")
    occurred_at: AwareDatetime = Field(description="When it happened, with the offset of the place it happened in.")
    local_day: date = Field(description="The patient's own calendar day of `occurred_at`, by its offset.")
    origin: Origin = Field(description="live; sync: made offline, sent later; import: from another system's past.")

    @property
    def key(self) -> str:
        """Facts of one patient share a key, hence a partition and an order."""
        return f"{self.clinic}/{self.patient}"


class Document(Contract):
    """A thing with one owner, published whole at each version. A deleted one keeps its identity and nothing else."""

    version: int = Field(ge=1, description="Counts up by one at each change; readers keep the highest.")
    deleted: bool = Field(default=False, description="A tombstone: the last version there will ever be.")

    @property
    def order(self) -> tuple[int, ...]:
        """What readers compare: of two documents with one key the one with the higher order is the truth."""
        return (self.version,)
