"""PHQ-4: two problems of anxiety and two of depression over the last two weeks.

Its bands and the cut-offs of its halves are not confirmed in our reference. Its wording is free, but it is published
with its last two items in either order, so we ship none rather than one that may not be the clinic's.
"""

from typing import Final

from services.mood.domain.instruments.declaration import Instrument, Item, Licence

PHQ4: Final = Instrument(
    name="phq4",
    measure="phq4",
    title="PHQ-4",
    items={str(n): Item(minimum=0, maximum=3) for n in range(1, 5)},
    minimum=0,
    maximum=12,
    recall_days=14,
    licence=Licence.NO_PERMISSION_REQUIRED,
    source="Kroenke, Spitzer, Williams and Löwe 2009",
    loinc_panel="69724-3",
)
