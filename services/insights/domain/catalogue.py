"""The rules, each declared once: name, words, parameters, source, until. docs/rules.md says exactly what they do."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Final

from shared.contracts.base import Number, Urgency
from shared.contracts.clinics import RuleSet

RULES_VERSION: Final = 2
"""Counts up when the same facts may give another assessment than before."""


@dataclass(frozen=True)
class Parameter:
    """One number of a rule that a clinic may change, within an inclusive range."""

    name: str
    default: Number
    minimum: Number
    maximum: Number
    meaning: str
    whole: bool = False

    def taken(self, value: Number) -> Number:
        """`value` brought into the range; rounded down where only whole numbers make sense."""
        kept = min(max(value, self.minimum), self.maximum)
        return int(kept) if self.whole else kept


@dataclass(frozen=True)
class Rule:
    """One rule of the catalogue. None has been clinically validated as implemented here."""

    name: str
    title: str
    says: str
    until: str
    source: str
    urgency: Urgency
    parameters: tuple[Parameter, ...]
    on_in_starter: bool = True
    absence: bool = False
    told: bool = True
    """False: listed while it holds, and nobody is sent anything (it never has telling evidence)."""

    @cached_property
    def defaults(self) -> Mapping[str, Number]:
        """The parameters' defaults by name."""
        return MappingProxyType({p.name: p.default for p in self.parameters})

    def with_parameters(self, changed: Mapping[str, Number]) -> dict[str, Number]:
        """All parameters, those a clinic changed in place of the defaults; unknown names are ignored."""
        return {p.name: p.taken(changed.get(p.name, p.default)) for p in self.parameters}


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
    parameters=(Parameter("tell_days", 90, 1, 365, "days for which each live answer above 0 stays to be told"),),
)

RELIABLE_DETERIORATION: Final = Rule(
    name="reliable_deterioration",
    title="Reliable deterioration",
    says="A score rose by at least the reliable change above the first valid score of the episode.",
    until="Two scores running are below the threshold.",
    source="NHS Talking Therapies reliable change: PHQ-9 6 points, GAD-7 4 points.",
    urgency=Urgency.AT_ONCE,
    parameters=(
        Parameter("phq9", 6, 1, 27, "points above the first PHQ-9 of the episode"),
        Parameter("gad7", 4, 1, 21, "points above the first GAD-7 of the episode"),
    ),
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
    until="Two scores running are below caseness.",
    source=f"{_CUT_OFFS} The rule is a proposal of the project's clinical reference (3.4).",
    urgency=Urgency.AT_ONCE,
    parameters=_SCORES,
)

NOT_ON_TRACK: Final = Rule(
    name="not_on_track",
    title="Not on track",
    says="A score is above what nine in ten of the clinic's own patients with a like start had by this session.",
    until="Two scores running are at or below the expected score.",
    source=(
        "Expected treatment response after Delgadillo 2018 (upper bound of the 80 % interval by starting score and "
        "session), fitted by the clinic on its own closed episodes; the fit is a simpler one of ours. "
        "Some respond late (Saunders 2019)."
    ),
    urgency=Urgency.WORKING_HOURS,
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
    parameters=(
        Parameter("sessions", 4, 1, 50, "attended sessions from which on it is judged", whole=True),
        *_SCORES,
    ),
    on_in_starter=False,
    told=False,
)

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

MOOD_SHIFT: Final = Rule(
    name="mood_shift",
    title="Mood below the usual",
    says="The moving average of daily mood has gone below the limit of this person's own baseline.",
    until="The moving average is back at the baseline mean.",
    source=_EWMA,
    urgency=Urgency.WORKING_HOURS,
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
        "ours; early-warning signals of this kind precede a recurrence in 23 to 36 % (Schreuder 2024, Smit 2025), so "
        "it is shown and nobody is alerted."
    ),
    urgency=Urgency.WORKING_HOURS,
    parameters=(
        Parameter("days", 28, 7, 90, "calendar days up to the last observed one that are compared", whole=True),
        Parameter("pairs", 10, 2, 60, "pairs of adjacent days needed, there and in the baseline", whole=True),
        Parameter("factor", 2, 1, 10, "times the baseline's RMSSD"),
        Parameter("floor", 1, 0.01, 5, "least RMSSD assumed for the baseline, in points of 0-10"),
        Parameter("baseline_days", 20, 2, 365, "observed days the baseline needs", whole=True),
        Parameter("baseline_span", 28, 2, 730, "calendar days the baseline must span", whole=True),
    ),
    told=False,
)

GONE_QUIET: Final = Rule(
    name="gone_quiet",
    title="Gone quiet",
    says="There has been no entry for longer than is usual for this person.",
    until="The next entry.",
    source="A proposal of ours. Missing entries mean fewer entries and nothing more.",
    urgency=Urgency.WORKING_HOURS,
    parameters=(
        Parameter("min_days", 7, 1, 365, "days without an entry that are always allowed"),
        Parameter("factor", 3, 0, 100, "times the median gap between observed days"),
        Parameter("gaps", 20, 1, 365, "how many of the last gaps the median is taken of", whole=True),
    ),
    absence=True,
)

QUESTION_UNANSWERED: Final = Rule(
    name="question_unanswered",
    title="Question unanswered",
    says="A question has waited for an answer past the time the clinic promises.",
    until="Every question past its time is answered.",
    source="The clinic's own promise; the default is a proposal of ours.",
    urgency=Urgency.WORKING_HOURS,
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
    parameters=(
        Parameter("earlier", 3, 1, 100, "earlier ratings needed", whole=True),
        Parameter("min_drop", 0.5, 0, 10, "least drop from the previous rating, in points of 0-10"),
        Parameter("sd_factor", 2, 0, 100, "standard deviations below the mean of the earlier ratings"),
    ),
)

CATALOGUE: Final = {
    rule.name: rule
    for rule in (
        RISK_ITEM,
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
    )
}
"""Every rule by name, in the order in which an assessment lists its concerns."""

Parameters = Mapping[str, Number]
InForce = Mapping[str, Parameters]
"""The rules that are on, by name, each with its parameters."""


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
