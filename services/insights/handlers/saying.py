"""What was said of each patient, what is to be said now, and when it is better to stay silent."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Final
from uuid import UUID, uuid5

from services.insights.domain import CATALOGUE, RULES_VERSION, Findings, Registered, Standing
from services.insights.domain.ports import Order
from shared.bus import Message
from shared.contracts import Assessment
from shared.contracts.assessments import Concern
from shared.contracts.base import Urgency
from shared.contracts.patients import PatientStatus

_NAMESPACE: Final = UUID("0d5cf0f8-3bb5-5c39-93f4-7a0b1d6a0e52")
_VERSION_FIELDS: Final = {"epoch", "basis", "settings_version", "rules_version", "made_at"}
_MICROSECOND: Final = timedelta(microseconds=1)
_NAMED_ORDER: Final = (
    "risk_item",
    "reliable_deterioration",
    "relapse",
    "question_unanswered",
    "not_on_track",
    "mood_shift",
    "mood_shift_up",
    "gone_quiet",
    "rating_drop",
    "stalled",
    "mood_instability",
)
_BITS: Final = {name: 1 << place for place, name in enumerate(CATALOGUE)}


@dataclass(slots=True)
class Said:
    """What stands on the topic of one patient: the highest word, where it stands, and what stands last.

    content: a digest of all but the version. holding: the rules that hold, as bits. found: the digest of what we found
    ourselves when we last looked, None where we have not looked yet.
    """

    order: Order
    content: bytes
    offset: int
    last: int
    holding: int
    found: bytes | None = None

    @property
    def overtaken(self) -> bool:
        """Whether an older word stands behind the highest: compaction would keep the wrong one."""
        return self.last > self.offset


def content_of(assessment: Assessment) -> bytes:
    """A digest of everything an assessment says, its version left out."""
    text = assessment.model_dump_json(exclude=_VERSION_FIELDS)
    return blake2b(text.encode(), digest_size=16).digest()


def holding(assessment: Assessment) -> int:
    """The rules that hold, as bits."""
    return sum(_BITS.get(concern.rule, 0) for concern in assessment.concerns if concern.holds)


def rules_in(bits: int) -> list[str]:
    """The rules that `holding` wrote as bits."""
    return [name for name, bit in _BITS.items() if bits & bit]


def assessment_of(
    key: str, findings: Findings, *, epoch: int, basis: int, standing: Standing, now: datetime, said: Said | None
) -> Assessment:
    """The assessment to be said. Where only the time could tell it from what was said, it is made later than that."""
    clinic, patient = key.split("/")
    mine = (epoch, basis, standing.version, RULES_VERSION)
    made_at = now
    if said is not None and said.order[:4] == mine:
        made_at = max(now, datetime.fromtimestamp(0, UTC) + timedelta(microseconds=said.order[4]) + _MICROSECOND)
    return Assessment(
        clinic=clinic,
        patient=patient,
        epoch=epoch,
        basis=basis,
        settings_version=standing.version,
        rules_version=RULES_VERSION,
        made_at=made_at,
        registered=findings.registered,
        entries=findings.entries,
        entries_not_processed=findings.entries_not_processed,
        last_heard=findings.last_heard,
        concerns=findings.concerns,
    )


def message(assessment: Assessment) -> Message:
    """The record that says it; the same version always has the same id."""
    name = f"{assessment.key} {' '.join(map(str, assessment.order))}"
    return Message(id=str(uuid5(_NAMESPACE, name)), time=assessment.made_at, data=assessment)


def place_in_caseload(key: str, assessment: Assessment, registered: Registered | None) -> str | None:
    """Where a patient stands among those of their clinic: the most concerning first, then the longest since.

    The order is by name: a risk item to be told at once, any other risk item, then as in `_NAMED_ORDER`, what is only
    shown last; then a risk item that holds no more but is still told of; then those without a concern. Who is no longer
    in care has a place only with a concern.
    """
    ranked = min((_rank(concern) for concern in assessment.concerns), default=None)
    if ranked is None:
        if registered is not None and registered.status is not PatientStatus.ACTIVE:
            return None
        if registered is None and not assessment.entries and not assessment.entries_not_processed:
            return None
        ranked = (99, "")
    return f"{ranked[0]:02} {ranked[1]} {key}"


def _rank(concern: Concern) -> tuple[int, str]:
    if not concern.holds or concern.since is None:
        return 98, min((telling.at.isoformat() for telling in concern.telling), default="")
    rank = 1 + _NAMED_ORDER.index(concern.rule)
    if rank == 1 and any(telling.urgency is Urgency.AT_ONCE for telling in concern.telling):
        rank = 0
    return rank, concern.since.isoformat(timespec="microseconds")
