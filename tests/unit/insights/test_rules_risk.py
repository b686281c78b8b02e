"""Rising and skipped items about harm (docs/rules.md, 1a and 1b), and how their news is told once."""

from datetime import UTC, datetime, timedelta

import pytest

from services.insights.domain import Findings, PatientState, Standing, assess
from shared.contracts import QuestionnaireCompleted
from shared.contracts.assessments import Concern
from shared.contracts.base import Origin, Urgency
from shared.contracts.clinics import RuleChoice
from tests.oracle import check_wording
from tests.unit.insights import builders as b

BEGIN = datetime(2026, 12, 1, 9, tzinfo=UTC)
ALONE = b.clinic(b.settings(rules={"risk_item": RuleChoice(enabled=False)}))
SECOND = timedelta(seconds=1)


def on(day: float) -> datetime:
    """So many days after BEGIN."""
    return BEGIN + timedelta(days=day)


def answer(
    day: float, value: int | None, *, recall: int = 14, origin: Origin = Origin.LIVE, urgent_from: int = 2
) -> QuestionnaireCompleted:
    """A PHQ-9 whose ninth item was answered so, or left out."""
    if value is None:
        return b.answers(on(day), skipped=["phq9.9"], origin=origin)
    return b.answers(on(day), risk=[(value, recall, urgent_from)], origin=origin)


def series(*values: int | None, days: int = 7) -> PatientState:
    """Answers so many days apart."""
    return b.state_of(*((f"q{number}", answer(number * days, value)) for number, value in enumerate(values)))


def rising(state: PatientState, day: float, known: object = None) -> Concern | None:
    """What the rule says on a day."""
    return b.concern(b.look(state, on(day), known=known), "risk_item_rising")  # type: ignore[arg-type]


# --- rising


@pytest.mark.parametrize(
    ("values", "numbers"),
    [
        ((0, 1), (0, 1, 1)),
        ((1, 2), (1, 2, 1)),
        ((0, 1, 2), (1, 2, 2)),
        ((1, 1), None),
        ((2, 1), None),
        ((3,), None),
        ((0, 2, 0), None),
        ((0, 2, 1), (0, 2, 1)),
        ((1, 3, 1), None),
    ],
)
def test_a_rise_is_an_answer_above_the_one_before_it(
    values: tuple[int, ...], numbers: tuple[int, int, int] | None
) -> None:
    """From 0 or from 1; the first ever is none; it is over at or below what it rose from, not at something between."""
    found = rising(series(*values, days=3), 3 * len(values) - 3)

    assert (None if found is None else tuple(found.numbers.values())) == numbers


def test_a_rise_holds_for_the_recall_of_its_answer() -> None:
    """To the second, since it was answered."""
    state = series(0, 1)

    assert b.listed(b.look(state, on(7)), "risk_item_rising").since == on(7)
    assert rising(state, 21 - SECOND / timedelta(days=1)) is not None
    assert rising(state, 21) is None


def test_two_answers_far_apart_are_no_rise() -> None:
    """Ninety days apart they are one, a second more and they are not; a clinic may say otherwise."""
    state = b.state_of(answer(0, 0), answer(90, 1))
    later = b.state_of(answer(0, 0), b.answers(on(90) + SECOND, risk=[(1, 14, 2)]))
    known = b.clinic(b.settings(rules={"risk_item_rising": RuleChoice(parameters={"within_days": 91})}))

    assert [rising(one, 91) is not None for one in (state, later)] == [True, False]
    assert rising(later, 91, known) is not None


def test_another_item_or_instrument_is_compared_with_itself() -> None:
    """A 0 on one item and a 1 on another is no rise."""
    own = b.answers(on(1), instrument="own", risk=[(1, 14, 2)])

    assert rising(b.state_of(answer(0, 0), own), 2) is None


def test_a_rise_is_told_once_by_the_rule_that_tells_of_the_answer() -> None:
    """The risk item's words say from what to what; rising is shown with its numbers and tells nothing."""
    found = b.look(series(0, 1), on(7))
    told, shown = b.listed(found, "risk_item"), b.listed(found, "risk_item_rising")

    assert [one.id for one in told.telling] == ["q1"]
    assert told.telling[0].said.endswith(
        "PHQ-9 item 9 rose from 0 on Tue 1 Dec 2026 at 09:00 to 1 (several days) on Tue 8 Dec 2026 at 09:00."
    )
    assert (shown.holds, shown.telling, told.telling[0].urgency) == (True, [], Urgency.WORKING_HOURS)


def test_where_the_risk_item_is_off_the_rise_is_told_and_not_taken_back_by_a_lower_answer() -> None:
    """Its own evidence, until the recall is past, also where it holds no more."""
    over = series(1, 2, 0, days=2)
    found = rising(over, 4, ALONE)

    assert found is not None
    assert (found.holds, found.since, [one.id for one in found.telling]) == (False, None, ["q1"])
    assert found.telling[0].urgency is Urgency.AT_ONCE
    assert rising(over, 16, ALONE) is None


@pytest.mark.parametrize(("least", "urgency"), [(1, Urgency.AT_ONCE), (2, Urgency.WORKING_HOURS)])
@pytest.mark.parametrize("risk_item", [True, False])
def test_a_clinic_says_which_rise_is_told_at_once(least: int, urgency: Urgency, risk_item: bool) -> None:  # noqa: FBT001  a case
    """Whichever of the two rules tells it."""
    choices = {
        "risk_item_rising": RuleChoice(parameters={"at_once_from": least}),
        "risk_item": RuleChoice(enabled=risk_item),
    }
    found = b.look(series(0, 1), on(7), known=b.clinic(b.settings(rules=choices)))
    telling = [one for concern in found.concerns for one in concern.telling]

    assert [(one.id, one.urgency) for one in telling] == [("q1", urgency)]


def test_withdrawing_does_not_take_back_what_was_said_about_harm() -> None:
    """The answer, the rise and the question left out stay; the score is gone."""
    state = b.state_of(
        ("q0", answer(0, 0)), ("q1", answer(1, 2)), ("q2", answer(2, None)), ("w1", b.withdrawn(on(3), "q1")),
        ("w2", b.withdrawn(on(3), "q2")),
    )  # fmt: skip

    assert [concern.rule for concern in b.look(state, on(3)).concerns] == [
        "risk_item", "risk_item_rising", "risk_item_skipped",
    ]  # fmt: skip


# --- skipped


def test_an_item_left_out_is_shown_until_it_is_answered() -> None:
    """A later answer of that item ends it, a 0 too; an earlier one does not, and another one left out adds to it."""
    waiting = [b.concern(b.look(series(*values), on(21)), "risk_item_skipped") for values in (
        (None,), (0, None), (None, 0), (None, None), (None, 3, None),
    )]  # fmt: skip

    assert [None if one is None else one.numbers["skipped"] for one in waiting] == [1, 1, None, 2, 1]


def test_an_item_left_out_is_no_answer_and_is_told_in_working_hours_for_thirty_days() -> None:
    """An event of its own: no risk item, no value."""
    state = series(None)
    found = b.look(state, on(1))
    one = b.listed(found, "risk_item_skipped")

    assert [concern.rule for concern in found.concerns] == ["risk_item_skipped"]
    assert [(told.id, told.urgency) for told in one.telling] == [("q0", Urgency.WORKING_HOURS)]
    assert "PHQ-9 item 9 was left out on Tue 1 Dec 2026 at 09:00" in one.reason
    assert b.concern(b.look(state, on(30) - SECOND), "risk_item_skipped") is not None
    assert b.concern(b.look(state, on(30)), "risk_item_skipped") is None
    assert b.look(state, on(1)).due == on(30)


# --- a changed rule pages nobody for the past


def told(state: PatientState, day: float, *settings: object) -> list[str]:
    """The evidence that is telling on a day."""
    found: Findings = assess(state, Standing(b.clinic(*settings)), now=on(day), horizon=on(day))  # type: ignore[arg-type]
    return [one.id for concern in found.concerns for one in concern.telling]


OFF = b.settings(base="none")


@pytest.mark.parametrize(("switched_on", "evidence"), [(8, ["q"]), (8.1, []), (7.1, ["q"])])
def test_a_risk_answer_of_the_day_before_its_rule_came_on_is_told(switched_on: float, evidence: list[str]) -> None:
    """Twenty-four hours, to the instant; it holds in any case."""
    state = b.state_of(("q", answer(7, 2)))
    on_now = b.settings(on(switched_on))

    assert told(state, 9, OFF, on_now) == evidence
    assert b.concern(b.look(state, on(9), known=b.clinic(OFF, on_now)), "risk_item") is not None


def test_a_risk_answer_that_reaches_us_after_its_rule_came_on_is_told_however_old() -> None:
    """It was made offline: nobody could have been told of it before."""
    state = PatientState()
    state.add("q", answer(0, 2, origin=Origin.SYNC), accepted=int(on(9).timestamp() * 1e6))

    assert told(state, 9, OFF, b.settings(on(8))) == ["q"]


def test_a_change_of_how_long_an_answer_is_told_loses_none() -> None:
    """It makes the rule no other one."""
    state = b.state_of(("q", answer(0, 2)))
    shorter = b.settings(on(8), rules={"risk_item": RuleChoice(parameters={"tell_days": 30})})

    assert told(state, 9, b.settings(), shorter) == ["q"]


def test_a_silence_from_before_a_changed_number_is_shown_and_not_told() -> None:
    """With three days instead of seven it began before the change; the next one is told."""
    state = b.state_of(b.patient(registered_at=on(0)), ("c", b.check_in(on(0), 5)))
    changed = b.settings(on(5), rules={"gone_quiet": RuleChoice(parameters={"min_days": 3})})
    silent = b.look(state, on(6), known=b.clinic(b.settings(), changed))

    assert b.listed(silent, "gone_quiet").since == on(3)
    assert told(state, 6, b.settings(), changed) == []
    state.add("d", b.check_in(on(6), 5))
    assert told(state, 30, b.settings(), changed) == ["gone_quiet:d"]


def test_a_rule_new_in_the_catalogue_tells_nothing_from_before_it_came() -> None:
    """Left out on 1 November is shown, on 23 November told."""
    days = [datetime(2026, 11, day, 9, tzinfo=UTC) for day in (1, 23)]
    found = [b.look(b.state_of(("q", b.answers(at, skipped=["phq9.9"]))), at, known=b.clinic()) for at in days]

    assert [[one.id for c in each.concerns for one in c.telling] for each in found] == [[], ["q"]]
    assert all(b.listed(each, "risk_item_skipped").holds for each in found)


@pytest.mark.parametrize(("upgraded", "evidence"), [(2, ["q"]), (2.1, []), (0, ["q"])])
def test_an_installation_upgraded_late_tells_nothing_from_before_its_new_rules(
    upgraded: float, evidence: list[str]
) -> None:
    """About harm a day before is not yet the past; the rules there have always been are told as ever."""
    state = b.state_of(("q", answer(1, None)), ("r", answer(0, 2)))
    standing = Standing(None, new_rules_from=on(upgraded))
    found = assess(state, standing, now=on(3), horizon=on(3))

    assert [one.id for one in b.listed(found, "risk_item_skipped").telling] == evidence
    assert [one.id for one in b.listed(found, "risk_item").telling] == ["r"]


@pytest.mark.parametrize(("upgraded", "told"), [(None, ["r"]), (2.1, []), (1, ["r"])])
def test_a_rule_that_was_revised_tells_nothing_from_before_the_upgrade(upgraded: float | None, told: list[str]) -> None:
    """What it finds anew in the past is shown and pages nobody; without an upgrade it is told as ever."""
    state = b.state_of(("q", b.answers(on(0), 5)), ("r", b.answers(on(2), 15)))
    since = None if upgraded is None else on(upgraded)
    found = assess(state, Standing(None, new_rules_from=since), now=on(3), horizon=on(3))

    assert [one.id for one in b.listed(found, "reliable_deterioration").telling] == told


@pytest.mark.parametrize(
    ("later", "said"),
    [
        (b.answers(on(1), risk=[(0, 14, 2)]), "The latest answer is 0, on "),
        (
            b.answers(on(1), instrument="core10", risk=[(0, 7, 1)]),
            (
                "The latest answer about harm is 0, to another question, CORE-10 item 9, on Wed 2 Dec 2026 at 09:00. "
                "PHQ-9 item 9 has not been answered since."
            ),
        ),
    ],
)
def test_a_later_0_is_said_with_the_question_it_answers(later: QuestionnaireCompleted, said: str) -> None:
    """Where it is another question than the one above 0, so that nobody takes it for the same."""
    found = b.listed(b.look(b.state_of(("q", answer(0, 3)), ("r", later)), on(2)), "risk_item")

    assert said in found.reason
    assert "A 0 is not reassurance." in found.reason
    assert check_wording({"concerns": [found.model_dump()]}) == []
