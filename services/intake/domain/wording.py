"""A clinic's own words for messages, refused where they cannot be sent as one SMS, name too much or say too little."""

from collections.abc import Iterator

from shared.contracts.alert_wording import PRIORITIES, AlertWordingName, wrong_alert_words
from shared.contracts.clinics import ClinicSettings
from shared.contracts.wording import WordingName, wrong_words
from shared.errors import FieldError

_TO_CLINICIANS = frozenset(AlertWordingName)


def wrong_wording(settings: ClinicSettings) -> Iterator[FieldError]:
    """What is wrong with the texts of `wording`, one by one."""
    for language, texts in settings.wording.items():
        for name, text in texts.items():
            if name in _TO_CLINICIANS:
                wrong = wrong_alert_words(AlertWordingName(name), text)
            else:
                wrong = wrong_words(WordingName(name), text)
            if wrong is not None:
                yield FieldError(f"/wording/{language}/{name}", wrong)
        words = [texts.get(name, "").strip().casefold() for name in sorted(PRIORITIES)]
        if words[0] and words[0] == words[1]:
            yield FieldError(f"/wording/{language}/priority_urgent", "Use another word than for what can wait.")
