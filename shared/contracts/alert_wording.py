"""A clinic's own words for messages to clinicians: which texts there are, what they may name, how long they may be.

No placeholder carries anything of a patient: no name, no score, nothing anybody wrote.
"""

import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from string import Formatter
from types import MappingProxyType
from typing import Final

from shared.gsm7 import SMS_SEPTETS, septets

MOST_IN_LINE: Final = 78
MOST_IN_CLOSING: Final = 500
MOST_IN_PRIORITY: Final = 20
CLINIC: Final = "clinic"
PRIORITY: Final = "priority"
REFERENCE: Final = "reference"
LINK: Final = "link"
DEADLINE: Final = "deadline"
COUNT: Final = "count"
LONGEST: Final[Mapping[str, int]] = MappingProxyType(
    {CLINIC: 3, PRIORITY: MOST_IN_PRIORITY, REFERENCE: 6, LINK: 80, DEADLINE: 16, COUNT: 3}
)
"""Septets of the longest value of each in an SMS; of the clinic's name, which gives way, the fewest that it keeps."""


class AlertWordingName(StrEnum):
    """The texts of messages to clinicians. `digest_...`: of a message that stands for several alerts.

    `..._subject`, `..._opening` and `alert_closing` are an e-mail's. `priority_...`: what `{priority}` says.
    """

    ALERT_SMS = "alert_sms"
    ALERT_SUBJECT = "alert_subject"
    ALERT_OPENING = "alert_opening"
    ALERT_CLOSING = "alert_closing"
    DIGEST_SMS = "digest_sms"
    DIGEST_SUBJECT = "digest_subject"
    DIGEST_OPENING = "digest_opening"
    PRIORITY_URGENT = "priority_urgent"
    PRIORITY_WORKING_HOURS = "priority_working_hours"


_N = AlertWordingName
_BREAKS: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Categories of control characters and of what ends a line."""
PRIORITIES: Final = frozenset({_N.PRIORITY_URGENT, _N.PRIORITY_WORKING_HOURS})
_MUST: Final[Mapping[AlertWordingName, frozenset[str]]] = MappingProxyType(
    {
        _N.ALERT_SMS: frozenset({REFERENCE, LINK, PRIORITY}),
        _N.DIGEST_SMS: frozenset({REFERENCE, LINK, PRIORITY, COUNT}),
        _N.ALERT_SUBJECT: frozenset({REFERENCE, PRIORITY}),
        _N.DIGEST_SUBJECT: frozenset({COUNT, PRIORITY}),
        _N.DIGEST_OPENING: frozenset({COUNT}),
    }
)
"""What a text has to name. A message never leaves out how urgent it is, or where to go."""
_MAY: Final[Mapping[AlertWordingName, frozenset[str]]] = MappingProxyType(
    {
        _N.ALERT_SMS: frozenset({CLINIC, DEADLINE}),
        _N.DIGEST_SMS: frozenset({CLINIC, DEADLINE}),
        _N.ALERT_SUBJECT: frozenset({CLINIC, DEADLINE}),
        _N.DIGEST_SUBJECT: frozenset({CLINIC, DEADLINE}),
        _N.ALERT_OPENING: frozenset({CLINIC, PRIORITY}),
        _N.DIGEST_OPENING: frozenset({CLINIC, PRIORITY}),
        _N.ALERT_CLOSING: frozenset({CLINIC}),
    }
)


def wrong_alert_words(name: AlertWordingName, text: str) -> str | None:
    """What to send instead of this text; None where it can be used.

    Each placeholder stands once at most. An SMS must be GSM 7-bit (3GPP TS 23.038) and one segment of 160 septets with
    the longest values filled in.
    """
    must, may = _MUST.get(name, frozenset()), _MAY.get(name, frozenset())
    try:
        parts = list(Formatter().parse(text))
    except ValueError:
        return f"Close every brace; the placeholders are: {_shown(must | may)}."
    fields = [part for part in parts if part[1] is not None]
    names = [field for _, field, _, _ in fields if field is not None]
    if any(spec or conversion for _, _, spec, conversion in fields) or not set(names) <= must | may:
        return f"Use no other placeholders than these: {_shown(must | may)}."
    if not must <= set(names):
        return f"Name all of these: {_shown(must)}."
    if len(set(names)) != len(names):
        return "Name each placeholder once."
    if LINK in must and f" {{{LINK}}} " not in f" {text} ":
        return "Put a space before {link}, and one after it where the text goes on: a phone must see where it ends."
    return _wrong_length(name, "".join(literal for literal, _, _, _ in parts), names)


def _shown(names: frozenset[str]) -> str:
    return " and ".join(f"{{{one}}}" for one in sorted(names)) or "none"


def _wrong_length(name: AlertWordingName, own: str, names: list[str]) -> str | None:
    if not names and not any(character.isalpha() for character in own):
        return "Send some words."
    if any(unicodedata.category(character) in _BREAKS for character in own):
        return "Send one line."
    if not name.endswith("_sms") and name not in PRIORITIES:
        most = MOST_IN_CLOSING if name is _N.ALERT_CLOSING else MOST_IN_LINE
        return None if len(own) <= most else f"Send at most {most} characters beside the placeholders."
    most = MOST_IN_PRIORITY if name in PRIORITIES else SMS_SEPTETS - sum(LONGEST[one] for one in names)
    found = septets(own)
    if found is None:
        return "Use letters and signs of the GSM 7-bit alphabet only: others make two messages of one."
    return None if found <= most else f"Send at most {most} characters beside the placeholders."
