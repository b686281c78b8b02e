"""A page per rule, from the catalogue, and the list of them in docs/rules.md between two marks."""

from collections.abc import Iterator
from typing import Final

from services.insights.domain import CATALOGUE, Rule
from services.intake.domain import LOCKED, RULES

BEGIN: Final = "<!-- the list of rules: generated, do not edit -->"
END: Final = "<!-- end of the list of rules -->"
INTRODUCTION: Final = (
    "`{rule}`. Generated from the catalogue by `python -m deploy.generate`; how it is computed, exactly, stands in "
    "[rules.md](../rules.md). **Not clinically validated as implemented here**: it supports a clinician's judgement "
    "and never replaces it."
)
SETTING: Final = (
    "Set in the clinic's rule set (`PUT /v1/clinic`): `rule_set.rules.{rule}`. What is in force for you is shown by "
    "`GET /v1/rules`. A change tells nobody of what happened before it."
)
LOCK: Final = (
    "**A clinic cannot switch it off**: nobody would hear of {what}. Who is told, how and when is chosen in "
    "[`escalation`](../escalation.md). Only a [backtest](../backtest.md) may judge without it."
)
_WHEN: Final = {"at_once": "at once", "working_hours": "in working hours"}


def pages() -> Iterator[tuple[str, str]]:
    """Each rule's path and text."""
    for rule in CATALOGUE.values():
        yield f"docs/rules/{rule.name}.md", page(rule)


def page(rule: Rule) -> str:
    """What a clinician or operator should know of a rule before it is switched on."""
    since = "from the beginning" if rule.introduced is None else f"since {rule.introduced.isoformat()}"
    taken = RULES[rule.name]  # what the door takes, which is never more than what the rule can do with
    lines = [
        f"# {rule.title}",
        "",
        INTRODUCTION.format(rule=rule.name),
        "",
        "| | |",
        "| --- | --- |",
        f"| watches | {rule.watches} |",
        f"| says | {rule.says} |",
        f"| until | {rule.until} |",
        f"| a clinician reads, for example | {rule.wording} |",
        f"| a human is told of | {rule.evidence} |",
        f"| how soon, at most | {_WHEN[rule.urgency]} |",
        f"| severity | {rule.severity}: the order in which concerns are read, no tier of risk |",
        f"| in the starter set | {'on' if rule.on_in_starter else 'off'} |",
        f"| in the catalogue | {since} |",
        f"| judged as of | {'what has been read (a rule of absence)' if rule.absence else 'now'} |",
        f"| source | {rule.source} |",
        f"| is not | {rule.is_not} |",
        "",
        "## What a clinic may change",
        "",
        "| parameter | default | least | most | meaning |",
        "| --- | --- | --- | --- | --- |",
    ]
    for one in rule.parameters:
        allowed = taken[one.name]
        meaning = one.meaning + (", whole" if allowed.whole else "")
        meaning += "" if one.restarts else "; changing it does not begin the rule anew"
        lines.append(f"| `{one.name}` | {one.default} | {allowed.minimum} | {allowed.maximum} | {meaning} |")
    lines += [
        "",
        SETTING.format(rule=rule.name),
    ]
    if rule.name in LOCKED:
        lines += ["", LOCK.format(what=LOCKED[rule.name])]
    return "\n".join(lines) + "\n"


def index(text: str) -> str:
    """docs/rules.md with the list of rules as it is now.

    Raises:
        ValueError: the two marks are not in it.
    """
    before, _, rest = text.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError("docs/rules.md has lost the marks between which the list of rules is written")
    listed = ["", "| rule | severity | how soon, at most | starter | says |", "| --- | --- | --- | --- | --- |"]
    listed += [
        f"| [`{rule.name}`](rules/{rule.name}.md) | {rule.severity} | {_WHEN[rule.urgency]} | "
        f"{'on' if rule.on_in_starter else 'off'} | {rule.says} |"
        for rule in CATALOGUE.values()
    ]
    return before + BEGIN + "\n".join(listed) + "\n" + END + after
