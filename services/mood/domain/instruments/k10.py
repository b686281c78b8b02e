"""K10: ten problems of distress over the last four weeks, recorded in one of two ways that must not be mixed.

Kessler and the Australian Bureau of Statistics count 1 to 5 an answer (10 to 50), the NHS data set 0 to 4 (0 to 40): a
bare total of 25 is either. Its bands and terms of use are not confirmed in our reference.
"""

from typing import Final

from services.mood.domain.instruments.declaration import Instrument, Item, Licence


def _k10(*, lowest: int, highest: int, used_by: str) -> Instrument:
    return Instrument(
        name=f"k10-{10 * highest}",
        measure="k10",
        title=f"K10 ({10 * lowest} to {10 * highest})",
        items={str(n): Item(minimum=lowest, maximum=highest) for n in range(1, 11)},
        minimum=10 * lowest,
        maximum=10 * highest,
        recall_days=28,
        licence=Licence.PERMISSION_REQUIRED,
        source=f"Kessler and colleagues 2002; this way of counting: {used_by}",
    )


K10_50: Final = _k10(lowest=1, highest=5, used_by="Kessler, Australian Bureau of Statistics")
K10_40: Final = _k10(lowest=0, highest=4, used_by="NHS England, MHSDS")
