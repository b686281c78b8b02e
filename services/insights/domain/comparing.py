"""What a proposed rule set would have raised, beside what today's would have: the result of a clinic's own backtest."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field

from services.insights.domain.backtesting import Raised
from services.insights.domain.catalogue import CATALOGUE
from services.insights.domain.tallying import Watched, difference, tally
from shared.contracts.base import Urgency
from shared.contracts.clinics import RuleSet
from shared.errors import FieldError

MOST_NAMED = 1_000
"""Concerns that a result names one by one, the first raised; the counts are of all."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class RuleCompared(_Part):
    """One rule: how often it would have been raised, and by which of the two rule sets."""

    rule: str
    title: str
    proposed: int
    today: int
    both: int = Field(description="Raised by the proposed set while today's held too, at least in part.")
    only_proposed: int
    only_today: int
    per_patient_year: float | None
    weekly_mean: float
    weekly_most: int


class WeekCompared(_Part):
    """One calendar week of the clinic's, by its Monday."""

    week: date
    proposed: int
    today: int


class ClinicianCompared(_Part):
    """One clinician's patients, as they are theirs now."""

    clinician: str | None
    patients: int
    proposed: int
    today: int
    proposed_per_week: float


class FirstRaised(_Part):
    """One concern of the proposed rule set, and whether today's would have held too."""

    patient: str
    rule: str
    severity: Urgency | None = Field(description="How soon a human would have been told; null: shown, and nobody told.")
    reason: str
    raised_at: datetime
    cleared_at: datetime | None
    today: bool


class Comparison(_Part):
    """The result of a backtest: counts, in all and by week and clinician, and the first concerns by name."""

    patients: int
    patient_years: float
    rules: list[RuleCompared]
    weeks: list[WeekCompared]
    clinicians: list[ClinicianCompared]
    raised: list[FirstRaised] = Field(description=f"The first {MOST_NAMED:,}, in order of time.")
    raised_in_all: int


def compare(
    proposed: Sequence[Raised], today: Sequence[Raised], watched: Watched, clinicians: Mapping[str, str | None]
) -> Comparison:
    """Two backtests of the same entries side by side. clinicians: of every patient watched, by id."""
    return Comparison(
        patients=watched.patients,
        patient_years=round(watched.patient_years, 4),
        rules=[*_rules(proposed, today, watched)],
        weeks=[*_weeks(proposed, today, watched)],
        clinicians=[*_clinicians(proposed, today, watched, clinicians)],
        raised=[*_named(proposed, today)],
        raised_in_all=len(proposed),
    )


def _rules(proposed: Sequence[Raised], today: Sequence[Raised], watched: Watched) -> Iterator[RuleCompared]:
    differences = difference(proposed, today)
    theirs = Counter(one.rule for one in today)
    for name, rule in CATALOGUE.items():
        counted, differ = tally([one for one in proposed if one.rule == name], watched), differences[name]
        if not counted.concerns and not theirs[name]:
            continue
        yearly = counted.per_patient_year
        yield RuleCompared(
            rule=name,
            title=rule.title,
            proposed=counted.concerns,
            today=theirs[name],
            both=differ.both,
            only_proposed=differ.only_ours,
            only_today=differ.only_theirs,
            per_patient_year=None if yearly is None else round(yearly, 4),
            weekly_mean=round(counted.weekly_mean, 4),
            weekly_most=counted.weekly_most,
        )


def _weeks(proposed: Iterable[Raised], today: Iterable[Raised], watched: Watched) -> Iterator[WeekCompared]:
    if watched.first is None or watched.last is None:
        return
    ours = Counter(watched.week_of(one.raised_at) for one in proposed)
    theirs = Counter(watched.week_of(one.raised_at) for one in today)
    week, end = watched.week_of(watched.first), watched.week_of(watched.last)
    while week <= end:
        yield WeekCompared(week=week, proposed=ours[week], today=theirs[week])
        week += timedelta(days=7)


def _clinicians(
    proposed: Iterable[Raised], today: Iterable[Raised], watched: Watched, clinicians: Mapping[str, str | None]
) -> Iterator[ClinicianCompared]:
    ours = Counter(clinicians.get(one.patient) for one in proposed)
    theirs = Counter(clinicians.get(one.patient) for one in today)
    patients = Counter(clinicians.values())
    for clinician in sorted(patients, key=lambda name: (-ours[name], name or "")):
        yield ClinicianCompared(
            clinician=clinician,
            patients=patients[clinician],
            proposed=ours[clinician],
            today=theirs[clinician],
            proposed_per_week=round(ours[clinician] / watched.weeks, 4) if watched.weeks else 0.0,
        )


def _named(proposed: Sequence[Raised], today: Iterable[Raised]) -> Iterator[FirstRaised]:
    theirs: dict[tuple[str, str], list[Raised]] = defaultdict(list)
    for one in today:
        theirs[one.patient, one.rule].append(one)
    for one in sorted(proposed, key=lambda one: (one.raised_at, one.patient, one.rule))[:MOST_NAMED]:
        yield FirstRaised(
            patient=one.patient,
            rule=one.rule,
            severity=one.severity,
            reason=one.reason,
            raised_at=one.raised_at,
            cleared_at=one.cleared_at,
            today=any(_meet(one, other) for other in theirs[one.patient, one.rule]),
        )


def _meet(one: Raised, other: Raised) -> bool:
    """Whether two concerns hold at a common instant."""
    return (other.cleared_at is None or other.cleared_at > one.raised_at) and (
        one.cleared_at is None or one.cleared_at > other.raised_at
    )


def wrong_with(rule_set: RuleSet) -> Iterator[FieldError]:
    """What of a proposed rule set the catalogue does not have, or does not allow."""
    for name, choice in rule_set.rules.items():
        rule = CATALOGUE.get(name)
        if rule is None:
            yield FieldError(f"/rule_set/rules/{name}", f"There is no such rule. Send one of: {', '.join(CATALOGUE)}.")
            continue
        known = {parameter.name: parameter for parameter in rule.parameters}
        for parameter, value in choice.parameters.items():
            allowed, pointer = known.get(parameter), f"/rule_set/rules/{name}/parameters/{parameter}"
            if allowed is None:
                yield FieldError(pointer, f"This rule has no such parameter. It has: {', '.join(known)}.")
            elif allowed.taken(value) != value:
                kind = "a whole number" if allowed.whole else "a number"
                yield FieldError(pointer, f"Send {kind} from {allowed.minimum:g} to {allowed.maximum:g}.")
