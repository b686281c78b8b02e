"""The benchmark of detection: what came, what was caught, and what counts as the same rate of false alarms."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.detection import series as series_module
from benchmarks.detection.figures import (
    AHEAD,
    BEHIND,
    EVEN,
    Matched,
    Sweep,
    Watched,
    count,
    interval,
    matched,
    resamples,
)
from benchmarks.detection.report import write_report
from benchmarks.detection.rules import Alarms, crossings, rules_for
from benchmarks.detection.series import Loaded, Point, Source, is_held_out
from benchmarks.detection.truth import Came, came

BDI = Source("none", "bdi", "Made up", 0, 63, 1, 3, "", caseness=10, change=9)
MOOD = Source("none", "mood", "Made up", 0, 4, -1, 4, "", daily=True, baseline_days=5, baseline_span=5)


def weekly(*values: float) -> list[Point]:
    """A value a week."""
    return [(7.0 * place, value) for place, value in enumerate(values)]


def daily(*values: float) -> list[Point]:
    """A value a day."""
    return [(float(place), value) for place, value in enumerate(values)]


def of(source: Source, change: float = 9) -> Loaded:
    """A data set without patients."""
    return Loaded(source, {}, change=change)


def test_what_came_is_a_mean_that_is_reliably_worse_for_some_scores_running() -> None:
    """One bad score is nothing; three whose mean is 9 above the first are something, known with the third."""
    assert came(of(BDI), weekly(20, 45, 20, 20, 20)) == []
    assert came(of(BDI), weekly(20, 20, 29, 29, 29, 20, 20)) == [Came(14, 28, 28)]
    assert came(of(BDI), weekly(20, 20, 35, 30, 30, 27, 20)) == [Came(14, 28, 35)]


def test_a_relapse_needs_a_best_below_caseness_and_a_mean_back_over_it() -> None:
    """Never worse than the first, and yet back."""
    assert came(of(BDI), weekly(25, 8, 5, 16, 17, 18, 18)) == [Came(21, 35, 42)]
    assert came(of(BDI), weekly(25, 12, 11, 22, 22, 22)) == []
    assert came(of(BDI), weekly(25, 8, 5, 9, 9, 9)) == []


def test_daily_values_are_worse_by_a_deviation_of_their_own_baseline() -> None:
    """On 0 to 10, at least half a point; smileys of 3 and 2 in the baseline are 7.5 and 5."""
    usual = (3, 2, 3, 2, 3)
    assert came(of(MOOD), daily(*usual, 3, 2, 3, 2, 3, 2)) == []
    assert came(of(MOOD), daily(*usual, 3, 1, 1, 1, 1)) == [Came(5, 8, 9)]
    assert came(of(MOOD), daily(3, 2, 3)) == []


def test_an_alarm_is_early_caught_late_or_false() -> None:
    """Up to 28 days before it is a warning; after it is known it is late, and neither false nor caught."""
    patient = Watched(weekly(*range(20)), 1.0, [Came(100, 114, 130)])

    assert count(patient, [72, 80], 28).warning == (42,)
    assert [count(patient, [day], 28).caught for day in (71, 72, 114, 115, 130)] == [0, 1, 1, 0, 0]
    assert [count(patient, [day], 28).false for day in (71, 72, 114, 115, 130, 131)] == [1, 0, 0, 0, 0, 1]


def test_our_rules_are_those_that_run_live() -> None:
    """A reliable rise is raised on the day of its score, a relapse too; mood shift not before its baseline."""
    ours = rules_for(of(BDI))[0]
    shift = rules_for(of(MOOD))[0]

    assert ours.raised(weekly(20, 28, 29, 20, 20, 30), 9) == pytest.approx([14, 35])
    assert ours.raised(weekly(25, 8, 5, 16), 9) == pytest.approx([21])
    assert rules_for(of(BDI))[1].raised(weekly(25, 8, 5, 16), 9) == []
    assert shift.raised(daily(3, 3, 3, 3, 3, 3, 0, 0, 0, 0), 2.7) == pytest.approx([6])
    assert shift.raised(daily(3, 3, 3, 3), 2.7) == []


def test_rivals_alarm_when_the_threshold_is_crossed() -> None:
    """Not again while it stays so."""
    by_name = {rule.name: rule for rule in rules_for(of(BDI))}
    scores = weekly(20, 26, 27, 20, 31, 10, 16)

    assert crossings([(0, False), (1, True), (2, True), (3, False), (4, True)]) == [1, 4]
    assert by_name["a fixed rise over the first score"].raised(scores, 5) == [7, 28]
    assert by_name["a fixed rise over the best score so far"].raised(scores, 5) == [7, 28, 42]
    assert by_name["the last score alone"].raised(scores, 30) == [28]
    assert by_name["Shewhart, one score"].raised(weekly(20, 21, 20, 19, 20, 20, 30, 20), 3) == [42]


def _sweep(name: str, caught: Sequence[int], false: Sequence[int], patients: Sequence[Watched]) -> Sweep:
    """A rule that at threshold t raises false alarms in the first false[t] patients, and catches caught[t] events."""

    def raised(series: Sequence[Point], threshold: float) -> list[float]:
        place, at = int(series[0][1]), int(threshold)
        return [500.0] * (place < false[at]) + [100.0] * (place < caught[at])

    return Sweep(Alarms(name, (0.0,), tuple(range(len(caught))), raised), patients, 28)


def test_rules_are_compared_at_the_same_rate_of_false_alarms() -> None:
    """Twice the share at the same rate is ahead; the curve is straight between thresholds; a tie is no difference."""
    patients = [Watched([(0, place), (700, 0)], 1.0, [Came(100, 114, 130)]) for place in range(40)]
    good = _sweep("good", (30, 40), (10, 40), patients)
    poor = _sweep("poor", (8, 16), (10, 40), patients)
    samples = resamples(len(patients))
    everybody = range(40)

    assert [good.share_at(rate, everybody) for rate in (0.0, 0.125, 0.25, 2.0)] == [0.0, 0.375, 0.75, 1.0]
    found, turned = matched(good, poor, 0.25, samples), matched(poor, good, 0.25, samples)
    same = matched(good, _sweep("same", (30, 40), (10, 40), patients), 0.25, samples)
    assert found is not None
    assert turned is not None
    assert same is not None
    assert (found.ours, found.theirs) == (0.75, 0.2)
    assert [one.verdict for one in (found, turned, same)] == [AHEAD, BEHIND, EVEN]
    assert Matched("r", 1, 0.5, 0.4, (-0.1, 0.3)).verdict == EVEN
    assert good.figures(0, samples).per_year_interval[0] < 0.25 < good.figures(0, samples).per_year_interval[1]


def test_intervals_and_halves_are_always_the_same() -> None:
    """The same draws, the same split, whatever else there is."""
    assert interval([float(n) for n in range(101)]) == (2.0, 98.0)
    assert resamples(7) == resamples(7)
    assert [is_held_out("enrichd_bdi", str(n)) for n in range(8)] == [
        is_held_out("enrichd_bdi", str(n)) for n in range(8)
    ]
    assert 400 < sum(is_held_out("any", str(n)) for n in range(1000)) < 600


def test_without_any_data_set_nothing_is_written_and_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The page in the repository stays as it is."""
    monkeypatch.setattr(series_module, "DATA", tmp_path)

    assert write_report(tmp_path / "page.md") == 1
    assert not (tmp_path / "page.md").exists()
    assert "Nothing was judged" in capsys.readouterr().err
