"""Reading a tidy log: what is understood, what is refused, with its line and what to write instead."""

import pytest

from services.backtest import Refused
from services.mood.domain import INSTRUMENTS
from tests.unit.backtest.tables import HEADER, at, row, told, told_of

ON_EARTH = "no place on earth has this offset: send one from -12:00 to +14:00"
DECLARED = "another one goes into the rules file with its range, as in `scales: {phq: {minimum: 0, maximum: 10}}`"
COLUMNS = "patient,raised_at,rule,severity,reason,cleared_at\n"


def problems(*rows: str, header: str = HEADER) -> list[str]:
    """What is wrong with these rows."""
    with pytest.raises(Refused) as refused:
        told_of("\n".join([header, *rows]))
    return refused.value.problems


@pytest.mark.parametrize("text", ["", "\ufeff", HEADER, HEADER + ",note\n", "\n\n"])
def test_a_log_without_rows_gives_the_header_alone(text: str) -> None:
    """Nothing happened, and nothing would have been raised."""
    found = told_of(text)

    assert found.text == COLUMNS
    assert (found.report.watched.patients, found.report.watched.weeks) == (0, 0)


def test_a_byte_order_mark_windows_line_ends_blank_lines_and_notes_are_taken() -> None:
    """As a spreadsheet saves it; a note is not read, however long."""
    text = f'{HEADER},note\r\n\r\na,2026-06-01T09:00:00Z,phq9.9,2.0,"said,\r\nso"\r\n,,,,\r\n{row(20, "mood", 5)},\r\n'
    found = told_of(b"\xef\xbb\xbf" + text.encode())

    assert found.of("risk_item") == [(at(0), at(14))]
    assert found.report.log.rows == 2


def test_times_without_an_offset_are_utc_and_a_day_alone_is_its_noon() -> None:
    """An offset that is written is kept: it says which day it was for the patient."""
    found = told(
        ["a,2026-06-01T09:00,phq9.9,1", "b,2026-06-01,phq9.9,1", "c,2026-06-01 23:30:00-04:00,phq9.9,1"],
        "base: none\nrules: {risk_item: {}}\nzone: Europe/Berlin\n",
    )

    assert [one["raised_at"] for one in found.rows] == [
        "2026-06-01T09:00:00Z",
        "2026-06-01T12:00:00Z",
        "2026-06-02T03:30:00Z",
    ]
    assert "at 11:00" in found.rows[0]["reason"]  # reasons are on the clinic's clock
    assert str(found.report.log.facts("c")[0][1].local_day) == "2026-06-01"


def test_rows_of_one_patient_instrument_and_time_are_one_questionnaire() -> None:
    """Scored as mood scores it: nine items are a score, eight count by the least they can be, and a total may stand
    beside them."""
    items = [row(1, f"phq9.{number}", 2) for number in range(1, 10)]
    before, after = row(0, "phq9", 12), row(9, "mood", 5)

    assert len(told([before, *items, after]).of("reliable_deterioration")) == 1
    assert told([before, *items[1:], after]).of("reliable_deterioration") == []
    assert len(told([row(0, "phq9", 10), *items[1:], after]).of("reliable_deterioration")) == 1
    assert len(told([before, *items[1:], row(1, "phq9", 19), after]).of("reliable_deterioration")) == 1


def test_rows_are_sorted_by_when_they_were_raised_then_patient_then_rule() -> None:
    """Whatever the order of the log."""
    rows = [row(0, "phq9.9", 1, patient) for patient in ("b", "a")] + [row(0, "gad7", 1, "a"), row(1, "gad7", 9, "a")]

    assert [stretch[:3] for stretch in told(rows).stretches] == [
        ("a", "risk_item", at(0)),
        ("b", "risk_item", at(0)),
        ("a", "relapse", at(1)),
        ("a", "reliable_deterioration", at(1)),
    ]


def test_every_problem_of_a_row_is_said_with_its_line() -> None:
    """And what to write instead."""
    assert problems("a b,yesterday,phq,x", row(0, "mood", 5)) == [
        f"line 2: measure 'phq': write mood, {', '.join(INSTRUMENTS)}, or an item such as phq9.9; {DECLARED}",
        "line 2: occurred_at 'yesterday': write a time such as 2026-03-02T09:30:00+01:00, from 1900 to 2100",
        "line 2: patient 'a b': write 1 to 64 letters, digits and . _ ~ -",
        "line 2: value 'x': write a number, and leave out the row of what was not answered",
    ]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (row(0, "mood", 11), "mood: send a number from 0 (worst) to 10 (best) with at most two decimals"),
        (row(0, "mood", 5.123), "mood: send a number from 0 (worst) to 10 (best) with at most two decimals"),
        (row(0, "phq9", 28), "phq9: send a whole number from 0 to 27"),
        (row(0, "phq9", 2.5), "phq9: send a whole number from 0 to 27"),
        (row(0, "phq9.9", 4), "phq9.9: send a whole number from 0 to 3"),
        (row(0, "phq9.9", 1.5), "phq9.9: send a whole number from 0 to 3"),
        (row(0, "who5", 50.5), "who5: send a whole number from 0 to 100 in steps of 4 (the sum times 4)"),
        (row(0, "phq9.11", 1), "measure 'phq9.11': PHQ-9 has the items 1, 2, 3, 4, 5, 6, 7, 8, 9, 10"),
        (row(0, "k10", 12), "measure 'k10': write which one it is, k10-50 or k10-40, so that scores are not mixed"),
        ("a,2026-06-01T09:00:00+23:00,mood,5", f"mood: {ON_EARTH}"),
        ("a,2026-06-01,mood", "3 columns: write 4, as in the header"),
        ("a,2026-06-01,mood,", "value '': write a number, and leave out the row of what was not answered"),
        ("a,2026-06-01,mood,nan", "value 'nan': write a number, and leave out the row of what was not answered"),
        ("a,2026-06-01,mood,1_0", "value '1_0': write a number, and leave out the row of what was not answered"),
    ],
)  # fmt: skip
def test_an_impossible_row_is_refused(wrong: str, said: str) -> None:
    """As mood would refuse it."""
    assert problems(row(1, "mood", 5), wrong) == [f"line 3: {said}"]


@pytest.mark.parametrize("year", ["1899", "2101", "9999"])
def test_a_time_that_cannot_be_meant_is_refused(year: str) -> None:
    """Before 1900 or after 2100."""
    assert len(problems(f"a,{year}-06-01,mood,5")) == 1


def test_two_values_of_one_measure_at_one_time_are_refused() -> None:
    """Nothing says which is right; the later line is named, and the one it contradicts."""
    assert problems(row(0, "mood", 5), row(1, "mood", 5), row(0, "mood", 6)) == [
        "line 4: mood has another value for this patient and time in line 2: keep the one that is right"
    ]


def test_a_total_that_its_items_cannot_add_up_to_is_refused() -> None:
    """As mood refuses it, at the line of the total."""
    assert problems(row(0, "phq9.1", 3), row(0, "phq9", 1)) == [
        "line 3: phq9: the answered items cannot add up to this: send the items alone, or correct one"
    ]


def test_at_most_twenty_problems_are_listed_in_order_of_lines() -> None:
    """However many patients they are of; the rest is counted."""
    rows = [row(number % 7, "mood", 11 + number, f"p{number % 5}") for number in range(25)]
    found = problems(*rows)

    assert [one.partition(":")[0] for one in found[:20]] == [f"line {line}" for line in range(2, 22)]
    assert found[20:] == ["and 5 more like these"]


@pytest.mark.parametrize("header", ["patient,measure,occurred_at,value", "a,b", "patient;occurred_at;measure;value"])
def test_another_header_is_refused(header: str) -> None:
    """With the one to write."""
    assert problems(row(0, "mood", 5), header=header) == [
        "line 1: the header must be patient,occurred_at,measure,value, or the same with ,note"
    ]


def test_what_is_not_csv_or_not_utf_8_is_refused() -> None:
    """With the line where reading stopped, or the name of the file."""
    (broken,) = problems(row(0, "mood", 5), 'a,"2026"x,mood,5')
    assert broken.startswith("line 3: not readable as CSV")
    with pytest.raises(Refused, match=r"tidy\.csv is not UTF-8: save it as UTF-8"):
        told_of("patient,occurred_at,measure,value\nä,2026-06-01,mood,5".encode("latin-1"))
