"""A clinic's own words for messages to patients: which texts there are, what they may name, how long they may be.

Those for messages to clinicians are in `shared.contracts.alert_wording`.
"""

from enum import StrEnum
from string import Formatter
from typing import Annotated, Final, TypeAlias

from pydantic import StringConstraints

from shared.contracts.alert_wording import AlertWordingName
from shared.gsm7 import septets

Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[A-Z]{2})?$")]
"""A language, e.g. `de` or `en-GB`."""
MOST_IN_SMS: Final = 48
"""Septets of an SMS's own words: of 160 the sender (11), a link (82) and the words for STOP (19) take the rest."""
MOST_IN_SUBJECT: Final = 78
MOST_IN_TEXT: Final = 2_000
SENDER: Final = "sender"
WHERE: Final = "where"


class WordingName(StrEnum):
    """The texts of messages to patients: by what they are about, each as SMS, subject and e-mail.

    `neutral_...` say nothing of care; `where_no_link` stands in place of a link where there is none.
    """

    CHECK_IN_SMS = "check_in_sms"
    CHECK_IN_SUBJECT = "check_in_subject"
    CHECK_IN_TEXT = "check_in_text"
    QUESTIONNAIRE_SMS = "questionnaire_sms"
    QUESTIONNAIRE_SUBJECT = "questionnaire_subject"
    QUESTIONNAIRE_TEXT = "questionnaire_text"
    ANSWER_SMS = "answer_sms"
    ANSWER_SUBJECT = "answer_subject"
    ANSWER_TEXT = "answer_text"
    NEUTRAL_SMS = "neutral_sms"
    NEUTRAL_SUBJECT = "neutral_subject"
    NEUTRAL_TEXT = "neutral_text"
    WHERE_NO_LINK = "where_no_link"
    STOP = "stop"
    BUTTON = "button"
    STOP_BY_EMAIL = "stop_by_email"


Wording: TypeAlias = dict[
    Language, dict[WordingName | AlertWordingName, Annotated[str, StringConstraints(max_length=MOST_IN_TEXT)]]
]
"""By language: the texts a clinic words itself."""
_SHORT: Final = {WordingName.WHERE_NO_LINK: 40, WordingName.STOP: 18, WordingName.BUTTON: 30}
_LONG: Final = {WordingName.STOP_BY_EMAIL: 200}


def wrong_words(name: WordingName, text: str) -> str | None:
    """What to send instead of this text; None where it can be used.

    Texts name `{sender}` and `{where}` (the link, or where to go) and nothing else. An SMS must be GSM 7-bit (3GPP TS
    23.038), so that it stays one segment of 160.
    """
    try:
        parts = list(Formatter().parse(text))
    except ValueError:
        return "Close every brace; the placeholders are {sender} and {where}."
    names = [field for _, field, _, _ in parts if field is not None]
    plain = all(not spec and not conversion for _, field, spec, conversion in parts if field is not None)
    allowed = _allowed(name)
    if not plain or not set(names) <= allowed:
        shown = " and ".join(f"{{{one}}}" for one in sorted(allowed)) or "none"
        return f"Use no other placeholders than these: {shown}."
    if WHERE in allowed and names.count(WHERE) != 1:
        return "Say {where} once: it is the link, or where to go."
    if names.count(SENDER) > 1:
        return "Say {sender} once at most."
    own = "".join(literal for literal, _, _, _ in parts)
    return _wrong_length(name, own)


def _allowed(name: WordingName) -> set[str]:
    if name in _SHORT or name in _LONG:
        return set()
    return {SENDER} if name.endswith("_subject") else {SENDER, WHERE}


def _wrong_length(name: WordingName, own: str) -> str | None:
    if not own.strip():
        return "Send some words."
    if name.endswith("_sms") or name in (WordingName.STOP, WordingName.WHERE_NO_LINK):
        most, found = _SHORT.get(name, MOST_IN_SMS), septets(own)
        if found is None:
            return "Use letters and signs of the GSM 7-bit alphabet only: others make two messages of one."
        if "\n" in own or "\r" in own:
            return "Send one line."
        return None if found <= most else f"Send at most {most} characters beside the placeholders."
    if not name.endswith("_text") and ("\n" in own or "\r" in own):
        return "Send one line."
    most = MOST_IN_TEXT if name.endswith("_text") else _SHORT.get(name, _LONG.get(name, MOST_IN_SUBJECT))
    return None if len(own) <= most else f"Send at most {most} characters beside the placeholders."
