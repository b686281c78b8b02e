"""GAD-7: seven problems of anxiety over the last two weeks."""

from typing import Final

from services.mood.domain.instruments.declaration import Band, Cut, Instrument, Item, Licence, Prorating, Wording
from services.mood.domain.instruments.phq9 import BOTHERED, FREQUENCY, TERMS

# the code of item 2 is not confirmed in our reference, and 69689-9, often seen for item 6, fails LOINC's check digit
_LOINC: Final = ("69725-0", None, "69733-4", "69734-2", "69735-9", "69689-8", "69736-7")

GAD7: Final = Instrument(
    name="gad7",
    measure="gad7",
    title="GAD-7",
    items={str(n): Item(minimum=0, maximum=3, loinc=code) for n, code in enumerate(_LOINC, 1)},
    minimum=0,
    maximum=21,
    recall_days=14,
    bands=(Band("minimal", 0, 4), Band("mild", 5, 9), Band("moderate", 10, 14), Band("severe", 15, 21)),
    caseness=Cut(8, "NHS Talking Therapies (in the US 10 is usual)"),
    reliable_change=Cut(4, "NHS Talking Therapies (MHSDS reliable change)"),
    prorating=Prorating(2, "the PHQ family's convention: mean substitution for at most two items"),
    licence=Licence.NO_PERMISSION_REQUIRED,
    source="Spitzer, Kroenke, Williams and Löwe 2006",
    loinc_panel="69737-5",
    loinc_total="70274-6",
    wording=Wording(
        stem=BOTHERED,
        items={
            "1": "Feeling nervous, anxious or on edge",
            "2": "Not being able to stop or control worrying",
            "3": "Worrying too much about different things",
            "4": "Trouble relaxing",
            "5": "Being so restless that it is hard to sit still",
            "6": "Becoming easily annoyed or irritable",
            "7": "Feeling afraid as if something awful might happen",
        },
        answers=FREQUENCY,
        attribution=TERMS,
    ),
)
