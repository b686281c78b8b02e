"""Triage: what a question is about, whose it is to answer and by when. Published rules in words of our own, versioned.

Crisis comes from the screen alone and goes before everything else. The others are looked for in a fixed sequence, since
a question about tablets that made somebody worse is the prescriber's. What fits none is about the treatment. A text the
screen does not cover is nobody's guess: it is taken for `worsening`, so that somebody reads it within a working day.
A human can put the category right at any time. docs/questions.md has the whole of it.
"""

import re
from datetime import datetime, timedelta
from typing import Final

from shared.contracts.clinics import ClinicSettings, QuestionTarget, Role
from shared.contracts.questions import Category, Triage
from shared.contracts.screening import Screening
from shared.crisis_language import words_of

TRIAGE: Final = "keyword-triage-1"
"""The rules and their version, as it stands in every triage they made."""
BY_A_HUMAN: Final = "clinic"

_RULES: Final = {
    Category.MEDICATION: re.compile(
        r"\b(?:medic(?:ation|ations|ines?)|meds|tablets?|pills?|dos(?:e|es|age)|mg|prescri\w+|side effects?|"
        r"withdrawal symptoms?|antidepressants?|antipsychotics?|ssris?|snris?|lithium|sertraline|fluoxetine|"
        r"citalopram|escitalopram|paroxetine|venlafaxine|duloxetine|mirtazapine|bupropion|trazodone|"
        r"quetiapine|olanzapine|aripiprazole|risperidone|lamotrigine|propranolol|diazepam|lorazepam|zopiclone|"
        r"methylphenidate|lisdexamfetamine|atomoxetine|prozac|zoloft|lexapro|effexor)\b"
    ),
    Category.WORSENING: re.compile(
        r"\b(?:(?:get|getting|got|gotten|feel|feeling|felt|been|become|becoming|much|lot|is|are|even|"
        r"made me) worse|wors(?:t|ening|ened)|relaps\w+|deteriorat\w+|going downhill|back to square one|"
        r"not coping|cant cope|(?:cant|cannot|can not|hardly|barely|unable to) (?:sleep|eat|eating|sleeping|"
        r"get up|get out of bed|breathe|function|work|leave the house|stop crying)|panic attacks?|"
        r"hearing voices|havent slept|not slept|crying (?:all|every)|(?:more|so) (?:anxious|depressed|"
        r"panicky) (?:than|every|again|lately)|spiral\w*)\b"
    ),
    Category.FEEDBACK: re.compile(
        r"\b(?:complain\w*|feedback|unprofessional|disrespect\w*|(?:was|is|were|been) (?:\w+ )?rude|"
        r"(?:unhappy|dissatisfied|disappointed|not happy) with (?:the|my|your|how|this) ?(?:service|clinic|"
        r"therapist|care|session|sessions|way|treatment i)?|(?:change|switch|different|another) therapists?|"
        r"thank you for|thanks for (?:all|your|the))\b"
    ),
    Category.APPOINTMENT: re.compile(
        r"\b(?:appointments?|reschedul\w+|(?:cancel|move|change|book|miss|missed|postpone|swap|"
        r"rearrange)(?: \w+){0,3} (?:session|sessions|slot|visit|time|day|mondays?|tuesdays?|wednesdays?|"
        r"thursdays?|fridays?)|(?:when|what time|where|which day|how long)(?: \w+){0,3} (?:session|sessions|"
        r"visit|next one)|running late|waiting list|letter for (?:my|the)|sick note|fit note|invoice|"
        r"insurance|parking|(?:can i|could i|can we|could we|shall we) (?:come|meet|see you)|"
        r"make (?:it )?(?:on )?(?:mon|tues|wednes|thurs|fri)day)\b"
    ),
    Category.TECHNICAL: re.compile(
        r"\b(?:(?:the|this|your|an) app|log ?in|log ?on|logged out|sign in|password|passcode|website|(?:video|"
        r"meeting|session|zoom|teams) link|link (?:does|doesnt|is|isnt|not|dont)(?: \w+)? ?work\w*|"
        r"error (?:message|code)|notifications?|reminders? (?:keep|dont|doesnt|stopped)|microphone|camera|"
        r"(?:questionnaire|form|check in) (?:does|doesnt|wont|would not|wouldnt|not|is not|"
        r"isnt)(?: \w+)? (?:open|load|work|working|save|send))\b"
    ),
}
"""In the sequence in which they are tried."""


def categorise(text: str, screening: Screening | None) -> Category:
    """What a question is about, by the published rules. screening: the screen's word on the same text."""
    if screening is not None and screening.crisis_language:
        return Category.CRISIS
    plain = " ".join(words_of(text))
    for category, pattern in _RULES.items():
        if pattern.search(plain) is not None:
            return category
    covered = screening is None or screening.screened
    return Category.TREATMENT if covered else Category.WORSENING


def triage(category: Category, settings: ClinicSettings, at: datetime, *, held: frozenset[Role], by: str) -> Triage:
    """Whose a question received at `at` is and by when, by the clinic's own targets or the defaults.

    held: the roles somebody at the clinic has; a role nobody has falls to the therapists, the patient's among them.
    by: what decided the category. Times are on the clinic's clock, and count only while it works.
    """
    target = settings.question_target(category.value)
    half_at, target_at = target_times(settings, target, at)
    role = target.role if target.role in held else Role.THERAPIST
    return Triage(category=category, role=role, half_at=half_at, target_at=target_at, by=by)


def target_times(settings: ClinicSettings, target: QuestionTarget, at: datetime) -> tuple[datetime, datetime]:
    """Half of the working time between `at` and the target, and the target: both in the clinic's zone."""
    working = settings.working_time
    if target.minutes is not None:
        span = timedelta(minutes=target.minutes)
        half, whole = working.after(at, span / 2), working.after(at, span)
    else:
        whole = working.close_after(at, target.days or 1)
        half = working.after(at, working.worked(at, whole) / 2)
    return half.astimezone(working.zone), whole.astimezone(working.zone)
