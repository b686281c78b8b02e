"""What patients are asked for between sessions: protocols that can work, who follows them, and where people are."""

from collections.abc import Collection, Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from shared.contracts import Clinic, Patient
from shared.contracts.clinics import ClinicSettings
from shared.contracts.patients import ZoneSince
from shared.contracts.protocols import CHECK_IN
from shared.errors import FieldError, invalid


def wrong_protocols(settings: ClinicSettings, instruments: Collection[str]) -> Iterator[FieldError]:
    """What cannot work about protocols, pathways and the clinic's own questions.

    instruments: those built in; the clinic's own scales count too.
    """
    known = {CHECK_IN, *instruments, *(scale.name for scale in settings.scales)}
    names: set[str] = set()
    for index, protocol in enumerate(settings.protocols):
        if protocol.name in names:
            yield FieldError(f"/protocols/{index}/name", "Two protocols have this name: give each its own.")
        names.add(protocol.name)
        if protocol.asks not in known:
            yield FieldError(
                f"/protocols/{index}/asks", f"There is no such instrument. Send one of: {', '.join(sorted(known))}."
            )
    for pathway, followed in settings.pathways.items():
        for index, name in enumerate(followed):
            if name not in names:
                yield FieldError(
                    f"/pathways/{pathway}/{index}",
                    "There is no such protocol: declare it in `protocols`, or leave it out.",
                )
    asked: set[str] = set()
    for index, question in enumerate(settings.check_in_questions):
        if question.name in asked:
            yield FieldError(f"/check_in_questions/{index}/name", "Two questions have this name: give each its own.")
        asked.add(question.name)


def assign(current: Patient | None, wished: Patient, clinic: Clinic | None, now: datetime) -> Patient:
    """The patient as wished, with every zone they told, and the day their pathway began where that was left out.

    What is followed must be known to the clinic, unless it was followed before: settings may have changed since.
    Raises Problem 422.
    """
    settings = None if clinic is None else clinic.settings[-1]
    wrong = [] if settings is None else list(_wrong_assignment(current, wished, settings))
    if wrong:
        raise invalid(*wrong)
    here = "UTC" if settings is None else settings.zone
    zones = _zones(current, wished, here, now)
    since = wished.pathway_since
    if wished.pathway is None:
        since = None
    elif since is None:
        same = current is not None and current.pathway == wished.pathway
        kept = current.pathway_since if current is not None and same else None
        since = kept or now.astimezone(ZoneInfo(zones[-1].zone if zones else here)).date()
    return wished.model_copy(update={"zones": zones, "pathway_since": since})


def _wrong_assignment(current: Patient | None, wished: Patient, settings: ClinicSettings) -> Iterator[FieldError]:
    before = set() if current is None else {one.protocol for one in current.protocols}
    known = {protocol.name for protocol in settings.protocols} | before
    followed: set[str] = set()
    for index, one in enumerate(wished.protocols):
        if one.protocol not in known:
            yield FieldError(
                f"/protocols/{index}/protocol",
                "The clinic has no such protocol: declare it with PUT /v1/clinic first, or leave it out.",
            )
        if one.protocol in followed:
            yield FieldError(f"/protocols/{index}/protocol", "It is there twice: send each protocol once.")
        followed.add(one.protocol)
        if one.stops_on is not None and one.stops_on < one.starts_on:
            yield FieldError(f"/protocols/{index}/stops_on", "Send a day that is not before `starts_on`.")
    if wished.pathway is None and wished.pathway_since is not None:
        yield FieldError("/pathway_since", "Send the pathway too, or leave this out.")
    kept = current is not None and current.pathway == wished.pathway
    if wished.pathway is not None and not kept and wished.pathway not in settings.pathways:
        yield FieldError(
            "/pathway", "The clinic has no such pathway: declare it with PUT /v1/clinic first, or leave it out."
        )


def _zones(current: Patient | None, wished: Patient, clinic_zone: str, now: datetime) -> list[ZoneSince]:
    """Every zone told so far; what was due in one stays there. Nothing told counts as where the clinic is."""
    if current is None:
        return [] if wished.zone is None else [ZoneSince(zone=wished.zone, since=now)]
    if wished.zone == current.zone:
        return current.zones
    before = current.zones or [ZoneSince(zone=current.zone or clinic_zone, since=current.expected_from)]
    now = max(before[-1].since, now)
    return [*before, ZoneSince(zone=wished.zone or clinic_zone, since=now)]
