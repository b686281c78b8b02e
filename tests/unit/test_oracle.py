"""The oracle as a whole: facts are a set, settings count from their day, and its judgement of words and alerts."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.oracle import assess, check_alerts, check_wording, differences, telling_ever
from tests.oracle.comparing import mentions
from tests.oracle_cases import START, clinic, concern, fact, form, item_9, moods, on, patient

# the whole -----------------------------------------------------------------------------------------------------------


def test_facts_are_a_set() -> None:
    """The same entries in any order and any number say the same."""
    facts = [item_9("r", 3, 2), *moods([5, 6, 4]), form("p", 1, "phq9", 9)]
    once = assess(facts, patient(), [], [], clinic(), on(20), on(20))
    again = assess([*facts[::-1], *facts], patient(), [], [], clinic(), on(20), on(20))
    assert differences(once, again) == []
    assert (True, 5, on(3)) == (once["registered"], once["entries"], once["last_heard"])
    assert [one["rule"] for one in once["concerns"]] == ["risk_item", "gone_quiet"]


def test_a_clinic_chooses_its_rules() -> None:
    """`none` turns all off, an entry turns one on or off and changes a parameter, an unknown one is ignored."""
    facts = [item_9("r", 3, 2)]
    off = clinic(risk_item={"enabled": False}, unknown={})
    assert concern("risk_item", 4, facts, clinic=off) is None
    one = clinic(gone_quiet={"parameters": {"min_days": 3, "unknown": 1}})
    one["settings"][0]["rule_set"]["base"] = "none"
    said = assess(facts, patient(), [], [], one, on(10), on(10))["concerns"]
    assert [(c["rule"], c["parameters"]) for c in said] == [
        ("gone_quiet", {"min_days": 3, "factor": 3, "gaps": 20, "missed": 3})
    ]


def test_settings_count_from_their_day_on() -> None:
    """The rules are those in force now, a question's working time that in force when it was asked."""
    both = clinic()
    later = {**both["settings"][0], "effective_from": on(2).isoformat()}
    later["working_hours"] = {"sun": ["10:00", "12:00"]}
    both["settings"].append(later)
    asked = [fact("q1", 0, question="q1"), fact("q2", 3, question="q2")]
    said = concern("question_unanswered", 30, asked, clinic=both)
    assert said is not None
    due = [datetime(2026, 3, 4, 17, tzinfo=UTC), datetime(2026, 3, 15, 12, tzinfo=UTC)]
    assert due == [told["at"] for told in said["telling"]]


def an_assessment() -> dict[str, Any]:
    """As the service would say it of one risk answer, in JSON."""
    return {
        "registered": False,
        "entries": 1,
        "last_heard": "2026-03-02T10:00:00+01:00",
        "concerns": [
            {
                "rule": "risk_item",
                "holds": True,
                "since": "2026-03-02T09:00:00Z",
                "reason": "Item 9 of the PHQ-9 was answered 2 on 2 March.",
                "until": "The last answer above 0 is past its recall.",
                "source": "Na 2018",
                "parameters": {"tell_days": 90},
                "numbers": {"highest": 2, "latest": 2, "above_zero": 1},
                "telling": [
                    {
                        "id": "r",
                        "at": "2026-03-02T09:00:00Z",
                        "origin": "live",
                        "urgency": "at_once",
                        "said": "Item 9 answered 2",
                    }
                ],
                "chart": None,
            }
        ],
    }


def test_differences_say_where_and_what() -> None:
    """Equal assessments differ in nothing, however instants are written; otherwise each difference has its line."""
    expected = assess([item_9("r", 0, 2)], None, [], [], None, on(1), on(1))
    assert differences(expected, an_assessment()) == []
    wrong = an_assessment()
    wrong["entries"] = 2
    wrong["concerns"][0]["numbers"]["highest"] = 3
    wrong["concerns"][0]["since"] = None
    wrong["concerns"][0]["telling"][0] |= {"id": "x"}
    assert differences(expected, wrong) == [
        "entries: expected 1, actual 2",
        "risk_item.since: expected 2026-03-02T09:00:00+00:00, actual none",
        "risk_item.numbers.highest: expected 2, actual 3",
        "risk_item.telling: r is missing",
        "risk_item.telling: x should not be there",
    ]
    assert differences(expected, {**an_assessment(), "concerns": []}) == ["concerns: expected risk_item, actual none"]


def test_differences_see_into_charts() -> None:
    """A point, a range or a missing chart is seen; a tie in the fourth decimal is not a difference."""
    facts = moods([6.1] * 28 + [4.1])
    expected = assess(facts, None, [], [], None, on(30), on(30))
    actual = assess(facts, None, [], [], None, on(30), on(30))
    actual["concerns"][0]["numbers"]["ewma"] += 1e-4
    assert differences(expected, actual) == []
    actual["concerns"][0]["numbers"]["ewma"] += 1e-4
    actual["concerns"][0]["chart"]["points"][-1] = ("2026-03-30", 4.2)
    assert differences(expected, actual) == [
        "mood_shift.numbers.ewma: expected 5.9, actual 5.9002",
        "mood_shift.chart point 29: expected 4.1 on 2026-03-30, actual 4.2 on 2026-03-30",
    ]
    actual["concerns"][0]["chart"] = None
    assert "mood_shift.chart: there should be one" in differences(expected, actual)


@pytest.mark.parametrize(
    ("text", "number", "said"),
    [
        ("rose from 9 to 15", 15, True),
        ("the PHQ-9 is 15", 9, False),
        ("moving average 4.2", 4.2347, True),
        ("moving average 4.3", 4.2347, False),
        ("moving average 4", 4.2347, False),
        ("nothing for 10.5 days", 10.5, True),
        ("Two questions", 2, True),
        ("one question", 2, False),
        ("mean 5.0", 4.9975, True),
        ("usually 7 out of 10", 6.96, True),
        ("usually 7 out of 10", 6.9, False),
        ("item 19", 9, False),
    ],
)
def test_a_number_is_mentioned_in_digits_or_as_a_counted_word(text: str, number: float, said: bool) -> None:  # noqa: FBT001
    """Rounded as written, and never found inside the name of an instrument."""
    assert said == mentions(text, number)


@pytest.mark.parametrize(
    ("reason", "wrong"),
    [
        ("Item 9 answered 2.", False),
        ("Item 9 was answered.", True),
        ("Item 9 answered 2: high risk.", True),
        ("Item 9 answered 2, risk score 2.", True),
        ("Item 9 answered 2; the patient is failing.", True),
    ],
)
def test_a_reason_has_its_numbers_and_no_tier(reason: str, wrong: bool) -> None:  # noqa: FBT001
    """The number it rests on must be there; tiers, scores of risk and verdicts must not."""
    assessment = an_assessment()
    assessment["concerns"][0]["reason"] = reason
    assert wrong == bool(check_wording(assessment))


def test_a_later_zero_must_be_in_the_reason() -> None:
    """Where the latest answer is lower than the highest, both are said."""
    assessment = an_assessment()
    assessment["concerns"][0]["numbers"]["latest"] = 0
    assert len(check_wording(assessment)) == 1
    assessment["concerns"][0]["reason"] += " The latest answer is 0."
    assert check_wording(assessment) == []


# what was told -------------------------------------------------------------------------------------------------------


def alert(name: str, told: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """An open alert about risk."""
    return {
        "alert": name,
        "version": 1,
        "rule": "risk_item",
        "status": "open",
        "route": "message",
        "told": told,
        **more,
    }


def told(name: str, origin: str = "live", urgency: str = "at_once") -> dict[str, Any]:
    """What an alert remembers of a piece of evidence."""
    return {"id": name, "at": START.isoformat(), "origin": origin, "urgency": urgency}


def test_everything_live_must_be_told_once_by_message() -> None:
    """Missing, twice, by the wrong route, in two open alerts: each is said."""
    facts = [item_9("a", 0, 2), item_9("b", 1, 3)]
    telling = telling_ever(facts, None, [], [], None, [on(2)])
    assert [evidence["id"] for evidence in telling["risk_item"]] == ["a", "b"]
    assert check_alerts([alert("1", [told("a"), told("b")])], telling) == []
    assert check_alerts([alert("1", [told("a")], status="closed"), alert("2", [told("b")])], telling) == []
    newer = [alert("1", [told("a"), told("b")], version=2), alert("1", [told("a")])]
    assert check_alerts(newer, telling) == []
    assert check_alerts([alert("1", [told("a")])], telling) == [
        "risk_item: b (live, 2026-03-03T09:00:00+00:00) was never told"
    ]
    assert check_alerts([alert("1", [told("a")]), alert("2", [told("b")])], telling) == [
        "risk_item: 2 alerts are not closed: 1, 2"
    ]
    twice = [alert("1", [told("a")], status="closed"), alert("2", [told("a"), told("b")])]
    assert check_alerts(twice, telling) == ["risk_item: a was told 2 times"]
    assert check_alerts([alert("1", [told("a"), told("b")], route="digest")], telling) == [
        "risk_item: alert 1 tells of live by digest, should be message"
    ]
    assert check_alerts([alert("1", [told("a", urgency="working_hours"), told("b")])], telling) == [
        "risk_item: a was told as urgency working_hours, but is at_once"
    ]


def test_an_import_pages_nobody() -> None:
    """It is told by a digest, at most once, and only must be once the digest is out and while its concern holds."""
    facts = [item_9("a", 0, 2, "import")]
    telling = telling_ever(facts, None, [], [], None, [on(2)])
    assert check_alerts([], telling) == []
    assert check_alerts([], telling, digest_is_out=True) == [
        "risk_item: a (import, 2026-03-02T09:00:00+00:00) was never told"
    ]
    assert check_alerts([alert("1", [told("a", "import")], route="digest")], telling, digest_is_out=True) == []
    assert check_alerts([alert("1", [told("a", "import")])], telling) == [
        "risk_item: alert 1 tells of import by message, should be digest"
    ]
    assert telling_ever(facts, None, [], [], None, [on(20)]) == {}


def test_a_day_told_from_an_import_is_not_told_again() -> None:
    """Its last check-in came later and live: the evidence has another origin now, but the same id."""
    facts = [*moods([6.1] * 28), fact("i", 28, "import", mood=4.1), fact("l", 28.1, mood=4.1)]
    telling = telling_ever(facts, None, [], [], None, [on(29)])
    assert [evidence["origin"] for evidence in telling["mood_shift"]] == ["live"]
    as_import = told("mood_shift:2026-03-30", "import", "working_hours")
    assert check_alerts([alert("1", [as_import], rule="mood_shift", route="digest")], telling) == []
    assert len(check_alerts([], telling)) == 1
