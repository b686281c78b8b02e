"""PHQ-9: nine problems of depression over the last two weeks, and one question on how hard they make life."""

from typing import Final

from services.mood.domain.instruments.declaration import Band, Cut, Instrument, Item, Licence, Prorating, Wording

_LOINC: Final = (
    "44250-9", "44255-8", "44259-0", "44254-1", "44251-7", "44258-2", "44252-5", "44253-3", "44260-8",
)  # fmt: skip
_ITEMS: Final = {
    str(n): Item(minimum=0, maximum=3, loinc=code, risk=n == 9, urgent_from=2) for n, code in enumerate(_LOINC, 1)
}
FREQUENCY: Final = {0: "Not at all", 1: "Several days", 2: "More than half the days", 3: "Nearly every day"}
BOTHERED: Final = "Over the last 2 weeks, how often have you been bothered by any of the following problems?"
TERMS: Final = (
    "Developed by Drs Robert L. Spitzer, Janet B.W. Williams, Kurt Kroenke and colleagues, with an educational grant "
    "from Pfizer Inc. No permission required to reproduce, translate, display or distribute."
)

PHQ9: Final = Instrument(
    name="phq9",
    measure="phq9",
    title="PHQ-9",
    items=_ITEMS | {"10": Item(minimum=0, maximum=3, scored=False, loinc="69722-7")},
    minimum=0,
    maximum=27,
    recall_days=14,
    bands=(
        Band("none to minimal", 0, 4),
        Band("mild", 5, 9),
        Band("moderate", 10, 14),
        Band("moderately severe", 15, 19),
        Band("severe", 20, 27),
    ),
    caseness=Cut(10, "NHS Talking Therapies: recovered is below 10"),
    reliable_change=Cut(6, "NHS Talking Therapies (MHSDS reliable change)"),
    prorating=Prorating(2, "the PHQ manual's convention: mean substitution for at most two items"),
    licence=Licence.NO_PERMISSION_REQUIRED,
    source="Kroenke, Spitzer and Williams 2001",
    loinc_panel="44249-1",
    loinc_total="44261-6",
    wording=Wording(
        stem=BOTHERED,
        items={
            "1": "Little interest or pleasure in doing things",
            "2": "Feeling down, depressed, or hopeless",
            "3": "Trouble falling or staying asleep, or sleeping too much",
            "4": "Feeling tired or having little energy",
            "5": "Poor appetite or overeating",
            "6": "Feeling bad about yourself — or that you are a failure or have let yourself or your family down",
            "7": "Trouble concentrating on things, such as reading the newspaper or watching television",
            "8": "Moving or speaking so slowly that other people could have noticed? Or the opposite — being so "
            "fidgety or restless that you have been moving around a lot more than usual",
            "9": "Thoughts that you would be better off dead or of hurting yourself in some way",
            "10": "If you checked off any problems, how difficult have these problems made it for you to do your work, "
            "take care of things at home, or get along with other people?",
        },
        answers=FREQUENCY,
        other_answers={
            "10": {0: "Not difficult at all", 1: "Somewhat difficult", 2: "Very difficult", 3: "Extremely difficult"}
        },
        attribution=TERMS,
    ),
)
