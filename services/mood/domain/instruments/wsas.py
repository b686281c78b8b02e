"""WSAS: how much work, home, leisure and relationships suffer now.

One unanswered item, or work where it does not apply, is replaced by the mean of the others (NHS Data Dictionary), out
of 40. Others score those who do not work on four items, out of 32: that is another instrument, never in one line with
it. Its bands, cut-off and reliable change are not confirmed in our reference.
"""

from typing import Final

from services.mood.domain.instruments.declaration import Instrument, Item, Licence, Prorating

_ITEM: Final = Item(minimum=0, maximum=8)

WSAS_40: Final = Instrument(
    name="wsas-40",
    measure="wsas",
    title="WSAS (0 to 40)",
    items={str(n): _ITEM for n in range(1, 6)},
    minimum=0,
    maximum=40,
    prorating=Prorating(1, "NHS Data Dictionary: one item missing, or work not applicable"),
    licence=Licence.PERMISSION_REQUIRED,
    source="Mundt, Marks, Shear and Greist 2002; © Isaac Marks",
)
WSAS_32: Final = Instrument(
    name="wsas-32",
    measure="wsas",
    title="WSAS without work (0 to 32)",
    items={str(n): _ITEM for n in range(2, 6)},
    minimum=0,
    maximum=32,
    licence=Licence.PERMISSION_REQUIRED,
    source="Mundt, Marks, Shear and Greist 2002; © Isaac Marks; without item 1, as CamCOPS does for the retired",
)
