"""The rules, each declared once: name, words, parameters, source, until. docs/rules.md says exactly what they do."""

from typing import Final

from services.insights.domain.declaring import SINCE, InForce, Parameter, Parameters, Rule, Severity
from services.insights.domain.risk_rising import RISK_ITEM_RISING
from services.insights.domain.risk_skipped import RISK_ITEM_SKIPPED
from services.insights.domain.rules_of_mood import MOOD_INSTABILITY, MOOD_SHIFT, MOOD_SHIFT_UP
from services.insights.domain.rules_of_scores import NOT_ON_TRACK, RELAPSE, RELIABLE_DETERIORATION, STALLED
from shared.contracts.base import Urgency
from shared.contracts.clinics import RuleSet

__all__ = [
    "CATALOGUE",
    "MOOD_INSTABILITY",
    "MOOD_SHIFT",
    "MOOD_SHIFT_UP",
    "NOT_ON_TRACK",
    "RELAPSE",
    "RELIABLE_DETERIORATION",
    "RULES_VERSION",
    "STALLED",
    "InForce",
    "Parameter",
    "Parameters",
    "Rule",
    "Severity",
    "in_force",
]

RULES_VERSION: Final = 4
"""Counts up when the same facts may give another assessment, or another place in the caseload, than before."""

RISK_ITEM: Final = Rule(
    name="risk_item",
    title="Risk item above 0",
    says="A question about harm was answered above 0, and the answer is within the time the question asks about.",
    until="The last answer above 0 is past the time its question asks about. The alert is closed only by a human.",
    source=(
        "PHQ-9 item 9 at 1 or above: sensitivity 87.6 %, specificity 66.1 %, predictive value 28.6 % against the "
        "eC-SSRS (Na 2018). A 0 is not reassurance. Never a score or tier of suicide risk (NICE NG225)."
    ),
    urgency=Urgency.AT_ONCE,
    severity=Severity.SAFETY,
    watches="Every answer to an item about harm: item 9 of the PHQ-9, the risk items of other instruments and scales.",
    wording="PHQ-9 item 9 was answered 2 (more than half the days) on Tue 3 Nov 2026 at 14:05.",
    evidence="Each questionnaire with such an answer above 0: at once from the value its item is urgent from (2 unless "
    "declared otherwise), else in working hours.",
    is_not="No score, level or tier of suicide risk, and no prediction. That it does not hold is no reassurance.",
    parameters=(
        Parameter("tell_days", 90, 1, 365, "days for which each live answer above 0 stays to be told", restarts=False),
    ),
)

GONE_QUIET: Final = Rule(
    name="gone_quiet",
    title="Gone quiet",
    says="There has been no entry for longer than is usual for this person, or than their protocol expects, whichever "
    "is sooner.",
    until="The next entry.",
    source="A proposal of ours. Missing entries mean fewer entries and nothing more.",
    urgency=Urgency.WORKING_HOURS,
    severity=Severity.NOTICE,
    watches="The time since the last entry of any kind, against this person's own rhythm.",
    wording="No entry since Tue 3 Nov 2026 at 14:05: longer than the 7 days allowed.",
    evidence="The silence, named by the last entry before it.",
    is_not="No sign that somebody is worse: it says that there are fewer entries, and nothing more.",
    parameters=(
        Parameter("min_days", 7, 1, 365, "days without an entry that are always allowed"),
        Parameter("factor", 3, 0, 100, "times the median gap between observed days"),
        Parameter("gaps", 20, 1, 365, "how many of the last gaps the median is taken of", whole=True),
        Parameter("missed", 3, 1, 60, "things asked for by a protocol that go by without any entry", whole=True),
    ),
    absence=True,
    revised=SINCE,
)

QUESTION_UNANSWERED: Final = Rule(
    name="question_unanswered",
    title="Question unanswered",
    says="A question has waited for an answer past the time the clinic promises.",
    until="Every question past its time is answered.",
    source="The clinic's own promise; the default is a proposal of ours.",
    urgency=Urgency.WORKING_HOURS,
    severity=Severity.IMPORTANT,
    watches="Questions a patient asked that nobody has answered or settled.",
    wording="1 question is past the 2 working days promised for an answer, since Tue 3 Nov 2026 at 17:00.",
    evidence="Each question past its time.",
    is_not="No judgement of anybody's work, and of how urgent the question is.",
    parameters=(Parameter("working_days", 2, 1, 60, "working days to answer in", whole=True),),
    absence=True,
)

RATING_DROP: Final = Rule(
    name="rating_drop",
    title="Session rating dropped",
    says="The last session was rated clearly below the ones before it. Ask how sessions feel.",
    until="The next rating is within the usual.",
    source="A generic rule proposed in the project's clinical reference (5.1); not a validated measure.",
    urgency=Urgency.WORKING_HOURS,
    severity=Severity.NOTICE,
    watches="The patient's ratings of their sessions: the mean of five answers, 0 to 10.",
    wording="The last session was rated 5 out of 10, the ones before 8.4 on average. Ask how sessions feel.",
    evidence="The session rated so.",
    is_not="No verdict on the working relationship: ask, do not conclude.",
    parameters=(
        Parameter("earlier", 3, 1, 100, "earlier ratings needed", whole=True),
        Parameter("min_drop", 0.5, 0, 10, "least drop from the previous rating, in points of 0-10"),
        Parameter("sd_factor", 2, 0, 100, "standard deviations below the mean of the earlier ratings"),
    ),
)

CRISIS_LANGUAGE: Final = Rule(
    name="crisis_language",
    title="Crisis language",
    says="Something the patient wrote has words that people in a crisis use.",
    until="The last such words are longer ago than the days set. The alert is closed only by a human.",
    source=(
        "A word screen of our own; recall and precision are measured and published in docs/screening.md. Nothing found "
        "is no reassurance, and a human reads every text all the same. Never a score or tier (NICE NG225)."
    ),
    urgency=Urgency.AT_ONCE,
    severity=Severity.SAFETY,
    introduced=SINCE,
    watches=(
        "Notes and feelings of check-ins, reasons for withdrawing one, questions, and comments on sessions, as the "
        "screen at the door found them."
    ),
    wording="Words of a wish to die were found in a check-in of Tue 3 Nov 2026 at 14:05. Read it.",
    evidence="Each text with such words, at once; one withdrawn later among them.",
    is_not="No score, level or tier of suicide risk. A text in which nothing is found is no reassurance.",
    parameters=(
        Parameter("days", 14, 1, 90, "days for which words found count as now"),
        Parameter("tell_days", 90, 1, 365, "days for which live words found stay to be told", restarts=False),
    ),
)

QUESTION_OVERDUE: Final = Rule(
    name="question_overdue",
    title="Question overdue",
    says="A question has waited for an answer past the target of what it is about.",
    until="Every question past its target is answered.",
    source="The clinic's own targets (docs/questions.md); the defaults are proposals of ours.",
    urgency=Urgency.WORKING_HOURS,
    severity=Severity.IMPORTANT,
    introduced=SINCE,
    watches="Questions with a target time that nobody has answered or settled.",
    wording="1 question is past its target, since Tue 3 Nov 2026 at 17:00.",
    evidence="Each question past its target.",
    is_not="No judgement of anybody's work.",
    parameters=(),
    absence=True,
)

LINGERING_QUESTION: Final = Rule(
    name="lingering_question",
    title="Lingering question",
    says="A session has ended, and a question asked before its end is not settled by the patient's word.",
    until="The patient says that it is settled.",
    source="A proposal of ours: nobody leaves with a lingering question.",
    urgency=Urgency.WORKING_HOURS,
    severity=Severity.IMPORTANT,
    introduced=SINCE,
    watches="Questions asked before the end of an attended session, and whether the patient said they are settled.",
    wording="1 question asked before the session of Tue 3 Nov 2026 is not settled.",
    evidence="Each such question with the session that ended.",
    is_not="No sign that the session went badly: ask whether the question is settled.",
    parameters=(Parameter("hours_after", 1, 0, 72, "hours after the end of the session"),),
    absence=True,
)

MISSED_SESSIONS: Final = Rule(
    name="missed_sessions",
    title="Sessions missed",
    says="Several sessions in a row were not attended or cancelled by the patient; or one was not attended after the "
    "latest answer to any question about harm was above 0.",
    until="A session is attended.",
    source="Proposed in the project's clinical reference (5.4), after Davis 2020 and Binnie 2015; not validated.",
    urgency=Urgency.AT_ONCE,
    severity=Severity.IMPORTANT,
    introduced=SINCE,
    watches="Whether planned sessions were attended, not attended, or cancelled by the patient.",
    wording="2 sessions running were missed, the last on Tue 3 Nov 2026 at 10:00.",
    evidence="Each session that completes or extends the run; one not attended after an answer about harm at once.",
    is_not="No sign of why: forgetting, being unwell and being unsure of the therapy look the same.",
    parameters=(
        Parameter("in_a_row", 2, 1, 10, "sessions missed in a row", whole=True),
        Parameter("risk_days", 90, 1, 365, "days for which an answer about harm above 0 makes one not attended enough"),
    ),
)

CATALOGUE: Final = {
    rule.name: rule
    for rule in (
        RISK_ITEM,
        RISK_ITEM_RISING,
        RISK_ITEM_SKIPPED,
        CRISIS_LANGUAGE,
        RELIABLE_DETERIORATION,
        RELAPSE,
        NOT_ON_TRACK,
        STALLED,
        MOOD_SHIFT,
        MOOD_SHIFT_UP,
        MOOD_INSTABILITY,
        GONE_QUIET,
        QUESTION_UNANSWERED,
        RATING_DROP,
        QUESTION_OVERDUE,
        LINGERING_QUESTION,
        MISSED_SESSIONS,
    )
}
"""Every rule by name, in the order in which an assessment lists its concerns."""


def in_force(chosen: RuleSet | None) -> InForce:
    """The rules a clinic's choice turns on; no choice yet counts as `starter`. What we do not know is ignored.

    Naming a rule turns it on, whatever the base, unless the choice says `enabled: false`.
    """
    found: dict[str, Parameters] = {}
    for name, rule in CATALOGUE.items():
        choice = chosen.rules.get(name) if chosen else None
        base_on = rule.on_in_starter and (chosen is None or chosen.base == "starter")
        if choice.enabled if choice else base_on:
            found[name] = rule.with_parameters(choice.parameters if choice else {})
    return found
