"""What was said of each patient, what is to be said now, and when it is better to stay silent."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Final
from uuid import UUID, uuid5

from services.insights.domain import CATALOGUE, RULES_VERSION, Findings, Registered, Severity, Standing
from services.insights.domain.ports import Order
from shared.bus import Message
from shared.contracts import Assessment
from shared.contracts.assessments import Concern
from shared.contracts.base import Urgency
from shared.contracts.patients import PatientStatus

_NAMESPACE: Final = UUID("0d5cf0f8-3bb5-5c39-93f4-7a0b1d6a0e52")
_VERSION_FIELDS: Final = {"epoch", "basis", "settings_version", "rules_version", "made_at"}
_MICROSECOND: Final = timedelta(microseconds=1)
_PLACES: Final = {
    name: place
    for place, name in enumerate(
        sorted(CATALOGUE, key=lambda name: list(Severity).index(CATALOGUE[name].severity)), start=2
    )
}
"""In which order concerns are read: by severity, then as in the catalogue. Two ranks each, see `_rank`."""
_HARM_AT_ONCE: Final = 0
_HARM_NOT_PROCESSED: Final = 2
_CALM: Final = 99
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


def place_in_caseload(
    key: str, assessment: Assessment, registered: Registered | None, *, harm_not_processed: bool = False
) -> str | None:
    """Where a patient stands among those of their clinic: the most concerning first, then the longest since.

    First what is about harm and to be told at once, also where its rule holds no more; then those of whom an entry
    about harm could not be processed (`harm_not_processed`); then by the severity of the rules, and within it as the
    catalogue has them; then those without a concern. Who is no longer in care has a place only with one of these.
    """
    ranks = [_rank(concern) for concern in assessment.concerns]
    if harm_not_processed and (registered is None or registered.status is not PatientStatus.DECEASED):
        ranks.append((_HARM_NOT_PROCESSED, ""))
    ranked = min(ranks, default=None)
    if ranked is None:
        if registered is not None and registered.status is not PatientStatus.ACTIVE:
            return None
        if registered is None and not assessment.entries and not assessment.entries_not_processed:
            return None
        ranked = (_CALM, "")
    return f"{ranked[0]:02} {ranked[1]} {key}"


def _rank(concern: Concern) -> tuple[int, str]:
    """A concern's rank and since when: the one after its own where the rule holds no more and is still told of.

    That a question's recall has passed is no sign that anybody acted, so what is told of keeps its place as long as it
    is told of, which each rule bounds.
    """
    rank = 2 * _PLACES[concern.rule]
    about_harm = CATALOGUE[concern.rule].severity is Severity.SAFETY
    if about_harm and any(telling.urgency is Urgency.AT_ONCE for telling in concern.telling):
        rank = _HARM_AT_ONCE
    if concern.holds and concern.since is not None:
        return rank, concern.since.isoformat(timespec="microseconds")
    told = min((telling.at.isoformat(timespec="microseconds") for telling in concern.telling), default="")
    return rank + 1, told
