"""The ids of some entries, 16 bytes each, to find an entry again or to settle a tie by the text of its id."""

from binascii import unhexlify
from hashlib import blake2b


class PackedIds:
    """Ids by row: a canonical UUID as its 16 bytes, anything else as a digest beside its text."""

    __slots__ = ("_odd", "_packed")

    def __init__(self) -> None:
        self._packed = bytearray()
        self._odd: dict[bytes, str] | None = None

    def insert(self, row: int, fact_id: str) -> None:
        """Put an id before the row of that number."""
        packed = _canonical(fact_id)
        if packed is None:
            packed = _digest(fact_id)
            if self._odd is None:
                self._odd = {}
            self._odd[packed] = fact_id
        self._packed[row * 16 : row * 16] = packed

    def remove(self, row: int) -> None:
        """Take a row out; those after it move up."""
        del self._packed[row * 16 : row * 16 + 16]

    def text(self, row: int) -> str:
        """The id of a row."""
        packed = bytes(self._packed[row * 16 : row * 16 + 16])
        if self._odd is not None and packed in self._odd:
            return self._odd[packed]
        text = packed.hex()
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def find(self, fact_id: str) -> int:
        """The row of an id, or -1. Sought from the last row on: it costs the rows behind it, not those before."""
        packed = _canonical(fact_id) or _digest(fact_id)
        place = self._packed.rfind(packed)
        while place % 16 and place >= 0:
            place = self._packed.rfind(packed, 0, place + 15)
        return place // 16


def _canonical(fact_id: str) -> bytes | None:
    if len(fact_id) != 36 or fact_id[8:24:5] != "----" or fact_id.lower() != fact_id:
        return None
    try:
        packed = unhexlify(fact_id.replace("-", ""))
    except ValueError:
        return None
    return packed if len(packed) == 16 else None


def _digest(fact_id: str) -> bytes:
    return blake2b(fact_id.encode(), digest_size=16).digest()
