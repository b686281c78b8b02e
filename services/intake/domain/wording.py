"""A clinic's own words for messages to patients, refused where they could not be sent as one SMS or name too much."""

from collections.abc import Iterator

from shared.contracts.clinics import ClinicSettings
from shared.contracts.wording import WordingName, wrong_words
from shared.errors import FieldError


def wrong_wording(settings: ClinicSettings) -> Iterator[FieldError]:
    """What is wrong with the texts of `wording`, one by one."""
    for language, texts in settings.wording.items():
        for name, text in texts.items():
            wrong = wrong_words(WordingName(name), text)
            if wrong is not None:
                yield FieldError(f"/wording/{language}/{name}", wrong)
