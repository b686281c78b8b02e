"""Words that nobody said: names, feelings, notes and questions, made up for the simulated clinic."""

from typing import Final

FIRST_NAMES: Final = (
    *("Ada", "Bram", "Cora", "Dev", "Elin", "Farah", "Gwen", "Hugo", "Ines", "Jonah", "Kemi", "Lowri", "Milo"),
    *("Nadia", "Otis", "Pia", "Quinn", "Rosa", "Sami", "Tess", "Umar", "Vera", "Wren", "Yusuf", "Zola"),
)
LAST_NAMES: Final = (
    *("Ashdown", "Bellweather", "Carrow", "Dunmere", "Elderkin", "Fennimore", "Gladwyn", "Harrowgate", "Inglewood"),
    *("Juniper", "Kestrelle", "Larkham", "Merriden", "Northwell", "Oakhanger", "Pennywell", "Rookwood", "Silverdale"),
)
FEELINGS: Final = {
    "good": ("calm", "hopeful", "rested", "content", "proud", "interested"),
    "mixed": ("tired", "restless", "okay", "distracted", "unsure", "flat"),
    "low": ("sad", "anxious", "lonely", "drained", "overwhelmed", "irritable"),
}
NOTES: Final = {
    "good": (
        "Went for a walk before work and it helped.",
        "Cooked a proper dinner for once.",
        "Called my sister, we laughed a lot.",
        "Slept through the night.",
    ),
    "mixed": (
        "Busy day, not sure how I feel.",
        "Skipped lunch again, will try tomorrow.",
        "Did half of the exercise we planned.",
        "Work was loud, evening was fine.",
    ),
    "low": (
        "Could not get going today.",
        "Stayed in all day.",
        "Woke at four and lay there worrying.",
        "Cancelled on a friend and feel bad about it.",
    ),
}
QUESTIONS: Final = (
    "Could we move next week's session to the afternoon?",
    "Is it normal to feel more tired in the first weeks?",
    "Do I fill in the worry diary every day or only when something happens?",
    "Where did we say I can find the breathing exercise?",
    "Can my partner come along to a session?",
    "Should I go on with the activity plan while I am away?",
    "How long do the sessions usually go on for?",
    "I lost the sheet from last week, could you send it again?",
)
ANSWERS: Final = (
    "Thank you for asking. Let us look at it together at the start of the next session.",
    "Yes, that is fine. I have made a note of it.",
    "Many people find that. Please tell us if it does not pass.",
    "I have sent it to you again with this message.",
)
COMMENTS: Final = (
    "Good to have a plan for the week.",
    "It went quickly this time.",
    "The room was a bit cold.",
    "I would like more time for questions.",
)
RATED: Final = (
    "felt_welcome",
    "room_was_comfortable",
    "felt_listened_to",
    "worked_on_what_matters",
    "questions_were_answered",
)
