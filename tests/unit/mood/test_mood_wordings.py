"""Which wordings are shown to whom, over HTTP: what is free, what a licence is attested for, and what never is."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from services.mood.domain import INSTRUMENTS, Wording, read_pack
from services.mood.settings import Settings
from tests.unit.mood.made import Door, clinic_event, open_door

FREE = {"phq9", "gad7", "core10", "pcl5"}
GATED = {"k10-50", "k10-40", "who5", "wsas-40", "wsas-32"}
NEVER = {"ors", "srs", "wai-sr"}


def pack(name: str, **changes: Any) -> bytes:
    """A wording of our own making, for tests: nobody's real one."""
    items = INSTRUMENTS[name].items
    one = next(iter(items.values()))
    body = {
        "stem": "stem of the pack",
        "items": {number: f"words of {number}" for number in items},
        "answers": {str(value): f"answer {value}" for value in range(one.minimum, one.maximum + 1)},
        "attribution": "whose it is",
    }
    return json.dumps(body | changes).encode()


PACKS: Mapping[str, Wording] = {name: read_pack(name, pack(name)) for name in sorted(GATED)}


async def shown(door: Door, name: str, **who: Any) -> Any:
    """One instrument, as the API has it."""
    answer = await door.get(f"/v1/instruments/{name}", **who)
    assert answer.status_code == 200, answer.text
    return answer.json()


def words(node: Any) -> Iterator[str]:
    """Everything a patient could read of an instrument's wording."""
    yield from filter(None, [node["stem"], node["attribution"]])
    for item in node["items"]:
        yield from filter(None, [item["text"], *(item["options"] or {}).values()])


async def test_the_list_has_every_instrument_and_the_clinics_own(door: Door) -> None:
    """In short, with what may be shown; answers can be recorded of all of them."""
    listed = {one["id"]: one for one in (await door.get("/v1/instruments")).json()["items"]}

    assert list(listed) == [*INSTRUMENTS, "fatigue", "safe"]
    assert {name for name, one in listed.items() if one["showing"] == "shown"} == FREE
    assert {name for name, one in listed.items() if one["showing"] == "licence_needed"} == GATED
    assert {name for name, one in listed.items() if one["showing"] == "never"} == NEVER
    assert all((one["why"] is None) is (one["showing"] == "shown") for one in listed.values())
    assert listed["k10-40"]["range"] == {"minimum": 0, "maximum": 40}


async def test_a_free_instrument_is_shown_whole(door: Door) -> None:
    """PHQ-9: items with words and codes, bands, numbers with their sources."""
    phq9 = await shown(door, "phq9")

    assert phq9["items"][8] == {
        "item": "9",
        "minimum": 0,
        "maximum": 3,
        "reversed": False,
        "scored": True,
        "risk": True,
        "urgent_from": 2,
        "loinc": "44260-8",
        "text": "Thoughts that you would be better off dead or of hurting yourself in some way",
        "options": {"0": "Not at all", "1": "Several days", "2": "More than half the days", "3": "Nearly every day"},
    }
    assert phq9["items"][9]["options"]["3"] == "Extremely difficult"
    assert phq9["bands"][2] == {"name": "moderate", "minimum": 10, "maximum": 14}
    assert phq9["caseness"] == {"value": 10, "source": "NHS Talking Therapies: recovered is below 10"}
    assert phq9["attribution"]


@pytest.mark.parametrize("name", sorted(GATED))
async def test_a_wording_under_licence_is_shown_only_where_the_clinic_attested(name: str) -> None:
    """Installed or not, without the clinic's word there is none of it; the refusal says what to send."""
    measure = INSTRUMENTS[name].measure
    async with open_door(PACKS) as door:
        before = await shown(door, name)
        await door.clinics.apply(clinic_event(version=2, licences={measure: "licence 7 of the publisher"}))
        after = await shown(door, name)
        await door.clinics.apply(clinic_event("elsewhere"))
        elsewhere = await shown(door, name, clinic="elsewhere")

    assert (before["showing"], list(words(before))) == ("licence_needed", [])
    assert "PUT /v1/clinic" in before["why"]
    assert f'"{measure}"' in before["why"]
    assert (after["showing"], after["stem"], after["why"]) == ("shown", "stem of the pack", None)
    assert [item["text"] for item in after["items"]] == [f"words of {item['item']}" for item in after["items"]]
    assert (elsewhere["showing"], list(words(elsewhere))) == ("licence_needed", [])


async def test_an_attested_wording_that_is_not_installed_says_how_to_install_it(door: Door) -> None:
    """Rapport ships none that is not free."""
    await door.clinics.apply(clinic_event(version=2, licences={"who5": "for our own patients, not sold"}))
    who5 = await shown(door, "who5")

    assert (who5["showing"], list(words(who5))) == ("not_installed", [])
    assert "who5.json" in who5["why"]


@pytest.mark.parametrize("name", sorted(NEVER))
async def test_what_is_scored_elsewhere_is_never_shown(name: str) -> None:
    """Whatever is attested or installed: a name, a range, and nothing to read."""
    stray = Wording(stem="stem", items={}, answers={0: "no"}, attribution="x")
    async with open_door({name: stray}) as door:
        await door.clinics.apply(clinic_event(version=2, licences={INSTRUMENTS[name].measure: "anything"}))
        found = await shown(door, name)

    assert (found["showing"], found["items"], list(words(found))) == ("never", [], [])
    assert found["external"]


async def test_a_clinics_own_scale_is_described_without_words(door: Door) -> None:
    """Its ranges and risk items, as declared."""
    safe = await shown(door, "safe")

    assert [(item["item"], item["risk"], item["urgent_from"]) for item in safe["items"]] == [
        ("sleep", False, None),
        ("harm", True, 3),
    ]
    assert (safe["licence"], safe["showing"]) == ("clinics_own", "not_installed")


async def test_the_catalogue_is_locked_and_knows_no_other_clinics_scales(door: Door) -> None:
    """A scope of its own, and a 404 for what is not the clinic's."""
    for path in ("/v1/instruments", "/v1/instruments/phq9"):
        assert (await door.http.get(path)).status_code == 401
        assert (await door.get(path, scopes=("entries:write",))).status_code == 403
        assert (await door.get(path, clinic="not-set-up")).status_code == 200
    for name in ("bdi", "k10", "fatigue"):
        answer = await door.get(f"/v1/instruments/{name}", clinic="not-set-up")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("who5", b"{", "who5.json"),
        ("who5", pack("who5", stem=""), "stem"),
        ("who5", pack("who5", more=1), "more"),
        ("who5", pack("who5", items={"1": "x"}), "exactly these items: 1, 2, 3, 4, 5"),
        ("who5", pack("who5", answers={"0": "never", "1": "always"}), "item 1 needs a word for each answer, 0 to 5"),
        ("ors", pack("who5"), "name the file after one of phq9, "),
        ("bdi", pack("who5"), "name the file after one of phq9, "),
    ],
)
def test_a_pack_that_cannot_be_shown_whole_does_not_start(name: str, content: bytes, said: str) -> None:
    """A patient cannot answer what has no words; the file and what to correct are named."""
    with pytest.raises(ValueError, match=f"{name}.json") as wrong:
        read_pack(name, content)

    assert said in str(wrong.value)


def test_packs_are_read_from_the_folder_the_deployment_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One file for each instrument; other files lie there undisturbed, and without a folder there is nothing."""
    (tmp_path / "who5.json").write_bytes(pack("who5"))
    (tmp_path / "LICENCE.txt").write_text("ours")

    assert Settings().wordings() == {}
    monkeypatch.setenv("MOOD_WORDING_PACKS", str(tmp_path))
    assert Settings().wordings() == {"who5": PACKS["who5"]}
