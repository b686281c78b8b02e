"""A clinic's own words for messages to clinicians: which of them a recipient is sent, and how they are filled in."""

from collections.abc import Mapping

from shared.contracts.alert_wording import AlertWordingName, wrong_alert_words


def own_words(name: AlertWordingName, language: str, own: Mapping[str, Mapping[str, str]]) -> str | None:
    """The clinic's words in the recipient's language, else in English; None where ours are to be sent.

    Words that the door would refuse are passed over: whatever is in a document, an alert goes out.
    """
    languages = dict.fromkeys([language, language.partition("-")[0], "en"])
    found = (own[one][name] for one in languages if name in own.get(one, {}))
    return next((text for text in found if wrong_alert_words(name, text) is None), None)


def filled(text: str, values: Mapping[str, str]) -> str:
    """A text that the door has checked, with its placeholders filled: values are never read as placeholders."""
    return text.format_map(values)
