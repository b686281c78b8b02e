"""How a backtest says no: everything that is wrong, where, and what to write instead; then nothing is written."""

from collections.abc import Sequence
from typing import Final

MOST_LISTED: Final = 20


class Refused(Exception):  # noqa: N818  what was given is refused; nothing went wrong
    """What is wrong with a file, a sentence for each (at most MOST_LISTED, then how many more there are)."""

    def __init__(self, problems: Sequence[str]) -> None:
        more = len(problems) - MOST_LISTED
        self.problems = [*problems[:MOST_LISTED], *([f"and {more:,} more like these"] if more > 0 else [])]
        super().__init__("\n".join(self.problems))
