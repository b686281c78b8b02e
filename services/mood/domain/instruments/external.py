"""Measures that are given and scored under somebody else's licence: we keep their name and number, and show nothing.

ORS and SRS may be used electronically through licensed vendors only; the WAI-SR needs permission. Their cut-offs are
unset: a clinic whose licence comes with one sets it. A number may have decimals.
"""

from typing import Final

from services.mood.domain.instruments.declaration import Instrument, Licence

ORS: Final = Instrument(
    name="ors",
    measure="ors",
    title="ORS",
    minimum=0,
    maximum=40,
    recall_days=7,
    whole=False,
    higher_is_worse=False,
    licence=Licence.VENDOR_ONLY,
    source="© 2000 Miller and Duncan",
    external=True,
)
SRS: Final = Instrument(
    name="srs",
    measure="srs",
    title="SRS",
    minimum=0,
    maximum=40,
    whole=False,
    higher_is_worse=False,
    licence=Licence.VENDOR_ONLY,
    source="© 2002 Miller, Duncan and Johnson",
    external=True,
)
WAI_SR: Final = Instrument(
    name="wai-sr",
    measure="wai",
    title="WAI-SR (mean)",
    minimum=1,
    maximum=5,
    whole=False,
    higher_is_worse=False,
    licence=Licence.PERMISSION_REQUIRED,
    source="© Horvath; the mean of its twelve answers of 1 to 5",
    external=True,
)
