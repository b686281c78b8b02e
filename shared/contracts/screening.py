"""What the screen for crisis language found in something a patient wrote. It raises priority and hides nothing."""

from pydantic import Field

from shared.contracts.base import Id, Part


class Screening(Part):
    """The word of one version of the screen on one text. It stands in the fact, so that a newer screen pages nobody
    for the past. Nothing found is no reassurance: a human reads every text all the same."""

    crisis_language: bool = Field(description="Words were found that people in a crisis use.")
    signs: list[Id] = Field(default_factory=list, description="What kind of words, by the screen's own names; no text.")
    screen: Id = Field(description="The screen and its version.")
    screened: bool = Field(default=True, description="False: a language the screen does not cover; nobody looked.")
