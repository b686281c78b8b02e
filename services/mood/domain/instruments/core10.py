"""CORE-10: ten statements of distress over the last week, two of them turned round.

Item 6 asks about plans. Any such plan is told at once, not from 2 as item 9 of the PHQ-9: a proposal of ours, on the
careful side. The cut-off (11) is not confirmed in our reference; a clinic may set it.
"""

from typing import Final

from services.mood.domain.instruments.declaration import Band, Cut, Instrument, Item, Licence, Prorating, Wording

CORE10: Final = Instrument(
    name="core10",
    measure="core10",
    title="CORE-10",
    items={str(n): Item(minimum=0, maximum=4, reversed=n in {2, 3}, risk=n == 6, urgent_from=1) for n in range(1, 11)},
    minimum=0,
    maximum=40,
    recall_days=7,
    bands=(
        Band("low", 0, 10),
        Band("mild", 11, 14),
        Band("moderate", 15, 19),
        Band("moderate to severe", 20, 24),
        Band("severe", 25, 40),
    ),
    reliable_change=Cut(5, "NHS England, MHSDS table for children and young people; 6 is found for adults"),
    prorating=Prorating(
        1, "clinical score, ten times the mean of the answered items; advised against from two missing"
    ),
    licence=Licence.CC_BY_ND,
    source="Barkham and colleagues 2013; items reversed as in CamCOPS: 2 and 3",
    wording=Wording(
        stem="Over the last week",
        items={
            "1": "I have felt tense, anxious or nervous",
            "2": "I have felt I have someone to turn to for support when needed",
            "3": "I have felt able to cope when things go wrong",
            "4": "Talking to people has felt too much for me",
            "5": "I have felt panic or terror",
            "6": "I made plans to end my life",
            "7": "I have had difficulty getting to sleep or staying asleep",
            "8": "I have felt despairing or hopeless",
            "9": "I have felt unhappy",
            "10": "Unwanted images or memories have been distressing me",
        },
        answers={0: "Not at all", 1: "Only occasionally", 2: "Sometimes", 3: "Often", 4: "Most or all of the time"},
        attribution="CORE-10, CORE System Trust, CC BY-ND 4.0: show it as it is, neither reworded nor translated.",
    ),
)
