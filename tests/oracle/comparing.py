"""Saying in words where an assessment differs from what it should be, and whether its words are fit to be read."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from tests.oracle.plain import Plain, day, instant

LAST_PLACE = 1.000001e-4
"""Rounded floats may differ by one in the fourth decimal, where a sum fell on a tie."""

MENTIONED: dict[str, tuple[str, ...]] = {
    "risk_item": ("highest",),
    "risk_item_rising": ("from", "to"),
    "risk_item_skipped": ("skipped",),
    "reliable_deterioration": (
        "phq9_first",
        "phq9_latest",
        "phq9_at_least",
        "gad7_first",
        "gad7_latest",
        "gad7_at_least",
    ),
    "relapse": ("phq9_best", "gad7_best"),
    "not_on_track": ("phq9_expected", "phq9_bound", "gad7_expected", "gad7_bound"),
    "stalled": ("phq9_first", "phq9_latest", "gad7_first", "gad7_latest"),
    "mood_shift": ("baseline_mean", "ewma"),
    "mood_shift_up": ("baseline_mean", "ewma"),
    "mood_instability": ("rmssd", "baseline_rmssd"),
    "gone_quiet": ("days_allowed",),
    "question_unanswered": ("unanswered",),
    "rating_drop": ("latest", "earlier_mean"),
    "crisis_language": ("texts",),
    "question_overdue": ("overdue",),
    "lingering_question": ("lingering",),
    "missed_sessions": ("missed",),
}
"""The numbers that each rule's reason rests on and must mention (docs/rules.md, Wording)."""

TIERS_AND_VERDICTS = re.compile(
    r"\b(high|higher|highest|low|lower|medium|moderate|severe|elevated|increased|no)[\s-]+risk\b"
    r"|\brisk[\s-]+(score|level|tier|category|rating|band)s?\b"
    r"|\bat[\s-]+risk\b|\bfail(s|ed|ing|ure)?\b|\bruptured?\b|\bstable\b|\bnon-?complian(t|ce)\b|\bsuicidal\b"
    r"|\bsafe\b|\bdiagnos\w*",
    re.IGNORECASE,
)
"""Words a reason never uses: tiers (NICE NG225), verdicts on people, and claims the numbers cannot bear."""

COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def differences(expected: Plain, actual: Plain) -> list[str]:
    """Where `actual` (an assessment, as JSON or dumped) differs from `expected` (the oracle's), a line for each.

    Wording is not compared. An empty list: they agree.
    """
    found = []
    for name in ("registered", "entries"):
        if expected[name] != actual[name]:
            found.append(f"{name}: expected {expected[name]}, actual {actual[name]}")
    if not _same_instant(expected["last_heard"], actual["last_heard"]):
        found.append(f"last_heard: expected {_say(expected['last_heard'])}, actual {_say(actual['last_heard'])}")

    expected_rules = [concern["rule"] for concern in expected["concerns"]]
    actual_rules = [concern["rule"] for concern in actual["concerns"]]
    if expected_rules != actual_rules:
        found.append(f"concerns: expected {_listed(expected_rules)}, actual {_listed(actual_rules)}")
    by_rule = {concern["rule"]: concern for concern in actual["concerns"]}
    for concern in expected["concerns"]:
        if concern["rule"] in by_rule:
            found.extend(f"{concern['rule']}.{line}" for line in _concern(concern, by_rule[concern["rule"]]))
    return found


def _concern(expected: Plain, actual: Plain) -> Iterable[str]:
    if expected["holds"] != actual["holds"]:
        yield f"holds: expected {expected['holds']}, actual {actual['holds']}"
    if not _same_instant(expected["since"], actual["since"]):
        yield f"since: expected {_say(expected['since'])}, actual {_say(actual['since'])}"
    for part in ("numbers", "parameters"):
        for name in sorted({*expected[part], *actual[part]}):
            ours, theirs = expected[part].get(name, "absent"), actual[part].get(name, "absent")
            if not _same_number(ours, theirs):
                yield f"{part}.{name}: expected {ours}, actual {theirs}"
    yield from _telling(expected["telling"], actual["telling"])
    yield from _chart(expected["chart"], actual.get("chart"))


def _telling(expected: list[Plain], actual: list[Plain]) -> Iterable[str]:
    ours, theirs = [evidence["id"] for evidence in expected], [evidence["id"] for evidence in actual]
    yield from (f"telling: {identity} is missing" for identity in ours if identity not in theirs)
    yield from (f"telling: {identity} should not be there" for identity in theirs if identity not in ours)
    if sorted(set(ours)) == sorted(set(theirs)) and ours != theirs:
        yield f"telling: expected {_listed(ours)} once each in this order, actual {_listed(theirs)}"
    by_id = {evidence["id"]: evidence for evidence in actual}
    for evidence in expected:
        if evidence["id"] in by_id:
            other = by_id[evidence["id"]]
            if not _same_instant(evidence["at"], other["at"]):
                yield f"telling {evidence['id']} at: expected {_say(evidence['at'])}, actual {_say(other['at'])}"
            for name in ("origin", "urgency"):
                if str(evidence[name]) != str(other[name]):
                    yield f"telling {evidence['id']} {name}: expected {evidence[name]}, actual {other[name]}"


def _chart(expected: Plain | None, actual: Plain | None) -> Iterable[str]:
    if expected is None or actual is None:
        if expected is not actual:
            yield "chart: there should be one" if actual is None else "chart: there should be none"
        return
    for name in ("measure", "minimum", "maximum"):
        if expected[name] != actual[name]:
            yield f"chart.{name}: expected {expected[name]}, actual {actual[name]}"
    ours = [(day(on), value) for on, value in expected["points"]]
    theirs = [(day(on), value) for on, value in actual["points"]]
    if len(ours) != len(theirs):
        yield f"chart.points: expected {len(ours)}, actual {len(theirs)}"
    for number, (one, other) in enumerate(zip(ours, theirs, strict=False), start=1):
        if one[0] != other[0] or not _same_number(one[1], other[1]):
            yield f"chart point {number}: expected {one[1]} on {one[0]}, actual {other[1]} on {other[0]}"


def _same_instant(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return one is other
    return instant(one) == instant(other)


def _same_number(one: Any, other: Any) -> bool:
    if isinstance(one, str | None) or isinstance(other, str | None):
        return bool(one == other)
    if isinstance(one, float) or isinstance(other, float):
        return bool(abs(one - other) <= LAST_PLACE)
    return bool(one == other)


def _say(value: Any) -> str:
    return "none" if value is None else instant(value).isoformat() if isinstance(value, str | datetime) else str(value)


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "none"


def check_wording(assessment: Plain) -> list[str]:
    """What is wrong with the words of an assessment, a line for each; empty where they are fit to be read.

    Each reason mentions the numbers it rests on; nothing names a tier or passes a verdict; every concern says until
    when it holds and where its rule comes from, and every piece of evidence says what it is.
    """
    found: list[str] = []
    for concern in assessment["concerns"]:
        rule, reason, numbers = concern["rule"], concern["reason"], concern["numbers"]
        must = [name for name in MENTIONED[rule] if numbers.get(name) is not None]
        if rule == "risk_item" and numbers["latest"] < numbers["highest"]:
            must.append("latest")
        found.extend(
            f"{rule}: the reason does not mention {name} ({numbers[name]}): {reason!r}"
            for name in must
            if not mentions(reason, numbers[name])
        )
        texts = {"reason": reason, "until": concern["until"]}
        texts |= {f"said of {told['id']}": told["said"] for told in concern["telling"]}
        for name, text in texts.items():
            if not text.strip():
                found.append(f"{rule}: {name} is empty")
            if (tier := TIERS_AND_VERDICTS.search(text)) is not None:
                found.append(f"{rule}: {name} says {tier.group()!r}: {text!r}")
        if not concern["source"].strip():
            found.append(f"{rule}: no source is given")
        if rule == "gone_quiet" and re.search(r"\bwors(e|ening|ened)\b", re.sub(r"\bnot \w+", "", reason)):
            found.append(f"{rule}: fewer entries are not worse ones: {reason!r}")
    return found


def mentions(text: str, number: float) -> bool:
    """Whether a text says a number: in digits, rounded to one or more decimals (a last 0 may be left out: 7 for 6.96),
    or, if it is a count, in a word."""
    for digits in re.findall(r"(?<![\w.])(?<![A-Za-z]-)\d+(?:\.\d+)?", text):
        decimals = len(digits.partition(".")[2])
        if abs(float(digits) - abs(number)) <= 0.5 * 10 ** -max(decimals, 1) + 1e-4:
            return True
    if number == int(number) and 0 <= number < len(COUNTS):
        return re.search(rf"\b{COUNTS[int(number)]}\b", text, re.IGNORECASE) is not None
    return False
