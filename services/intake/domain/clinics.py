"""Clinics: settings that can work, effective-dated, and the promise that follows from them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from services.intake.domain.escalation import wrong_escalation
from services.intake.domain.protocols import wrong_protocols
from services.intake.domain.wording import wrong_wording
from shared.contracts import Clinic
from shared.contracts.base import LARGEST_NUMBER, Number
from shared.contracts.clinics import ClinicSettings, RuleSet, Scale, ScaleItem
from shared.errors import FieldError, invalid


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a rule's parameter may be: an inclusive range, and whether only whole numbers make sense."""

    default: float
    minimum: float
    maximum: float
    whole: bool = False


_SCORES: Final = {
    "phq9_caseness": Parameter(10, 1, 27, whole=True),
    "phq9_change": Parameter(6, 1, 27, whole=True),
    "gad7_caseness": Parameter(8, 1, 21, whole=True),
    "gad7_change": Parameter(4, 1, 21, whole=True),
}
_SHIFT: Final = {
    "lambda": Parameter(0.1, 0.01, 1),
    "limit": Parameter(2.7, 0.5, 6),
    "baseline_days": Parameter(20, 5, 120, whole=True),
    "baseline_span": Parameter(28, 5, 365, whole=True),
    "sd_floor": Parameter(0.5, 0.01, 5),
    "gap_cap": Parameter(0, 0, 30, whole=True),
    "stale_days": Parameter(0, 0, 365, whole=True),
    "warm_up": Parameter(5, 0, 60, whole=True),
    "renew_days": Parameter(0, 0, 730, whole=True),
}
RULES: Final[dict[str, dict[str, Parameter]]] = {
    "risk_item": {"tell_days": Parameter(90, 1, 365, whole=True)},
    "risk_item_rising": {
        "within_days": Parameter(90, 1, 365, whole=True),
        "at_once_from": Parameter(2, 1, 100, whole=True),
    },
    "risk_item_skipped": {"days": Parameter(30, 1, 365, whole=True)},
    "crisis_language": {
        "days": Parameter(14, 1, 90, whole=True),
        "tell_days": Parameter(90, 1, 365, whole=True),
    },
    "reliable_deterioration": {"phq9": Parameter(6, 1, 27, whole=True), "gad7": Parameter(4, 1, 21, whole=True)},
    "relapse": _SCORES,
    "not_on_track": {
        "from_session": Parameter(2, 2, 50, whole=True),
        "phq9_change": Parameter(6, 1, 27, whole=True),
        "gad7_change": Parameter(4, 1, 21, whole=True),
    },
    "stalled": {"sessions": Parameter(4, 1, 50, whole=True)} | _SCORES,
    "mood_shift": _SHIFT,
    "mood_shift_up": _SHIFT,
    "mood_instability": {
        "days": Parameter(28, 7, 90, whole=True),
        "pairs": Parameter(10, 2, 60, whole=True),
        "factor": Parameter(2, 1, 10),
        "floor": Parameter(1, 0.01, 5),
        "baseline_days": Parameter(20, 5, 120, whole=True),
        "baseline_span": Parameter(28, 5, 365, whole=True),
    },
    "gone_quiet": {
        "min_days": Parameter(7, 1, 365, whole=True),
        "factor": Parameter(3, 1, 20),
        "gaps": Parameter(20, 1, 200, whole=True),
        "missed": Parameter(3, 1, 60, whole=True),
    },
    "question_unanswered": {"working_days": Parameter(2, 1, 30, whole=True)},
    "rating_drop": {
        "earlier": Parameter(3, 2, 50, whole=True),
        "min_drop": Parameter(0.5, 0.01, 10),
        "sd_factor": Parameter(2, 0.1, 10),
    },
    "question_overdue": {},
    "lingering_question": {"hours_after": Parameter(1, 0, 72)},
    "missed_sessions": {"in_a_row": Parameter(2, 1, 10, whole=True), "risk_days": Parameter(90, 1, 365)},
}
"""The starter catalogue's rules and what a clinic may set in them; what they mean stands in docs/rules.md."""

LOCKED: Final = {
    "risk_item": "an answer about harm above 0",
    "crisis_language": "words that people in a crisis use",
}
"""Rules that a clinic in care cannot switch off (clinical reference 6.3), and what nobody would hear of then."""

BUILT_IN: Final = {
    "phq9": (0, 27), "gad7": (0, 21), "phq4": (0, 12), "core10": (0, 40), "pcl5": (0, 80), "k10-50": (10, 50),
    "k10-40": (0, 40), "who5": (0, 100), "wsas-40": (0, 40), "wsas-32": (0, 32), "ors": (0, 40), "srs": (0, 40),
    "wai-sr": (1, 5),
}  # fmt: skip
"""The instruments of mood's catalogue, in its order, each with the inclusive range of its totals."""
LICENSED: Final = ("k10", "who5", "wsas")
"""The measures whose wording is shown only where the clinic attests to a licence."""
LARGEST: Final = 500_000
"""Characters a clinic may have on the bus, which takes a million: beyond it the oldest settings are forgotten."""
LONGEST_CLOSURE: Final = timedelta(days=120)
"""A clinic closed for longer could promise nobody an answer; a calendar that says so is a slip."""


def set_up_clinic(
    current: Clinic | None, *, clinic: str, name: str, settings: ClinicSettings, in_care: bool = True
) -> Clinic:
    """The clinic with these settings in force from `settings.effective_from`; appended only where they differ.

    in_care: patients live under these settings, so that the rules in `LOCKED` stay on; a rule file that is only judged
    by, of a backtest, may leave them out. Raises Problem 422 for what cannot work, field by field.
    """
    before = [] if current is None else current.settings[-1].scales
    errors = [*_wrong_with(settings), *_wrong_scales(settings.scales, before), *_wrong_measures(settings)]
    errors += _wrong_expectation(settings)
    if in_care:
        errors += _unlocked(settings.rule_set)
    if errors:
        raise invalid(*errors)
    if current is None:
        return Clinic(clinic=clinic, version=1, name=name, settings=[settings])
    last = current.settings[-1]
    if settings.effective_from <= last.effective_from:  # two changes within one tick of the clock: keep their order
        settings = settings.model_copy(update={"effective_from": last.effective_from + timedelta(microseconds=1)})
    differ = settings.model_copy(update={"effective_from": last.effective_from}) != last
    history = [*current.settings, settings] if differ else current.settings
    changed = current.model_copy(update={"name": name, "settings": history})
    while len(changed.settings) > 1 and len(changed.model_dump_json()) > LARGEST:
        changed = changed.model_copy(update={"settings": changed.settings[1:]})
    return changed


def _wrong_with(settings: ClinicSettings) -> Iterator[FieldError]:
    yield from _wrong_hours(settings)
    yield from _wrong_rules(settings.rule_set)
    yield from wrong_escalation(settings)
    yield from wrong_protocols(settings, BUILT_IN)
    yield from wrong_wording(settings)
    for index, domain in enumerate(settings.detail_domains):
        labels = domain.split(".")
        if len(labels) < 2 or not all(label.replace("-", "").isalnum() and label.isascii() for label in labels):
            yield FieldError(f"/detail_domains/{index}", "Send a bare domain such as clinic.example, without @ or *.")
    for index, hook in enumerate(settings.webhooks):
        if hook.name in {other.name for other in settings.webhooks[:index]}:
            yield FieldError(
                f"/webhooks/{index}/name", "Give each webhook a name of its own: its secret is made from it."
            )


def _wrong_hours(settings: ClinicSettings) -> Iterator[FieldError]:
    usable = True
    for weekday, (opens, closes) in settings.working_hours.items():
        if opens.tzinfo is not None or closes.tzinfo is not None:
            usable = False
            yield FieldError(
                f"/working_hours/{weekday}", "Send times without an offset: they are meant in the clinic's zone."
            )
        elif opens >= closes:
            usable = False
            yield FieldError(f"/working_hours/{weekday}", "The clinic must open before it closes, on the same day.")
    if usable:
        yield from _wrong_holidays(settings)


def _wrong_holidays(settings: ClinicSettings) -> Iterator[FieldError]:
    today = settings.effective_from.date()
    if any(day > today + timedelta(days=3653) for day in settings.holidays):
        yield FieldError("/holidays", "Send holidays of the next ten years only.")
        return
    closed_since = today
    for day in _days(today, max([today, *settings.holidays]) + LONGEST_CLOSURE):
        if settings.working_time.hours_on(day) is not None:
            closed_since = day
        elif day - closed_since >= LONGEST_CLOSURE:
            yield FieldError(
                "/holidays",
                f"The clinic would be closed for {LONGEST_CLOSURE.days} days or more from {closed_since}: nobody "
                "could be promised an answer. Send fewer holidays.",
            )
            return


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=ahead) for ahead in range((last - first).days + 1))


def _wrong_rules(rule_set: RuleSet) -> Iterator[FieldError]:
    for rule, choice in rule_set.rules.items():
        known = RULES.get(rule)
        if known is None:
            yield FieldError(f"/rule_set/rules/{rule}", f"There is no such rule. The rules are: {', '.join(RULES)}.")
            continue
        for name, value in choice.parameters.items():
            pointer, allowed = f"/rule_set/rules/{rule}/parameters/{name}", known.get(name)
            if allowed is None:
                yield FieldError(pointer, f"This rule has no such parameter. It has: {', '.join(known)}.")
            elif not allowed.minimum <= value <= allowed.maximum or (allowed.whole and value != int(value)):
                kind = "a whole number" if allowed.whole else "a number"
                yield FieldError(pointer, f"Send {kind} from {allowed.minimum:g} to {allowed.maximum:g}.")


def _unlocked(rule_set: RuleSet) -> Iterator[FieldError]:
    """Rules about harm that would be off."""
    for rule, what in LOCKED.items():
        choice = rule_set.rules.get(rule)
        if choice is None and rule_set.base == "none":
            pointer, instead = f"/rule_set/rules/{rule}", "Send {} here to keep it on under the base none"
        elif choice is not None and not choice.enabled:
            pointer, instead = f"/rule_set/rules/{rule}/enabled", "Leave it on"
        else:
            continue
        yield FieldError(
            pointer,
            f"This rule cannot be switched off: nobody would hear of {what}. {instead}, and choose who is told, how "
            "and when in `escalation`.",
        )


def _wrong_scales(scales: Sequence[Scale], before: Sequence[Scale]) -> Iterator[FieldError]:
    """A scale the clinic had before an instrument of its name was built in stays the clinic's own."""
    kept = {scale.name for scale in before}
    seen: set[str] = set()
    for index, scale in enumerate(scales):
        name = scale.name.casefold()
        if name in BUILT_IN and scale.name not in kept:
            yield FieldError(
                f"/scales/{index}/name",
                f"{name} is built in (GET /v1/instruments): record it without declaring it, or give your own scale "
                "another name.",
            )
        elif name in seen:
            yield FieldError(f"/scales/{index}/name", "Two scales have this name: give each its own.")
        seen.add(name)
        yield from _beyond(f"/scales/{index}", scale)
        for item, one in scale.items.items():
            yield from _beyond(f"/scales/{index}/items/{item}", one)


def _beyond(place: str, one: Scale | ScaleItem) -> Iterator[FieldError]:
    bounds: dict[str, Number] = {"minimum": one.minimum, "maximum": one.maximum}
    if isinstance(one, ScaleItem):
        bounds["urgent_from"] = one.urgent_from
    for name, value in bounds.items():
        if not -LARGEST_NUMBER <= value <= LARGEST_NUMBER:
            yield FieldError(f"{place}/{name}", f"Send a number from -{LARGEST_NUMBER} to {LARGEST_NUMBER}.")


def _wrong_measures(settings: ClinicSettings) -> Iterator[FieldError]:
    for measure in settings.licences:
        if measure not in LICENSED:
            yield FieldError(
                f"/licences/{measure}",
                f"There is nothing to attest for this. Send the licence you hold for one of: {', '.join(LICENSED)}; "
                "others are shown to everybody, or never.",
            )
    ranges = BUILT_IN | {scale.name: (scale.minimum, scale.maximum) for scale in settings.scales}
    for name, cut_off in settings.cut_offs.items():
        if name not in ranges:
            yield FieldError(f"/cut_offs/{name}", f"There is no such instrument. Send one of: {', '.join(ranges)}.")
            continue
        least, most = ranges[name]
        if cut_off.caseness is not None and not least <= cut_off.caseness <= most:
            yield FieldError(f"/cut_offs/{name}/caseness", f"Send a total from {least} to {most}.")
        if cut_off.reliable_change is not None and cut_off.reliable_change > most - least:
            yield FieldError(f"/cut_offs/{name}/reliable_change", f"Send a difference of at most {most - least}.")
        if cut_off.caseness is None and cut_off.reliable_change is None:
            yield FieldError(f"/cut_offs/{name}", "Send caseness, reliable_change, or both, or leave it out.")
    for problem, measure in settings.outcome_measures.items():
        known = settings.cut_offs.get(measure)
        if known is None or known.caseness is None or known.reliable_change is None:
            yield FieldError(
                f"/outcome_measures/{problem}", f"Send caseness and reliable_change of {measure} in cut_offs as well."
            )


def _wrong_expectation(settings: ClinicSettings) -> Iterator[FieldError]:
    if settings.expected_response is None:
        return
    ranges = BUILT_IN | {scale.name: (scale.minimum, scale.maximum) for scale in settings.scales}
    for name, strata in settings.expected_response.measures.items():
        place = f"/expected_response/measures/{name}"
        if name not in ranges:
            yield FieldError(place, f"There is no such instrument. Send one of: {', '.join(ranges)}.")
            continue
        least, most = ranges[name]
        numbers = [number for one in strata for number in (one.first_from, one.first_to, one.b0, one.b1, *one.sd)]
        if not all(-LARGEST_NUMBER <= number <= LARGEST_NUMBER for number in numbers):
            yield FieldError(place, f"Send numbers from -{LARGEST_NUMBER} to {LARGEST_NUMBER}.")
        if strata[0].first_from > most or strata[-1].first_to < least:
            yield FieldError(place, f"Send bands of first scores between {least} and {most}.")


def reply_by(settings: ClinicSettings, at: datetime) -> datetime:
    """By when a question received at `at` is promised an answer: closing time of the n-th working day after it.

    n is the parameter `working_days` of the rule that watches this promise: 2, or what the clinic set.
    """
    default = RULES["question_unanswered"]["working_days"].default
    choice = settings.rule_set.rules.get("question_unanswered")
    days = choice.parameters.get("working_days", default) if choice is not None else default
    return settings.working_time.close_after(at, int(days))
