"""The declarations of the instruments: each as its source has it, and none that contradicts itself."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.intake.domain import clinics
from services.mood.domain import INSTRUMENTS, PHQ9, Licence, instruments_of
from services.mood.domain.instruments import Band, Item
from tests.unit.mood.made import FATIGUE, SAFE, settings

TABLE = {
    "phq9": (10, 0, 27, 14, 10, 6, 2, ["9"], [], Licence.NO_PERMISSION_REQUIRED),
    "gad7": (7, 0, 21, 14, 8, 4, 2, [], [], Licence.NO_PERMISSION_REQUIRED),
    "phq4": (4, 0, 12, 14, None, None, None, [], [], Licence.NO_PERMISSION_REQUIRED),
    "core10": (10, 0, 40, 7, None, 5, 1, ["6"], ["2", "3"], Licence.CC_BY_ND),
    "pcl5": (20, 0, 80, 30, None, None, None, [], [], Licence.PUBLIC_DOMAIN),
    "k10-50": (10, 10, 50, 28, None, None, None, [], [], Licence.PERMISSION_REQUIRED),
    "k10-40": (10, 0, 40, 28, None, None, None, [], [], Licence.PERMISSION_REQUIRED),
    "who5": (5, 0, 100, 14, 50, 10, None, [], [], Licence.CC_BY_NC_SA),
    "wsas-40": (5, 0, 40, 0, None, None, 1, [], [], Licence.PERMISSION_REQUIRED),
    "wsas-32": (4, 0, 32, 0, None, None, None, [], [], Licence.PERMISSION_REQUIRED),
    "ors": (0, 0, 40, 7, None, None, None, [], [], Licence.VENDOR_ONLY),
    "srs": (0, 0, 40, 0, None, None, None, [], [], Licence.VENDOR_ONLY),
    "wai-sr": (0, 1, 5, 0, None, None, None, [], [], Licence.PERMISSION_REQUIRED),
}


def test_every_instrument_is_in_the_table() -> None:
    """A new one is declared here too, by somebody who has read its source."""
    assert list(INSTRUMENTS) == list(TABLE)


@pytest.mark.parametrize("name", TABLE)
def test_an_instrument_is_what_its_source_says(name: str) -> None:
    """Items, range, recall, caseness, reliable change, how many may be missing, risk, reversed items, licence."""
    one = INSTRUMENTS[name]
    found = (
        len(one.items),
        one.minimum,
        one.maximum,
        one.recall_days,
        one.caseness and one.caseness.value,
        one.reliable_change and one.reliable_change.value,
        one.prorating and one.prorating.most_missing,
        one.risk_items,
        [number for number, item in one.items.items() if item.reversed],
        one.licence,
    )

    assert found == TABLE[name]
    assert one.higher_is_worse is (name not in {"who5", "ors", "srs", "wai-sr"})
    assert one.external is (name in {"ors", "srs", "wai-sr"})
    assert one.source


@pytest.mark.parametrize(
    ("name", "bands"),
    [
        (
            "phq9",
            ["none to minimal"] * 5 + ["mild"] * 5 + ["moderate"] * 5 + ["moderately severe"] * 5 + ["severe"] * 8,
        ),
        ("gad7", ["minimal"] * 5 + ["mild"] * 5 + ["moderate"] * 5 + ["severe"] * 7),
        (
            "core10",
            ["low"] * 11 + ["mild"] * 4 + ["moderate"] * 5 + ["moderate to severe"] * 5 + ["severe"] * 16,
        ),
    ],
)
def test_every_total_has_its_band(name: str, bands: list[str]) -> None:
    """From the lowest total to the highest, one after the other."""
    assert [INSTRUMENTS[name].band_of(total) for total in range(int(INSTRUMENTS[name].maximum) + 1)] == bands


def test_numbers_that_are_not_confirmed_are_left_out() -> None:
    """No band of PHQ-4, K10, WHO-5, WSAS; no cut-off of CORE-10, PCL-5, WSAS or of what is scored elsewhere."""
    assert {name for name, one in INSTRUMENTS.items() if one.bands} == {"phq9", "gad7", "core10"}
    assert {name for name, one in INSTRUMENTS.items() if one.caseness} == {"phq9", "gad7", "who5"}
    assert {name for name, one in INSTRUMENTS.items() if one.reliable_change} == {"phq9", "gad7", "core10", "who5"}


def right_check_digit(code: str) -> bool:
    """LOINC's own check (mod 10, Luhn)."""
    number, check = code.split("-")
    doubled = [int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(number))]
    return (10 - sum(sum(divmod(one, 10)) for one in doubled) % 10) % 10 == int(check)


def test_every_loinc_code_passes_its_check_digit_and_stands_once() -> None:
    """69689-9, often seen for GAD-7's sixth item, does not; a code of an item is never that of a total."""
    codes = [
        code
        for one in INSTRUMENTS.values()
        for code in (one.loinc_panel, one.loinc_total, *(item.loinc for item in one.items.values()))
        if code is not None
    ]

    assert [code for code in codes if not right_check_digit(code)] == []
    assert not right_check_digit("69689-9")
    assert len(codes) == len(set(codes)) == 2 + 10 + 2 + 6 + 1
    assert (PHQ9.items["9"].loinc, PHQ9.loinc_total, PHQ9.items["10"].loinc) == ("44260-8", "44261-6", "69722-7")


@pytest.mark.parametrize("name", [name for name, one in INSTRUMENTS.items() if one.wording])
def test_a_wording_has_words_for_every_item_and_answer(name: str) -> None:
    """And says whose it is. Only what is free has one."""
    one = INSTRUMENTS[name]
    assert one.wording is not None
    assert one.licence.free
    assert one.wording.attribution
    for number, item in one.items.items():
        words = one.wording.other_answers.get(number, one.wording.answers)
        assert list(words) == list(range(item.minimum, item.maximum + 1))
        assert all([*words.values(), one.wording.items[number]])


def test_gad7s_lowest_answer_is_not_at_all() -> None:
    """ "Not at all sure" is a published error of reproduction."""
    gad7 = INSTRUMENTS["gad7"].wording

    assert gad7 is not None
    assert gad7.answers[0] == "Not at all"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"maximum": 28}, "do not add up"),
        ({"bands": PHQ9.bands[1:]}, "each total once"),
        ({"bands": (*PHQ9.bands[:-1], Band("severe", 21, 27))}, "each total once"),
        ({"bands": PHQ9.bands[:-1]}, "each total once"),
        ({"recall_days": 0}, "how far back"),
        ({"licence": Licence.PERMISSION_REQUIRED}, "licence"),
        ({"items": PHQ9.items | {"11": Item(0, 3, scored=False)}}, "its wording"),
        ({"external": True}, "scored elsewhere"),
    ],
)
def test_a_declaration_that_contradicts_itself_does_not_start(changes: dict[str, Any], words: str) -> None:
    """The instrument and what is wrong are named."""
    with pytest.raises(ValueError, match=f"phq9: .*{words}"):
        replace(PHQ9, **changes)


def test_the_page_about_them_has_the_same_numbers() -> None:
    """docs/instruments.md: id, range, caseness, reliable change and how many may be missing."""
    page = (Path(__file__).parents[3] / "docs/instruments.md").read_text()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("| `")]
    dash = {None: "-"}

    assert [row[0].strip("`") for row in rows] == list(TABLE)
    for row, (_, low, high, _, case, change, missing, *_) in zip(rows, TABLE.values(), strict=True):
        assert row[2] == f"{low}-{high}"
        assert row[5].removesuffix(" or below") == str(dash.get(case, case))
        assert row[6:8] == [str(dash.get(change, change)), str(dash.get(missing, missing))]
        assert (row[4] == "yes") is bool(INSTRUMENTS[row[0].strip("`")].bands)


def test_intake_knows_the_same_names() -> None:
    """It takes no scale of a built-in name, and attestations only where they change something."""
    gated = {one.measure for one in INSTRUMENTS.values() if not one.licence.free and not one.external}

    ranges = {name: (instrument.minimum, instrument.maximum) for name, instrument in INSTRUMENTS.items()}
    assert list(ranges.items()) == list(clinics.BUILT_IN.items())
    assert sorted(gated) == sorted(clinics.LICENSED)


def test_a_clinics_own_scales_stand_behind_the_published_ones() -> None:
    """With what it declared of them."""
    found = instruments_of(settings())

    assert list(found) == [*INSTRUMENTS, "fatigue", "safe"]
    assert (found["fatigue"].maximum, found["fatigue"].licence) == (FATIGUE.maximum, Licence.CLINICS_OWN)
    assert found["safe"].risk_items == [name for name, item in SAFE.items.items() if item.risk]


def test_a_clinics_own_cut_offs_take_the_place_of_the_published_ones() -> None:
    """Only the ones it names, and they say whose they are."""
    found = instruments_of(
        settings(cut_offs={"pcl5": {"caseness": 32}, "gad7": {"caseness": 10}, "fatigue": {"reliable_change": 4.5}})
    )

    assert [found["pcl5"].is_case(total) for total in (31, 32)] == [False, True]
    assert [found["gad7"].is_case(total) for total in (9, 10)] == [False, True]
    assert found["gad7"].reliable_change == INSTRUMENTS["gad7"].reliable_change
    assert found["fatigue"].reliable_change is not None
    assert "clinic" in found["fatigue"].reliable_change.source
