"""The catalogue is whole: every rule says everything of itself, and the doors take what it can do."""

from deploy.rule_pages import BEGIN, END, index, pages
from services.insights.domain import CATALOGUE, RULES_VERSION
from services.intake.domain import RULES
from tests.oracle.choosing import INTRODUCED, PARAMETERS

FIRST = (
    "risk_item",
    "reliable_deterioration",
    "mood_shift",
    "gone_quiet",
    "question_unanswered",
    "rating_drop",
)


def test_every_rule_says_everything_of_itself() -> None:
    """What it watches, says, tells, and is not, until when, from where: nothing is left out."""
    words = ("title", "watches", "says", "wording", "evidence", "until", "is_not", "source")

    assert [(name, word) for name, rule in CATALOGUE.items() for word in words if not getattr(rule, word)] == []


def test_a_rule_that_came_later_says_when() -> None:
    """Else it would tell of the past wherever it comes on with an upgrade."""
    assert RULES_VERSION > 1
    assert {name for name, rule in CATALOGUE.items() if rule.introduced is None} == set(FIRST)
    assert {name: rule.introduced for name, rule in CATALOGUE.items() if rule.introduced} == {
        name: at.date() for name, at in INTRODUCED.items()
    }


def test_door_catalogue_and_oracle_know_the_same_rules_and_numbers() -> None:
    """In the same order, with the same defaults; the door takes nothing the rule would bend."""
    defaults = {name: dict(rule.defaults) for name, rule in CATALOGUE.items()}

    assert [*RULES] == [*CATALOGUE] == [*PARAMETERS]
    assert {name: {n: p.default for n, p in known.items()} for name, known in RULES.items()} == defaults == PARAMETERS
    for name, rule in CATALOGUE.items():
        for one in rule.parameters:
            taken = RULES[name][one.name]
            assert one.minimum <= taken.minimum <= taken.maximum <= one.maximum, (name, one.name)


def test_every_rule_has_a_page_and_a_line() -> None:
    """The page has its numbers with what the door takes; the list stands between its marks."""
    text = dict(pages())
    listed = index(f"before\n{BEGIN}\nold\n{END}\nafter")

    assert [*text] == [f"docs/rules/{name}.md" for name in CATALOGUE]
    assert "| `tell_days` | 90 | 1 | 365 |" in text["docs/rules/risk_item.md"]
    assert all(f"(rules/{name}.md)" in listed for name in CATALOGUE)
    assert (listed.startswith("before"), listed.endswith("after"), "old" in listed) == (True, True, False)
