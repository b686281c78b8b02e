"""The benchmark's reading of real data sets, where they are beside the repository: ranges, the same figures twice."""

import pytest

from benchmarks.detection.report import judge
from benchmarks.detection.series import SOURCES, Source, load


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_every_data_set_is_read_on_its_own_range(source: Source) -> None:
    """From day 0, in order; a value outside the range would be a misread column."""
    loaded = load(source)
    # said as bare truths, so that a failure prints nothing of anybody
    in_order = all(
        [day for day, _ in points] == sorted(day for day, _ in points) for points in loaded.patients.values()
    )
    in_range = all(
        source.minimum <= value <= source.maximum for points in loaded.patients.values() for _, value in points
    )

    assert loaded.patients
    assert (in_order, in_range) == (True, True)
    assert {points[0][0] for points in loaded.patients.values()} == {0}


def test_a_small_set_is_judged_alike_twice() -> None:
    """The same figures, to the last digit."""
    source = next(one for one in SOURCES if one.name == "claus2020_inpatient.bdi")
    first, second = judge(source), judge(source)

    assert (first.figures, first.matched, first.events) == (second.figures, second.matched, second.events)
    assert first.patients > 0
