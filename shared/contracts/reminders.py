"""What is due from a patient, and that they are to be reminded: facts of mood, read by notify."""

from typing import ClassVar

from pydantic import AwareDatetime, Field

from shared.contracts.base import Fact, Id
from shared.contracts.topics import Topic


class ReminderDue(Fact):
    """A patient is to be reminded of one occasion. Its id is made of the occasion and `nth`, so that again is once; of
    one that somebody asked for, of the occasion and their call.

    `occurred_at` is when the reminder fell due; after `expires_at` it is not sent any more.
    """

    topic: ClassVar[Topic] = Topic.REMINDERS
    from_patient: ClassVar[bool] = False

    protocol: Id
    occasion: str = Field(max_length=120, description="The occasion, the same for every reminder of it.")
    asks: Id = Field(description="`check_in`, or an instrument.")
    due_at: AwareDatetime = Field(description="When the occasion fell due.")
    expires_at: AwareDatetime = Field(description="From when on an answer no longer counts for it.")
    nth: int = Field(
        ge=1,
        description="Which of the reminders of this occasion: the first, the second...",
    )
    by: str | None = Field(default=None, max_length=200, description="Who asked for it; None: the protocol did.")
