"""What protocols ask for, as docs/schedules.md words it: day by day, without any thought for speed."""

from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from tests.oracle.plain import Plain, day, days, instant, there, time_of_day

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Due = tuple[datetime, str, datetime]
"""When it is due, its id, when it expires."""


def first_due(clinic: Plain | None, patient: Plain, sessions: list[Plain], heard: datetime, count: int) -> list[Due]:
    """The first occasions due after an instant, at most so many, within 366 days of it."""
    known = there(clinic)
    if known is None:
        return []
    told = max(instant(patient[name]) for name in ("registered_at", "created_at") if patient.get(name))
    found = {}
    for name, starts, stops in followed(known, patient, told):
        for one in of_protocol(known, patient, sessions, name, starts, stops, heard):
            found[one[1]] = one
    return sorted(one for one in found.values() if heard < one[0] < heard + days(366) and one[0] >= told)[:count]


def followed(clinic: Plain, patient: Plain, told: datetime) -> list[tuple[str, date, date | None]]:
    """The protocols a patient follows, with first and last day; their own comes before the pathway's."""
    found = {}
    pathway = patient.get("pathway")
    if pathway:
        since = day(patient["pathway_since"]) if patient.get("pathway_since") else told.date()
        for settings in clinic["settings"]:
            for name in settings.get("pathways", {}).get(pathway, []):
                found[name] = (since, None)
    for one in patient.get("protocols", []):
        stops = one.get("stops_on")
        found[one["protocol"]] = (day(one["starts_on"]), day(stops) if stops else None)
    return [(name, starts, stops) for name, (starts, stops) in found.items()]


def of_protocol(
    clinic: Plain,
    patient: Plain,
    sessions: list[Plain],
    name: str,
    starts: date,
    stops: date | None,
    heard: datetime,
) -> list[Due]:
    """One protocol's occasions: of each day and window what the first settings say under which it falls due."""
    own = any(one["protocol"] == name for one in patient.get("protocols", []))
    found: dict[str, Due] = {}
    for place, settings in enumerate(clinic["settings"]):
        begins = instant(settings["effective_from"]) if place else None
        ends = instant(clinic["settings"][place + 1]["effective_from"]) if place + 1 < len(clinic["settings"]) else None
        protocol = next((one for one in settings.get("protocols", []) if one["name"] == name), None)
        if protocol is None or not (own or name in settings.get("pathways", {}).get(patient.get("pathway"), [])):
            continue
        for due, which, expires in said_by(protocol, clinic, patient, sessions, (starts, stops), heard):
            if (begins is None or begins <= due) and (ends is None or due < ends):
                found.setdefault(which, (due, which, expires))
    return list(found.values())


def said_by(
    protocol: Plain,
    clinic: Plain,
    patient: Plain,
    sessions: list[Plain],
    course: tuple[date, date | None],
    heard: datetime,
) -> list[Due]:
    """What one version of a protocol says, around the year after an instant."""
    starts, stops = course
    last = stops or date(9000, 1, 1)
    if protocol.get("lasts_days"):
        last = min(last, starts + timedelta(days=protocol["lasts_days"] - 1))
    open_for = timedelta(minutes=protocol["expires_after"])
    places = zones(clinic, patient)
    name, rhythm, found = protocol["name"], protocol["rhythm"], []
    if rhythm["every"] == "session":
        for session in sessions:
            if session.get("attendance") in {"cancelled_by_clinic", "cancelled_by_patient"}:
                continue
            meets = instant(session["scheduled_at"])
            due = meets - timedelta(hours=rhythm["hours_before"])
            zone = [zone for zone, since in places if since is None or since <= due][-1]
            local = due.astimezone(zone).date()
            if starts <= local <= last:
                found.append((due, f"{name}/{session['session']}/{local}", min(due + open_for, meets)))
        return found
    today = max(starts, heard.date() - timedelta(days=10))
    while today <= min(last, heard.date() + timedelta(days=376)):
        if falls_on(rhythm, today, starts):
            for number, window in enumerate(protocol["windows"], 1):
                seed = f"{patient['clinic']}/{patient['patient']}/{name}/{today}/{number}"
                due = when(today, moment(window, seed), places)
                found.append((due, f"{name}/{today}/{number}", due + open_for))
        today += timedelta(days=1)
    return found


def falls_on(rhythm: Plain, today: date, starts: date) -> bool:
    """Whether a rhythm has this day."""
    if rhythm["every"] == "days":
        return (today - starts).days % rhythm.get("days", 1) == 0
    if rhythm["every"] == "weekdays":
        return DAYS[today.weekday()] in rhythm.get("on", DAYS[:5])
    first = starts
    while DAYS[first.weekday()] != rhythm["on"]:
        first += timedelta(days=1)
    return today >= first and (today - first).days % (7 * rhythm.get("weeks", 1)) == 0


def moment(window: Plain, seed: str) -> time:
    """The local time: the opening, or a minute drawn from the seed."""
    opens, closes = time_of_day(window["opens"]), time_of_day(window["closes"])
    if window.get("moment", "fixed") == "fixed":
        return opens
    first = opens.hour * 60 + opens.minute
    minutes = closes.hour * 60 + closes.minute - first
    drawn = first + int(sha256(seed.encode()).hexdigest()[:16], 16) % minutes
    return time(*divmod(drawn, 60))


def zones(clinic: Plain, patient: Plain) -> list[tuple[ZoneInfo, datetime | None]]:
    """Where the patient was from when on; the first for all that was before."""
    told: list[Any] = [(one["zone"], one["since"]) for one in patient.get("zones", [])]
    if not told and patient.get("zone"):
        told = [(patient["zone"], None)]
    if not told:
        told = [(settings["zone"], settings["effective_from"]) for settings in clinic["settings"]]
    return [(ZoneInfo(zone), instant(since) if place else None) for place, (zone, since) in enumerate(told)]


def when(today: date, at: time, places: list[tuple[ZoneInfo, datetime | None]]) -> datetime:
    """The first place in which the moment comes before they leave it decides, at the earliest when they arrive."""
    for place, (zone, since) in enumerate(places):
        due = datetime.combine(today, at, zone).astimezone(UTC)
        leaves = places[place + 1][1] if place + 1 < len(places) else None
        if leaves is None or due < leaves:
            return due if since is None else max(due, since)
    raise AssertionError("nobody leaves the last place")
