"""SNOMED CT codes of scores: none is shipped, a deployment brings its own, and a wrong one does not start."""

import ast
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from services.mood.domain import INSTRUMENTS, coded, read_codes
from services.mood.domain.instruments import instrument_named
from services.mood.domain.instruments.codes import check_digit_of, is_concept
from services.mood.settings import Settings
from tests.unit.mood.made import FATIGUE, open_door

KNOWN = {"phq9": "720433000", "gad7": "445455005", "core10": "718583008", "k10-50": "720211004", "ors": "716613004"}
"""As the project's clinical reference has them, for tests of the check only."""
LONG = "758711000000105"
"""One with a namespace: that of the United Kingdom."""


@pytest.mark.parametrize("code", [*KNOWN.values(), LONG])
def test_a_concept_is_known_by_its_check_digit(code: str) -> None:
    """Short and long; it is Verhoeff's, and any other last digit is wrong."""
    assert is_concept(code)
    assert check_digit_of(code[:-1]) == code[-1]
    assert [last for last in "0123456789" if is_concept(code[:-1] + last)] == [code[-1]]


def test_the_check_digit_is_verhoeffs() -> None:
    """The textbook's 236 has 3, 12345 has 1, and 142857 has 0."""
    assert [check_digit_of(digits) for digits in ("236", "12345", "142857")] == ["3", "1", "0"]


def test_two_digits_that_changed_places_are_found_out() -> None:
    """As they do when a code is copied by hand."""
    code = KNOWN["phq9"]
    swapped = {code[:n] + code[n + 1] + code[n] + code[n + 2 :] for n in range(len(code) - 1)} - {code}

    assert [wrong for wrong in swapped if is_concept(wrong)] == []


@pytest.mark.parametrize(
    "code",
    ["", "0", "00000", "720433001", "072043300", "44261-6", "720433000 ", "７２０４３３０００", "720433017", "1" * 19],
)
def test_what_is_no_concept_is_refused_with_what_to_send(code: str) -> None:
    """A LOINC code, a description's identifier, digits of another script, too short, too long, a space too many."""
    with pytest.raises(ValueError, match=r"phq9: .* is no SNOMED CT concept identifier: copy all of it"):
        read_codes({"phq9": code})


@pytest.mark.parametrize(
    ("codes", "said"),
    [
        ({"phq-9": KNOWN["phq9"]}, "phq-9: name one of phq9, gad7"),
        ({"k10": KNOWN["k10-50"]}, "k10: name one of"),
        ({"k10-50": KNOWN["k10-50"], "k10-40": KNOWN["k10-50"]}, "two instruments cannot have one code"),
    ],
)
def test_a_code_belongs_to_one_instrument(codes: dict[str, str], said: str) -> None:
    """By its id, and variants with other ranges have codes of their own."""
    with pytest.raises(ValueError, match=said):
        read_codes(codes)


def test_codes_come_from_the_deployments_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """As JSON by instrument; without them there are none, and a wrong one does not start."""
    assert Settings().snomed_codes == {}
    monkeypatch.setenv("MOOD_SNOMED_CODES", f'{{"phq9": "{KNOWN["phq9"]}"}}')
    assert Settings().snomed_codes == {"phq9": KNOWN["phq9"]}
    monkeypatch.setenv("MOOD_SNOMED_CODES", '{"phq9": "720433001"}')
    with pytest.raises(ValidationError, match="its last digit is a check digit"):
        Settings()


async def test_an_instrument_is_shown_with_the_deployments_code() -> None:
    """In the list and by itself; the others, and a clinic's own scales, have none."""
    async with open_door(codes=KNOWN) as door:
        listed = {one["id"]: one["snomed"] for one in (await door.get("/v1/instruments")).json()["items"]}
        whole = (await door.get("/v1/instruments/phq9")).json()

    assert {name: code for name, code in listed.items() if code} == KNOWN
    assert {"pcl5", "fatigue", "safe"} <= listed.keys()
    assert (whole["snomed"], whole["loinc_total"]) == (KNOWN["phq9"], "44261-6")


def test_a_clinics_own_scale_of_a_built_in_name_has_no_code() -> None:
    """It was declared before there was one of that name, and need not be the same measure."""
    own = instrument_named("core10", [FATIGUE.model_copy(update={"name": "core10"})])

    assert (own.own, coded(own, KNOWN).snomed, coded(INSTRUMENTS["core10"], KNOWN).snomed) == (
        True,
        None,
        KNOWN["core10"],
    )


def test_no_code_of_it_is_part_of_what_is_shipped() -> None:
    """Its content must not be handed on in general: nothing in mood's code is a concept's identifier."""
    texts = [
        node.value
        for path in Path("services/mood").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]

    assert [one.snomed for one in INSTRUMENTS.values() if one.snomed] == []
    assert [found for text in texts for found in re.findall(r"\d{6,18}", text) if is_concept(found)] == []
