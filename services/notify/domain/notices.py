"""What a message says, before a channel puts it into words: no more of the patient than the clinic allows."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from services.notify.domain.deliveries import Delivery, Kind
from services.notify.domain.wording import Words
from shared.contracts.assessments import Chart
from shared.contracts.base import Urgency


@dataclass(frozen=True, slots=True)
class Detail:
    """Patient data, for recipients in a domain the clinic has allow-listed. chart is None for risk, always."""

    patient: str
    reason: str
    evidence: tuple[str, ...]
    chart: Chart | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One alert in a message: nothing of the patient but what is in `detail`.

    because: why this recipient is told of it, where it is a step of an escalation that was held.
    """

    reference: str
    link: str
    urgency: Urgency
    raised_at: datetime
    deadline: datetime
    detail: Detail | None = None
    because: str | None = None


@dataclass(frozen=True, slots=True)
class Verification:
    """Asks whoever reads this to confirm that it is theirs; the link is whole only there."""

    link: str


@dataclass(frozen=True, slots=True)
class Notice:
    """A message to one address. token: the same for every try of the same leg, so that a duplicate is recognisable.

    because: why this recipient is told now, where it is a step of an escalation; nothing of the patient. generation: of
    a webhook's secret. tried: the providers of the tries before this one. others: how many more alerts this message
    stands for, held until now. gathered: of a digest, why these come together. letter: the words, where it goes to a
    patient and is about no alert. language, own: the recipient's, and the clinic's own words by language.
    """

    token: str
    address: str
    name: str
    clinic_name: str
    zone: ZoneInfo
    written_at: datetime
    digest: bool
    lines: tuple[Line, ...]
    because: str | None = None
    clinic: str = ""
    generation: int = 1
    tried: tuple[str, ...] = ()
    others: int = 0
    verification: Verification | None = None
    gathered: str | None = None
    letter: Words | None = None
    language: str = "en"
    own: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def gathered(delivery: Delivery) -> str | None:
    """Why a digest's lines come together; None where it is no digest."""
    if delivery.kind is not Kind.DIGEST:
        return None
    held = [item.was is not None and item.was is not Kind.DIGEST for item in delivery.items]
    if not any(held):
        return "They come from entries that were imported. Nobody has been paged about them."
    if all(held):
        return "They could wait, and were put together: by quiet or working hours, or so that fewer messages come."
    return "They could wait, and were put together; some come from entries that were imported."


def detail_allowed(address: str, domains: Collection[str]) -> bool:
    """Whether a recipient's e-mail domain is one of those the clinic has allow-listed (exactly, in any case)."""
    return address.rpartition("@")[2].casefold() in {domain.casefold() for domain in domains}
