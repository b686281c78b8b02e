"""The words of messages to patients: by what they are about, language, and whether they may say anything of care.

No name of the patient, no instrument, no word of a question or answer stands in any of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from shared.contracts.letters import LetterKind
from shared.contracts.wording import SENDER, WHERE, WordingName
from shared.gsm7 import SMS_SEPTETS, gsm, septets

LEAST_SENDER: Final = 2
LONGEST_SENDER: Final = 11
"""Characters of a name that an SMS may be sent under."""
_N = WordingName
PACKS: Final[Mapping[str, Mapping[WordingName, str]]] = MappingProxyType(
    {
        "en": MappingProxyType(
            {
                _N.CHECK_IN_SMS: "{sender}: time for your check-in: {where}",
                _N.CHECK_IN_SUBJECT: "{sender}: time for your check-in",
                _N.CHECK_IN_TEXT: "It is time for your check-in. It takes a minute or two: {where}",
                _N.QUESTIONNAIRE_SMS: "{sender}: your questionnaire is ready: {where}",
                _N.QUESTIONNAIRE_SUBJECT: "{sender}: your questionnaire is ready",
                _N.QUESTIONNAIRE_TEXT: "A questionnaire is ready for you: {where}",
                _N.ANSWER_SMS: "{sender}: your question has an answer: {where}",
                _N.ANSWER_SUBJECT: "{sender}: your question has an answer",
                _N.ANSWER_TEXT: "There is an answer to your question: {where}",
                _N.NEUTRAL_SMS: "{sender}: You have a message waiting: {where}",
                _N.NEUTRAL_SUBJECT: "You have a message waiting",
                _N.NEUTRAL_TEXT: "You have a message waiting: {where}",
                _N.WHERE_NO_LINK: "please open the app you use with us",
                _N.STOP: "Reply STOP to end",
                _N.BUTTON: "Open",
                _N.STOP_BY_EMAIL: "To get no more of these, say so in the app or to whoever set it up with you.",
            }
        )
    }
)
"""Every language has all of the texts. A clinic can word each itself, in these and in other languages."""


@dataclass(frozen=True, slots=True)
class Words:
    """A letter in words. sender: what it names as its sender, `` where it names none; named: whether an SMS may be sent
    under it. link: None where there is none. lines: of the e-mail."""

    sender: str
    named: bool
    language: str
    sms: str
    subject: str
    text: str
    link: str | None
    button: str
    stop: str


def words_of(
    kind: LetterKind,
    *,
    neutral: bool,
    language: str,
    sender: str,
    named: bool,
    link: str | None,
    stop: bool,
    own: Mapping[str, Mapping[str, str]],
) -> Words:
    """The words of a letter.

    sender: a name, or empty. own: the clinic's words by language. stop: whether an SMS says how to end them.
    """
    prefix = "neutral" if neutral else kind.value
    find = _Finder(language, own)
    where, ending = link or find(_N.WHERE_NO_LINK), f" {find(_N.STOP)}" if stop else ""
    sms = _one_segment(find(_N(f"{prefix}_sms")), gsm(sender), where, ending)
    return Words(
        sender=sender,
        named=named and LEAST_SENDER <= len(sender) <= LONGEST_SENDER,
        language=language,
        sms=sms,
        subject=_filled(find(_N(f"{prefix}_subject")), sender, where),
        text=_filled(find(_N(f"{prefix}_text")), sender, where),
        link=link,
        button=find(_N.BUTTON),
        stop=find(_N.STOP_BY_EMAIL),
    )


def _one_segment(text: str, sender: str, where: str, ending: str) -> str:
    """160 septets at most: the sender's name gives way. Nothing else does: it is checked where it comes from."""
    for length in range(len(sender), LEAST_SENDER - 1, -1):
        sms = _filled(text, sender[:length].rstrip(), where) + ending
        if (septets(sms) or 0) <= SMS_SEPTETS:
            return sms
    return _filled(text, "", where) + ending


class _Finder:
    """Finds a text: the clinic's own in the patient's language, ours in it, then English the same way."""

    def __init__(self, language: str, own: Mapping[str, Mapping[str, str]]) -> None:
        languages = dict.fromkeys([language, language.partition("-")[0], "en"])
        self._sources = [source for one in languages for source in (own.get(one, {}), PACKS.get(one, {}))]

    def __call__(self, name: WordingName) -> str:
        return next(source[name] for source in self._sources if name in source)


def _filled(text: str, sender: str, where: str) -> str:
    """With its placeholders filled. Where nobody is named the words begin with the message itself."""
    if not sender:
        text = text.removeprefix("{sender}: ").replace("{sender}", "").strip()
        text = text[:1].upper() + text[1:]
    parts = {SENDER: sender, WHERE: where}
    for name, value in parts.items():
        text = text.replace(f"{{{name}}}", value.replace("{", "").replace("}", ""))
    return text.replace("{{", "{").replace("}}", "}")
