"""WHO-5: five statements of well-being over the last two weeks; higher is better.

The raw sum (0 to 25) is multiplied by 4. Some call it public domain, the WHO licensed it as CC BY-NC-SA in 2024: we
treat it as the stricter, so its wording is a pack of its own.
"""

from typing import Final

from services.mood.domain.instruments.declaration import Cut, Instrument, Item, Licence

WHO5: Final = Instrument(
    name="who5",
    measure="who5",
    title="WHO-5",
    items={str(n): Item(minimum=0, maximum=5) for n in range(1, 6)},
    times=4,
    minimum=0,
    maximum=100,
    recall_days=14,
    higher_is_worse=False,
    caseness=Cut(50, "screening cut-off: 50 or below (raw below 13)"),
    reliable_change=Cut(10, "10 points on 0 to 100"),
    licence=Licence.CC_BY_NC_SA,
    source="World Health Organization 1998, five well-being index",
)
