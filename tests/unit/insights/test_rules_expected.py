"""Gone quiet, measured against what a protocol expected, held to the oracle, which has a calendar of its own."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.insights.domain import PatientState
from shared.contracts import Clinic, Patient, Session
from shared.contracts.base import Fact
from shared.contracts.clinics import RuleChoice
from shared.contracts.protocols import Protocol
from tests.oracle import assess as oracle
from tests.unit.insights import builders as b

DAILY: dict[str, Any] = {
    "name": "daily",
    "rhythm": {"every": "days"},
    "windows": [{"opens": "08:00", "closes": "10:00"}],
    "late_after": 60,
    "expires_after": 600,
}
WEEKLY = DAILY | {"name": "weekly", "asks": "phq9", "rhythm": {"every": "weeks", "on": "mon"}, "expires_after": 4320}
SECOND = timedelta(seconds=1)
FOLLOWS = {"protocols": [{"protocol": "daily", "starts_on": "2026-05-01"}]}


def clinic(*protocols: dict[str, Any], **more: Any) -> Clinic:
    """London, with these protocols."""
    own = b.settings().model_copy(update={"protocols": [Protocol.model_validate(one) for one in protocols], **more})
    return b.clinic(own)


def quiet_from(state: PatientState, known: Clinic) -> datetime | None:
    """Since when somebody not heard of again is quiet, seen from far ahead."""
    found = b.concern(b.look(state, b.day(2000), known=known), "gone_quiet")
    return None if found is None else found.since


def test_where_a_daily_check_in_is_expected_quiet_is_a_week_without_one() -> None:
    """The third missed one expires on the fourth day: the week that is always allowed decides."""
    state = b.state_of(b.patient(**FOLLOWS), b.check_in(b.day(0), 5))

    assert quiet_from(state, clinic(DAILY)) == b.day(7)


def test_where_a_questionnaire_is_expected_weekly_quiet_is_three_of_them_gone_by() -> None:
    """Of somebody with no rhythm of their own yet: told from the moment the third expired, not before."""
    weekly = {"protocols": [{"protocol": "weekly", "starts_on": "2026-05-01"}]}
    state = b.state_of(b.patient(**weekly), b.answers(b.day(0, -2), 8), b.answers(b.day(0, -1), 8))
    due = datetime(2026, 6, 25, 7, 0, tzinfo=UTC)  # the 22nd at 08:00 in London, and 72 hours
    known = clinic(WEEKLY)
    found = b.listed(b.look(state, due, known=known), "gone_quiet")

    assert b.look(state, due - SECOND, known=known).due == due
    assert b.concern(b.look(state, due - SECOND, known=known), "gone_quiet") is None
    assert (found.since, found.numbers["missed"]) == (due, 3)
    assert "3 times running what was asked for got no answer" in found.reason


def test_any_entry_counts_as_having_been_heard_from() -> None:
    """Whoever checks in is not quiet, though a questionnaire goes unanswered."""
    weekly = {"protocols": [{"protocol": "weekly", "starts_on": "2026-05-01"}]}
    state = b.state_of(b.patient(**weekly), *(b.check_in(b.day(n), 5) for n in range(0, 40, 2)))

    assert b.concern(b.look(state, b.day(44), known=clinic(WEEKLY)), "gone_quiet") is None


def test_a_sparse_protocol_never_makes_a_silence_be_noticed_later() -> None:
    """Daily check-ins for 40 days: quiet after 7 days, with a four-weekly questionnaire as without; and of somebody who
    writes monthly the daily protocol that nobody answers speaks sooner."""
    four_weekly = WEEKLY | {"rhythm": {"every": "weeks", "weeks": 4, "on": "mon"}}
    follows = b.patient(protocols=[{"protocol": "weekly", "starts_on": "2026-05-01"}])
    daily = [b.check_in(b.day(n), 5) for n in range(40)]
    found = b.listed(b.look(b.state_of(follows, *daily), b.day(46), known=clinic(four_weekly)), "gone_quiet")
    monthly = b.state_of(b.patient(**FOLLOWS), *(b.check_in(b.day(n), 5) for n in (-60, -30, 0)))

    assert (found.since, found.numbers) == (b.day(46), {"days_allowed": 7, "median_gap": 1})
    assert found.reason.startswith("No entry since Fri 10 July 2026 at 10:00: longer than the 7 days allowed; usually")
    assert quiet_from(b.state_of(b.patient(), *daily), clinic(four_weekly)) == b.day(46)
    assert quiet_from(monthly, clinic(DAILY)) == b.day(7)


def test_a_protocol_that_ends_and_a_clinic_not_known_leave_the_usual_days() -> None:
    """Less than three left to expect: the rule is what it was."""
    ends = {"protocols": [{"protocol": "daily", "starts_on": "2026-05-01", "stops_on": "2026-06-03"}]}
    state = b.state_of(b.patient(**ends), *(b.check_in(b.day(n), 5) for n in (-10, -5, 0)))
    followed = b.state_of(b.patient(**FOLLOWS), *(b.check_in(b.day(n), 5) for n in (-10, -5, 0)))

    assert quiet_from(state, clinic(DAILY)) == b.day(15)
    found = b.listed(b.look(followed, b.day(100)), "gone_quiet")
    assert (found.since, found.numbers) == (b.day(15), {"days_allowed": 15, "median_gap": 5})


def test_settings_sessions_and_documents_that_come_later_move_it() -> None:
    """Whatever came first, the findings are those of all of it."""
    before = DAILY | {"name": "before", "rhythm": {"every": "session", "hours_before": 24}, "windows": []}
    papers = [
        b.patient(protocols=[{"protocol": "before", "starts_on": "2026-05-01"}]),
        *(
            b.session(f"s{n}", None).model_copy(update={"scheduled_at": b.day(7 * n)})
            for n in range(1, 5)
        ),
    ]  # fmt: skip
    entry = ("e", b.check_in(b.day(0), 5))
    found = {quiet_from(b.state_of(*things), clinic(before)) for things in ([*papers, entry], [entry, *papers[::-1]])}

    assert found == {b.day(20, 10)}


# --- against the oracle

zones = st.sampled_from(["Europe/London", "America/New_York", "Asia/Tokyo", "Pacific/Honolulu", "Australia/Lord_Howe"])
rhythms = st.one_of(
    st.builds(lambda n: {"every": "days", "days": n}, st.integers(1, 9)),
    st.sampled_from([["mon"], ["wed", "sun"], ["fri", "mon", "tue"]]).map(lambda on: {"every": "weekdays", "on": on}),
    st.builds(
        lambda n, on: {"every": "weeks", "weeks": n, "on": on}, st.integers(1, 3), st.sampled_from(["tue", "sat"])
    ),
)


@st.composite
def protocols(draw: st.DrawFn, name: str) -> dict[str, Any]:
    """Any protocol of this name."""
    shared = {"name": name, "late_after": 30, "expires_after": draw(st.sampled_from([45, 600, 2000, 20000]))}
    if draw(st.integers(0, 4)) == 0:
        return shared | {"rhythm": {"every": "session", "hours_before": draw(st.integers(1, 50))}}
    hours = draw(st.lists(st.integers(0, 22), min_size=1, max_size=3, unique=True))
    windows = [
        {"opens": f"{hour:02}:30", "closes": f"{hour + 1:02}:00", "moment": draw(st.sampled_from(["fixed", "random"]))}
        for hour in sorted(hours)
    ]
    lasts = draw(st.sampled_from([None, None, 10, 60]))
    return shared | {"rhythm": draw(rhythms), "windows": windows, "lasts_days": lasts}


@st.composite
def clinics(draw: st.DrawFn) -> Clinic:
    """Settings that change once or twice: protocols come, change and go."""
    found = []
    for place in range(draw(st.integers(1, 3))):
        known = [draw(protocols(name)) for name in draw(st.sets(st.sampled_from(["daily", "forms"])))]
        pathways = {"path": [one["name"] for one in known if draw(st.booleans())]}
        since = b.day(-3650) if place == 0 else b.day(draw(st.integers(place * 10 - 10, place * 10 - 1)), 3.5)
        choice = RuleChoice(parameters={"missed": draw(st.integers(1, 5)), "min_days": draw(st.integers(1, 9))})
        own = b.settings(since, zone=draw(zones), rules={"gone_quiet": choice})
        found.append(
            own.model_copy(update={"protocols": [Protocol.model_validate(one) for one in known], "pathways": pathways})
        )
    return b.clinic(*found)


@st.composite
def patients(draw: st.DrawFn) -> Patient:
    """Following something, perhaps on a pathway, perhaps travelling."""
    days = st.integers(-20, 20).map(lambda n: b.day(n).date().isoformat())
    own = [
        {"protocol": name, "starts_on": draw(days), "stops_on": draw(st.sampled_from([None, "2026-06-20"]))}
        for name in sorted(draw(st.sets(st.sampled_from(["daily", "forms"]))))
    ]
    legs = sorted(draw(st.sets(st.integers(-10, 30), max_size=3)))
    told = [{"zone": draw(zones), "since": b.day(leg, 1.25).isoformat()} for leg in legs]
    return Patient.model_validate(
        b.patient(
            protocols=[one for one in own if one["stops_on"] is None or one["starts_on"] <= one["stops_on"]],
            pathway=draw(st.sampled_from([None, "path"])),
            zone=told[-1]["zone"] if told else draw(st.one_of(st.none(), zones)),
            zones=told,
            created_at=b.day(draw(st.integers(0, 5))),
        ).model_dump()
        | {"pathway_since": draw(st.sampled_from([None, "2026-06-02"]))}
    )


@settings(max_examples=250, deadline=None)
@given(
    clinics(),
    patients(),
    st.lists(st.integers(-5, 40), max_size=4, unique=True),
    st.lists(st.tuples(st.integers(0, 60), st.sampled_from([None, None, "cancelled_by_clinic"])), max_size=5),
    st.integers(0, 200),
)
def test_quiet_is_what_the_oracle_says(
    known: Clinic, who: Patient, heard: list[int], planned: list[tuple[int, str | None]], now: int
) -> None:
    """Since the same instant and with the same numbers, and it changes at the instant that was announced."""
    facts: list[tuple[str, Fact]] = [(f"e{n}", b.check_in(b.day(n), 5)) for n in heard]
    sessions = [
        Session.model_validate(
            b.session(f"s{n}", None).model_dump() | {"scheduled_at": b.day(day, 5), "attendance": attendance}
        )
        for n, (day, attendance) in enumerate(planned)
    ]
    state = b.state_of(who, *sessions, *facts)

    def both(at: datetime) -> tuple[Any, Any]:
        mine = b.concern(b.look(state, at, known=known), "gone_quiet")
        said = oracle(
            [{"id": name, **fact.model_dump(mode="json")} for name, fact in facts],
            who.model_dump(mode="json"),
            [one.model_dump(mode="json") for one in sessions],
            [],
            known.model_dump(mode="json"),
            at,
            at,
        )
        theirs = next((one for one in said["concerns"] if one["rule"] == "gone_quiet"), None)
        return (
            None if mine is None else (mine.since, mine.numbers),
            None if theirs is None else (theirs["since"], {n: v and round(v, 4) for n, v in theirs["numbers"].items()}),
        )

    at = b.day(now, 0.7)
    mine, theirs = both(at)
    assert mine == theirs
    due = b.look(state, at, known=known).due
    if mine is None and due is not None:
        assert both(due)[0] == both(due)[1]
        assert both(due - SECOND)[0] == both(due - SECOND)[1]
