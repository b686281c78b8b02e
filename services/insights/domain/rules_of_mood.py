"""The rules about daily mood, declared. docs/rules.md, 3 to 3.2, says exactly what they do."""

from typing import Final

from services.insights.domain.declaring import SINCE, Parameter, Rule, Severity
from shared.contracts.base import Urgency

_SHIFT: Final = (
    Parameter("lambda", 0.1, 0.01, 1, "weight of the newest day in the moving average"),
    Parameter("limit", 2.7, 0.5, 10, "width of the control limit, in standard deviations"),
    Parameter("baseline_days", 20, 1, 365, "observed days the baseline needs", whole=True),
    Parameter("baseline_span", 28, 1, 730, "calendar days the baseline must span", whole=True),
    Parameter("sd_floor", 0.5, 0.01, 10, "least standard deviation assumed, in points of 0-10"),
    Parameter("gap_cap", 0, 0, 30, "a day after a gap weighs as so many days at most; 0: as one", whole=True),
    Parameter("stale_days", 0, 0, 365, "after a longer gap the average starts anew at the mean; 0: never", whole=True),
    Parameter("warm_up", 5, 0, 60, "days after such a start on which no shift begins", whole=True),
    Parameter("renew_days", 0, 0, 730, "after a longer gap a new baseline is taken; 0: never", whole=True),
)
_EWMA: Final = (
    "EWMA control chart, limits after Lucas and Saccucci (lambda 0.1, L 2.7: in-control run length about 370 if "
    "days were independent and normal), monitoring day averages after Schat 2023, autocorrelation-corrected. "
    "Defaults and the length of the baseline are proposals of ours."
)
_WATCHED: Final = "The mean mood of each day with a check-in, against this person's own first weeks."
_BEGAN: Final = "The day on which the moving average first left the limit."

MOOD_SHIFT: Final = Rule(
    name="mood_shift",
    title="Mood below the usual",
    says="The moving average of daily mood has gone below the limit of this person's own baseline.",
    until="The moving average is back at the baseline mean.",
    source=_EWMA,
    urgency=Urgency.WORKING_HOURS,
    severity=Severity.NOTICE,
    watches=_WATCHED,
    wording="Daily mood has moved below this person's usual since Tue 3 Nov 2026: its moving average is 4.1, usually "
    "6.3 out of 10 (limit 4.4); the latest day was 3.",
    evidence=_BEGAN,
    is_not="No diagnosis of a depressive episode; a person whose first weeks were unusual has an unusual baseline.",
    parameters=_SHIFT,
)

MOOD_SHIFT_UP: Final = Rule(
    name="mood_shift_up",
    title="Mood above the usual",
    says="The moving average of daily mood has gone above the limit of this person's own baseline.",
    until="The moving average is back at the baseline mean.",
    source=(
        f"{_EWMA} Off in the starter set: people in treatment are meant to rise, and weekly charts for mania had a "
        "predictive value of 7 % (OXTEXT). It is for services that care for people with a bipolar disorder."
    ),
    urgency=Urgency.WORKING_HOURS,
    severity=Severity.NOTICE,
    introduced=SINCE,
    watches=_WATCHED,
    wording="Daily mood has moved above this person's usual since Tue 3 Nov 2026: its moving average is 7.9, usually "
    "6.3 out of 10 (limit 7.6); the latest day was 9. That is often good news; in a bipolar disorder it can matter.",
    evidence=_BEGAN,
    is_not="No diagnosis of mania or hypomania: people who recover rise too.",
    parameters=_SHIFT,
    on_in_starter=False,
)

MOOD_INSTABILITY: Final = Rule(
    name="mood_instability",
    title="Mood changes more from day to day",
    says="Mood moves from one day to the next clearly more than it did in this person's own baseline.",
    until="The change from day to day is back within the usual, or too few neighbouring days are known.",
    source=(
        "Root mean square of successive differences (RMSSD) between adjacent days. The threshold is a proposal of "
        "ours and not confirmed, so it is off in the starter set; early-warning signals of this kind precede a "
        "recurrence in 23 to 36 % (Schreuder 2024, Smit 2025), so it is shown and nobody is alerted."
    ),
    urgency=Urgency.WORKING_HOURS,
    severity=Severity.NOTICE,
    introduced=SINCE,
    watches="The mean mood of neighbouring days with a check-in, against this person's own first weeks.",
    wording="Since Tue 3 Nov 2026 mood has moved more from day to day than usual: by 2.9 points (RMSSD over 18 pairs "
    "of adjacent days), usually 1.1. This describes the entries and predicts nothing.",
    evidence="None: it is shown while it holds, and nobody is told.",
    is_not="No warning of a relapse and no diagnosis: it describes the entries and predicts nothing.",
    parameters=(
        Parameter("days", 28, 7, 90, "calendar days up to the last observed one that are compared", whole=True),
        Parameter("pairs", 10, 2, 60, "pairs of adjacent days needed, there and in the baseline", whole=True),
        Parameter("factor", 2, 1, 10, "times the baseline's RMSSD"),
        Parameter("floor", 1, 0.01, 5, "least RMSSD assumed for the baseline, in points of 0-10"),
        Parameter("baseline_days", 20, 2, 365, "observed days the baseline needs", whole=True),
        Parameter("baseline_span", 28, 2, 730, "calendar days the baseline must span", whole=True),
    ),
    on_in_starter=False,
    told=False,
)
