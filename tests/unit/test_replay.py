"""Replaying a log: what is read, grouped and moved, and how what is wrong with it is said."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.demo.replay import ReplayError, built_in, declare, declare_from, read_log, replay, scales
from deploy.demo.story import Story
from services.mood.domain import INSTRUMENTS
from tests import data_moodpath

NOW = datetime(2026, 11, 23, 11, 30, tzinfo=UTC)
LONDON = "Europe/London"
HEADER = "patient,occurred_at,measure,value"


def told(*rows: str, header: str = HEADER, measures: tuple[str, ...] = (), zone: str = LONDON) -> Story:
    """The story of these rows."""
    return replay("\n".join([header, *rows]), declare(measures), zone, NOW)


def problems(*rows: str, header: str = HEADER, measures: tuple[str, ...] = ()) -> list[str]:
    """What is wrong with these rows."""
    with pytest.raises(ReplayError) as refused:
        told(*rows, header=header, measures=measures)
    return refused.value.problems


def bodies(story: Story) -> list[dict[str, Any]]:
    """The bodies of all entries."""
    return [entry.body for entry in story.entries]


def test_a_mood_becomes_a_check_in() -> None:
    """With its note where there is one, and the patient registered from the first entry on."""
    story = told(
        "a,2020-03-02T09:00:00+00:00,mood,7.5,slept well", "a,2020-03-03T09:00,mood,5,", header=HEADER + ",note"
    )
    assert bodies(story) == [
        {
            "patient": "a",
            "mood": 7.5,
            "note": "slept well",
            "occurred_at": "2026-11-22T09:00:00+00:00",
            "origin": "import",
        },
        {"patient": "a", "mood": 5, "occurred_at": "2026-11-23T09:00:00+00:00", "origin": "live"},
    ]
    assert [(entry.kind, entry.line) for entry in story.entries] == [("check_in", 2), ("check_in", 3)]
    assert [person.id for person in story.patients] == ["a"]
    assert story.patients[0].body["registered_at"] == "2026-11-22T09:00:00+00:00"
    assert story.patients[0].body["episode_started_on"] == "2026-11-22"


def test_rows_of_one_time_and_instrument_are_one_questionnaire() -> None:
    """Items together, a total by itself, another instrument or time apart; however the instant is written."""
    story = told(
        "a,2026-11-20T10:00:00Z,phq9.1,2",
        "a,2026-11-20T11:00:00+01:00,phq9.9,1",
        "a,2026-11-20T10:00:00Z,gad7,12",
        "b,2026-11-20T10:00:00Z,phq9.1,3",
        "a,2026-11-21T10:00:00Z,phq9,14",
    )
    answered = [(e.patient, e.body["instrument"], e.body.get("items", e.body.get("total"))) for e in story.entries]
    assert sorted(answered, key=str) == [
        ("a", "gad7", 12),
        ("a", "phq9", 14),
        ("a", "phq9", {"1": 2, "9": 1}),
        ("b", "phq9", {"1": 3}),
    ]


def test_each_log_is_moved_by_whole_days_to_end_now() -> None:
    """The last row lies in the day that ends now; times of day, gaps and offsets stay as they were."""
    story = told(
        "early,2017-01-09T08:00:00+02:00,mood,5",
        "early,2017-01-11T09:00:00+02:00,mood,5",
        "late,2031-06-30T23:00:00-05:00,mood,5",
    )
    at = {(entry.patient, entry.body["occurred_at"]) for entry in story.entries}
    assert at == {
        ("early", "2026-11-21T08:00:00+02:00"),
        ("early", "2026-11-23T09:00:00+02:00"),
        ("late", "2026-11-22T23:00:00-05:00"),
    }


def test_a_time_without_offset_is_meant_in_the_clinics_zone() -> None:
    """8 o'clock stays 8 o'clock where the clocks change in between; a day alone is its noon."""
    story = told("a,2026-10-20 08:00:00,mood,5", "a,2026-10-26,mood,6", zone="Europe/Berlin")
    assert [body["occurred_at"] for body in bodies(story)] == ["2026-11-17T08:00:00+01:00", "2026-11-23T12:00:00+01:00"]
    winter = replay(f"{HEADER}\na,2026-01-01T08:00,mood,5\na,2026-01-20T08:00,mood,5", {}, "Europe/Berlin",
                    datetime(2026, 4, 4, 12, tzinfo=UTC))  # fmt: skip
    assert [body["occurred_at"] for body in bodies(winter)] == [
        "2026-03-16T08:00:00+01:00",
        "2026-04-04T08:00:00+02:00",
    ]


def test_the_same_log_has_the_same_keys() -> None:
    """So that sending it again changes nothing."""
    rows = ("a,2020-03-02T09:00:00Z,mood,7", "a,2020-03-02T09:00:00Z,phq9,7")
    assert [entry.key for entry in told(*rows).entries] == [entry.key for entry in told(*rows).entries]
    assert len({entry.key for entry in told(*rows).entries}) == 2


def test_other_measures_are_declared_with_their_range() -> None:
    """A total, items of a scale, a risk item with and without a scale of its own; ends count as inside."""
    measures = ("bdi=0..63", "sleep.q1=0..4", "sleep.q2=0..4", "moodpath.q16=0..4:risk", "harm=0..3:risk", "vas=0..1")
    story = told(
        "a,2026-11-20T10:00:00Z,bdi,63",
        "a,2026-11-20T10:00:00Z,sleep.q2,4",
        "a,2026-11-20T10:00:00Z,sleep.q1,0.0",
        "a,2026-11-20T10:00:00Z,moodpath.q16,3",
        "a,2026-11-20T10:00:00Z,harm,1",
        "a,2026-11-20T10:00:00Z,vas,0.25",
        measures=measures,
    )
    answered = {body["instrument"]: body.get("items", body.get("total")) for body in bodies(story)}
    expected = {"bdi": 63, "sleep": {"q1": 0, "q2": 4}, "moodpath": {"q16": 3}, "harm": {"harm": 1}, "vas": 0.25}
    assert expected == answered
    item = {"minimum": 0, "maximum": 4, "risk": False}
    assert story.clinic["scales"] == [
        {"name": "bdi", "minimum": 0, "maximum": 63, "items": {}},
        {"name": "sleep", "minimum": 0, "maximum": 8, "items": {"q1": item, "q2": item}},
        {"name": "moodpath", "minimum": 0, "maximum": 4, "items": {"q16": {**item, "risk": True}}},
        {"name": "harm", "minimum": 0, "maximum": 3, "items": {"harm": {"minimum": 0, "maximum": 3, "risk": True}}},
        {"name": "vas", "minimum": 0, "maximum": 1, "items": {}},
    ]


def test_a_sidecar_declares_as_the_option_does(tmp_path: Path) -> None:
    """A YAML line for each measure."""
    sidecar = tmp_path / "log.yaml"
    sidecar.write_text("bdi: 0..63\nmoodpath.q16: 0..4:risk\n")
    assert declare_from(sidecar) == declare(["bdi=0..63", "moodpath.q16=0..4:risk"])
    assert scales(declare_from(sidecar).values())[1]["items"]["q16"]["risk"]


@pytest.mark.parametrize("content", ["- a\n", "a: [", "a: 1\n", "", "\xff"])
def test_a_sidecar_that_cannot_be_read_is_refused(content: str, tmp_path: Path) -> None:
    """In a sentence, whatever is in it."""
    sidecar = tmp_path / "log.yaml"
    sidecar.write_bytes(content.encode("latin-1"))
    with pytest.raises(ReplayError):
        declare_from(sidecar)


@pytest.mark.parametrize(
    "declaration",
    [
        "bdi",
        "bdi=",
        "bdi=5",
        "bdi=63..0",
        "bdi=1..1",
        "a b=0..1",
        "phq9=0..3",
        "mood.x=0..3",
        "a.b.c=0..1",
        "a.b=0..0.5",
    ],
)
def test_a_declaration_that_makes_no_sense_is_refused(declaration: str) -> None:
    """And so is one that says something else of what is known already."""
    with pytest.raises(ReplayError):
        declare([declaration])


def test_the_published_instruments_need_no_declaration() -> None:
    """Their names, ranges and items are those of mood's catalogue."""
    known = built_in()
    for name, one in INSTRUMENTS.items():
        assert (known[name].low, known[name].high, known[name].whole) == (one.minimum, one.maximum, one.whole)
        items = {m.item: (m.low, m.high) for m in known.values() if m.instrument == name and m.item}
        assert items == {number: (item.minimum, item.maximum) for number, item in one.items.items()}
    assert {measure.instrument for measure in known.values()} == {"mood", *INSTRUMENTS}


def test_a_measure_is_declared_once() -> None:
    """Twice is a question of which."""
    with pytest.raises(ReplayError, match="bdi is declared twice"):
        declare(["bdi=0..63", "bdi=0..21"])


def test_everything_wrong_is_said_at_once_with_its_line() -> None:
    """Each row's problems, in order, and nothing is sent."""
    assert problems(
        "a,2026-11-20T10:00:00Z,mood,5",
        "a,2026-11-20T10:00:00Z,mood,5",
        ",yesterday,mood,11",
        "a,2026-11-20T10:00:00Z,steps,9000",
        "a,2026-11-20T10:00:00Z,mood",
        "",
        "a,2026-11-20T10:00:00Z,phq9.9,1.5",
        "a,2026-11-20T10:00:00Z,mood,-999",
        "a,2026-11-20T10:00:00Z,gad7,nan",
        "a,2026-11-20T10:00:00Z,gad7,many",
        "a,2026-11-21T10:00:00Z,mood,3.333",
    ) == [
        "line 4: patient '' must be 1 to 64 of letters, digits and . _ ~ -",
        "line 4: occurred_at 'yesterday' is no time; send ISO 8601 such as 2026-03-02T09:30:00+00:00",
        "line 4: value 11 of mood is outside 0 to 10",
        "line 5: measure 'steps' is not known; declare it with its range, such as --measure steps=0..10",
        "line 6: 3 columns where the header has 4",
        "line 8: value 1.5 of phq9.9 must be a whole number",
        "line 9: value -999 of mood is outside 0 to 10",
        "line 10: value nan of gad7 is outside 0 to 21",
        "line 11: value 'many' is no number",
        "line 12: value 3.333 of mood has more than two decimals",
        "line 3: mood was given for this time in line 2",
    ]


def test_a_total_and_items_at_one_time_do_not_go_together() -> None:
    """Either says it all."""
    rows = ("a,2026-11-20T10:00:00Z,phq9.1,1", "a,2026-11-20T10:00:00Z,phq9,9")
    assert problems(*rows) == ["line 3: a total and items of phq9 at one time; send one of them"]


@pytest.mark.parametrize(
    ("log", "said"),
    [
        ("", "line 1: the header must be patient,occurred_at,measure,value or the same with ,note"),
        ("patient,when,measure,value", "line 1: the header must be"),
        (HEADER, "the log has no rows"),
        (HEADER + "\n\n \n", "the log has no rows"),
        (HEADER + '\na,2026-11-20T10:00:00Z,mood,"5\n', "not readable as CSV"),
        (HEADER + ",note\na,2026-11-20T10:00:00Z,phq9,5,hello", "line 2: a note can go with mood only"),
    ],
)
def test_a_log_that_is_none_is_refused(log: str, said: str) -> None:
    """Without a header, without rows, or not a CSV."""
    with pytest.raises(ReplayError) as refused:
        replay(log, {}, LONDON, NOW)
    assert said in str(refused.value)


def test_lines_are_those_of_the_file() -> None:
    """Also after a note that goes over several, and as spreadsheets save it."""
    text = HEADER + ',note\r\na,2026-11-20T10:00:00Z,mood,5,"one\r\ntwo"\r\na,2026-11-20T10:00:00Z,mood,99,\r\n'
    with pytest.raises(ReplayError, match="line 4: value 99 of mood"):
        replay(text, {}, LONDON, NOW)


def test_a_file_is_read_with_or_without_a_mark_and_refused_in_a_sentence(tmp_path: Path) -> None:
    """A byte-order mark is no part of the header; what is not UTF-8, or not there, is said."""
    log = tmp_path / "log.csv"
    log.write_text(f"{HEADER}\na,2026-11-20T10:00:00Z,mood,5\n", encoding="utf-8-sig")
    assert len(read_log(log, {}, LONDON, NOW).entries) == 1
    log.write_bytes(HEADER.encode() + b"\n\xff\xfe")
    with pytest.raises(ReplayError, match="save it as UTF-8"):
        read_log(log, {}, LONDON, NOW)
    with pytest.raises(ReplayError, match="cannot be read"):
        read_log(tmp_path / "none.csv", {}, LONDON, NOW)


MEASURED = st.one_of(
    st.tuples(st.just("mood"), st.integers(0, 1000).map(lambda hundredths: hundredths / 100)),
    st.tuples(st.sampled_from(["phq9.1", "phq9.9", "gad7.7"]), st.integers(0, 3)),
    st.tuples(st.just("gad7"), st.integers(0, 21)),
)
TIMES = st.tuples(
    st.integers(0, 36_000).map(lambda days: date(1990, 1, 1) + timedelta(days=days)),
    st.times(),
    st.sampled_from(["", "Z", "+05:30", "-11:00"]),
).map(lambda parts: f"{parts[0].isoformat()}T{parts[1].isoformat()}{parts[2]}")


def story_or_problems(log: str) -> Story | list[str]:
    """What comes of a log."""
    try:
        return replay(log, {}, LONDON, NOW)
    except ReplayError as error:
        return error.problems


@given(st.lists(st.tuples(st.sampled_from("abc"), TIMES, MEASURED), min_size=1, max_size=30))
def test_what_can_be_read_keeps_every_value_and_ends_now(rows: list[tuple[str, str, tuple[str, float]]]) -> None:
    """Of any rows: all values are in the story, each log ends within the day that ends now, or problems are said."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(HEADER.split(","))
    writer.writerows([patient, at, *measured] for patient, at, measured in rows)
    story = story_or_problems(text.getvalue())
    if isinstance(story, list):
        assert all(problem.startswith("line ") for problem in story)
        return
    values = [value for b in bodies(story) for value in b.get("items", {"": b.get("mood", b.get("total"))}).values()]
    assert sorted(values) == sorted(value for _, _, (_, value) in rows)
    assert sorted(entry.at for entry in story.entries) == [entry.at for entry in story.entries]
    for patient in {patient for patient, _, _ in rows}:
        last = max(entry.at for entry in story.entries if entry.patient == patient)
        assert timedelta() <= NOW - last < timedelta(days=1, hours=2)
    for entry in story.entries:
        assert datetime.fromisoformat(entry.body["occurred_at"]) == entry.at


@given(st.text(max_size=300))
def test_no_text_breaks_the_reader(text: str) -> None:
    """Whatever a file holds, it is a story or a list of sentences."""
    for log in (text, f"{HEADER}\n{text}", f"{HEADER},note\n{text}"):
        found = story_or_problems(log)
        assert found.entries if isinstance(found, Story) else found


ALMOST = st.sampled_from(
    [
        *("a", "", "b b", "mood", "phq9.9", "5", "-1", "1e400", "nan", '"', "2026-11-20", "2026-11-20T10:00:00Z"),
        *("0001-01-01", "9999-12-31T23:59:59+23:59"),
    ]
)


@given(st.lists(st.lists(ALMOST, min_size=3, max_size=5), max_size=8))
def test_no_row_that_is_almost_right_breaks_the_reader(rows: list[list[str]]) -> None:
    """Cells in the wrong place, times at the ends of the calendar, numbers beyond all numbers."""
    found = story_or_problems("\n".join([HEADER, *(",".join(row) for row in rows)]))
    assert found.entries if isinstance(found, Story) else found


def test_the_real_log_is_tidied(tmp_path: Path) -> None:
    """A smiley times 2.5 is a mood, q16 is the item of a scale declared risk, what was not asked is left out."""
    (tmp_path / "moodpath.csv").write_text(
        "user_id,timestamp,period,start_time,phq_day,mood,q1,q16\n"
        "1,2017-01-09 07:22:37,morning,x,-14.4,1,3.0,\n"
        "1,2017-01-09 20:00:00,evening,x,-14.0,,,2.0\n"
        "2,2017-01-09 20:00:00,evening,x,-14.0,4,,0.0\n"
    )
    rows = data_moodpath.tidy(tmp_path)
    assert [tuple(row.values()) for row in rows] == [
        ("m1", "2017-01-09 07:22:37", "mood", "2.5"),
        ("m1", "2017-01-09 20:00:00", "moodpath.q16", "2"),
        ("m2", "2017-01-09 20:00:00", "mood", "10"),
        ("m2", "2017-01-09 20:00:00", "moodpath.q16", "0"),
    ]
    story = replay(data_moodpath.as_csv(rows), declare(data_moodpath.MEASURES), "Europe/Berlin", NOW)
    assert len(story.entries) == 4
    assert not data_moodpath.present(tmp_path / "elsewhere")
    with pytest.raises(FileNotFoundError, match="beside the repository"):
        data_moodpath.tidy(tmp_path / "elsewhere")
