"""The rules about questionnaires' scores, declared. docs/rules.md, 2 to 2.3, says exactly what they do."""

from typing import Final

from services.insights.domain.declaring import SINCE, Parameter, Rule, Severity
from shared.contracts.base import Urgency

_WATCHED: Final = (
    "The valid PHQ-9 and GAD-7 totals of the present episode of care, and those of any other measure that the clinic's "
    "`cut_offs` give "
)

RELIABLE_DETERIORATION: Final = Rule(
    name="reliable_deterioration",
    title="Reliable deterioration",
    says="A score is worse by at least the reliable change than the first valid score of the episode.",
    until="Two valid scores running, of two days, are below the threshold.",
    source="NHS Talking Therapies reliable change: PHQ-9 6 points, GAD-7 4 points.",
    urgency=Urgency.AT_ONCE,
    severity=Severity.IMPORTANT,
    watches=f"{_WATCHED}a reliable change for, from the referral on. A form with items left out counts by the least "
    "that its total can be, and only as being worse.",
    wording="PHQ-9 rose from 9 to 16 (+7; reliable change is 6).",
    evidence="The score that began it, for each measure.",
    is_not="No statement that care is not working: a score can rise for reasons outside it.",
    parameters=(
        Parameter("phq9", 6, 1, 27, "points above the first PHQ-9 of the episode"),
        Parameter("gad7", 4, 1, 21, "points above the first GAD-7 of the episode"),
    ),
    revised=SINCE,
)

_SCORES: Final = (
    Parameter("phq9_caseness", 10, 1, 27, "a PHQ-9 from which on somebody counts as a case"),
    Parameter("phq9_change", 6, 1, 27, "points of reliable change of the PHQ-9"),
    Parameter("gad7_caseness", 8, 1, 21, "a GAD-7 from which on somebody counts as a case"),
    Parameter("gad7_change", 4, 1, 21, "points of reliable change of the GAD-7"),
)
_CUT_OFFS: Final = "NHS Talking Therapies: caseness PHQ-9 10, GAD-7 8, reliable change 6 and 4."

RELAPSE: Final = Rule(
    name="relapse",
    title="Back over caseness",
    says="A score is at or over caseness, and a reliable change above the best of the episode, which was below it.",
    until="Two valid scores running, of two days, are below caseness.",
    source=f"{_CUT_OFFS} The rule is a proposal of the project's clinical reference (3.4).",
    urgency=Urgency.AT_ONCE,
    severity=Severity.IMPORTANT,
    introduced=SINCE,
    watches=f"{_WATCHED}both numbers for.",
    wording="PHQ-9 was 15: at or over caseness (10), and 9 above the best of the episode, 6 (reliable change is 6).",
    evidence="The score that began it, for each measure; not one that reliable deterioration tells of.",
    is_not="No diagnosis, and no statement that treatment has failed: scores move, and life does.",
    parameters=_SCORES,
)

NOT_ON_TRACK: Final = Rule(
    name="not_on_track",
    title="Not on track",
    says="A score is above what nine in ten of the clinic's own patients with a like start had by this session.",
    until="Two scores running, of two days, are at or below the expected score.",
    source=(
        "Expected treatment response after Delgadillo 2018 (upper bound of the 80 % interval by starting score and "
        "session), fitted by the clinic on its own closed episodes; the fit is a simpler one of ours. "
        "Some respond late (Saunders 2019)."
    ),
    urgency=Urgency.WORKING_HOURS,
    severity=Severity.NOTICE,
    introduced=SINCE,
    watches="Valid totals of the present episode, by attended session, against the clinic's own `expected_response`. "
    "Without a model it is off.",
    wording="PHQ-9 was 21 after 4 attended sessions; nine in ten of this clinic's own patients with a like start had "
    "at most 18.2, and 12.4 was expected.",
    evidence="The score that began it, and the last one worse than that by the reliable change, for each measure.",
    is_not="No prediction for this person, and no verdict on the therapy: some change only after the sixth session.",
    parameters=(
        Parameter("from_session", 2, 2, 50, "the first attended session that is judged", whole=True),
        Parameter("phq9_change", 6, 1, 27, "points of PHQ-9 above the last told after which it is told again"),
        Parameter("gad7_change", 4, 1, 21, "points of GAD-7 above the last told after which it is told again"),
    ),
)

STALLED: Final = Rule(
    name="stalled",
    title="Slower than most",
    says="After some attended sessions a score that began at caseness has not come down by the reliable change.",
    until="A score is the reliable change below the first of the episode.",
    source=(
        f"{_CUT_OFFS} A proposal of the project's clinical reference (3.4). Some respond only after the sixth session "
        "(Saunders 2019), so it is shown and nobody is alerted, and it is off in the starter set: it is so of a large "
        "part of any caseload."
    ),
    urgency=Urgency.WORKING_HOURS,
    severity=Severity.NOTICE,
    introduced=SINCE,
    watches=f"{_WATCHED}both numbers for; and how many sessions were attended.",
    wording="After 6 attended sessions PHQ-9 is 15, from 17 at the start of the episode: less than the reliable change "
    "of 6.",
    evidence="None: it is shown while it holds, and nobody is told.",
    is_not="No verdict on the patient or the therapy; it is so of a large part of any caseload.",
    parameters=(
        Parameter("sessions", 4, 1, 50, "attended sessions from which on it is judged", whole=True),
        *_SCORES,
    ),
    on_in_starter=False,
    told=False,
)
