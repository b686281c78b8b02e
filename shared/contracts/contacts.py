"""What is known of an address that messages go to: documents of notify, read whole by every instance of it."""

from typing import ClassVar, Final, Literal, TypeAlias

from pydantic import AwareDatetime, Field

from shared.contracts.base import ChannelName, Document, Id
from shared.contracts.topics import Topic

EVERY_CLINIC: Final = "~"
"""In place of a clinic: a number that asked for no more messages asked our sender, so it holds for every clinic."""
StoppedBy: TypeAlias = Literal["recipient", "provider"]


class ContactState(Document):
    """One address, known by a keyed hash of it: whether messages there are unwelcome, and whether it was verified."""

    topic: ClassVar[Topic] = Topic.CONTACTS

    contact: Id = Field(description="A keyed hash of channel and address; the address itself is nowhere in it.")
    channel: ChannelName
    stopped_at: AwareDatetime | None = Field(
        default=None, description="Since when nothing is sent there: the recipient asked for it (STOP)."
    )
    stopped_by: StoppedBy | None = Field(
        default=None,
        description="recipient: by a text to us; provider: the provider refused, because they had asked it.",
    )
    verified_at: AwareDatetime | None = Field(default=None, description="When whoever reads it there confirmed it.")
    asked_at: AwareDatetime | None = Field(default=None, description="When it was last sent a verification message.")
    asked: int = Field(default=0, ge=0, description="How often.")
    heard: list[str] = Field(
        default_factory=list, description="Hashes of the texts last taken in, so that one that comes twice counts once."
    )
    updated_at: AwareDatetime

    @property
    def key(self) -> str:
        """One record per clinic and address."""
        return f"{self.clinic}/{self.contact}"
