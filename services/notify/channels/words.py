"""The words of messages: times in the clinic's zone, and SMS that fit into one segment of GSM 7-bit."""

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from services.notify.domain import Line, Notice
from services.notify.domain.alert_wording import filled, own_words
from shared.contracts.alert_wording import AlertWordingName
from shared.contracts.base import Urgency
from shared.gsm7 import SMS_SEPTETS, gsm, one_line, septets

_N: Final = AlertWordingName
_SHORTEST_CLINIC: Final = 3
REPLY: Final = "Reply A if you have it, or open "
"""Where there is room for it beside the whole of the clinic's name."""


def clock_time(at: datetime) -> str:
    """`5pm`, `9:30am`, as an aware local time reads."""
    minutes = f":{at.minute:02}" if at.minute else ""
    return f"{at.hour % 12 or 12}{minutes}{'am' if at.hour < 12 else 'pm'}"


def day(at: datetime) -> str:
    """`Monday 23 November`."""
    return f"{at:%A} {at.day} {at:%B}"


def by_when(deadline: datetime, written_at: datetime, zone: ZoneInfo) -> str:
    """`by 5pm today`, `by 9am on Tue 24 Nov`; `was due at …` once it has passed. In the clinic's zone."""
    local, now = deadline.astimezone(zone), written_at.astimezone(zone)
    when = "today" if local.date() == now.date() else f"on {local:%a} {local.day} {local:%b}"
    return f"{'by' if deadline > written_at else 'was due at'} {clock_time(local)} {when}"


def absolute(at: datetime, zone: ZoneInfo) -> str:
    """`5pm on Monday 23 November 2026 (Europe/London)`."""
    local = at.astimezone(zone)
    return f"{clock_time(local)} on {day(local)} {local.year} ({zone.key})"


def urgency_word(notice: Notice, urgency: Urgency) -> str:
    """What a message calls it: the clinic's own word, or ours; never none."""
    name = _N.PRIORITY_URGENT if urgency is Urgency.AT_ONCE else _N.PRIORITY_WORKING_HOURS
    own = own_words(name, notice.language, notice.own)
    if own is not None:
        return filled(own, {})
    return "urgent" if urgency is Urgency.AT_ONCE else "in working hours"


def subject(notice: Notice) -> str:
    """An alert e-mail's subject: clinic, reference, urgency and deadline; nothing of the patient."""
    clinic = one_line(notice.clinic_name)
    if notice.verification is not None:
        return f"{clinic}: confirm that alerts reach you here"
    own = own_text(notice, _N.DIGEST_SUBJECT if notice.digest else _N.ALERT_SUBJECT)
    if own is not None:
        return one_line(own)
    first = _most_urgent(notice)
    by = absolute(first.deadline, notice.zone)
    if notice.digest:
        count = len(notice.lines)
        return f"{clinic}: {count} alert{'s' if count > 1 else ''} to look at by {by}"
    urgent = "urgent, " if first.urgency is Urgency.AT_ONCE else ""
    return f"{clinic} alert {first.reference}: {urgent}needs you by {by}"


def sms_text(notice: Notice) -> str:
    """One segment, at most 160 septets: the clinic's name gives way where it is long. Nothing of the patient."""
    if notice.letter is not None:
        return notice.letter.sms
    if notice.verification is not None:
        rest = f": confirm this number for alerts: {notice.verification.link}"
        return _shortened(gsm(notice.clinic_name), SMS_SEPTETS - (septets(rest) or len(rest))) + rest
    own = _own_sms(notice)
    if own is not None:
        return own
    first = _most_urgent(notice)
    by = by_when(first.deadline, notice.written_at, notice.zone)
    if notice.digest:
        more = len(notice.lines) - 1 + notice.others
        others = f" and {more} more" if more else ""
        rest = f": alert {first.reference}{others} to look at, {by}. {first.link}"
    elif notice.others:
        rest = f": {notice.others + len(notice.lines)} alerts waiting, one is {first.reference}, {by}. {first.link}"
    else:
        urgent = ", urgent" if first.urgency is Urgency.AT_ONCE else ""
        rest = f": alert {first.reference} needs you{urgent}, {by}. "
        room = SMS_SEPTETS - len(rest) - len(first.link) - len(REPLY) >= (septets(gsm(notice.clinic_name)) or 0)
        rest += f"{REPLY if room else ''}{first.link}"
    return _shortened(gsm(notice.clinic_name), SMS_SEPTETS - (septets(rest) or len(rest))) + rest


def own_text(notice: Notice, name: AlertWordingName) -> str | None:
    """The clinic's own words for an e-mail, filled in; None where it has none."""
    text = own_words(name, notice.language, notice.own)
    return None if text is None else filled(text, _values(notice) | {"clinic": one_line(notice.clinic_name)})


def _own_sms(notice: Notice) -> str | None:
    """The clinic's own words in one segment, its name giving way; None where it has none, or they do not fit."""
    several = notice.digest or notice.others
    text = own_words(_N.DIGEST_SMS if several else _N.ALERT_SMS, notice.language, notice.own)
    if text is None:
        return None
    values = _values(notice)
    room = SMS_SEPTETS - (septets(filled(text, values | {"clinic": ""})) or SMS_SEPTETS)
    sms = filled(text, values | {"clinic": _shortened(gsm(notice.clinic_name), room)})
    return sms if (septets(sms) or SMS_SEPTETS + 1) <= SMS_SEPTETS else None


def _values(notice: Notice) -> dict[str, str]:
    """What placeholders stand for: nothing of the patient. The deadline reads the same in every language."""
    first = _most_urgent(notice)
    return {
        "priority": urgency_word(notice, first.urgency),
        "reference": first.reference,
        "link": first.link,
        "deadline": f"{first.deadline.astimezone(notice.zone):%Y-%m-%d %H:%M}",
        "count": str(len(notice.lines) + notice.others),
    }


def _shortened(name: str, room: int) -> str:
    if len(name) < _SHORTEST_CLINIC:
        name = "Your clinic"
    while name and (septets(name) or 0) > room:
        name = name[:-1]
    return name.rstrip()


def _most_urgent(notice: Notice) -> Line:
    return min(notice.lines, key=lambda line: (line.urgency is not Urgency.AT_ONCE, line.deadline))
