"""Files the console writes: refused before any work is done for them, and written whole or not at all."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from services.backtest.refusals import Refused


def refuse_output(output: Path, inputs: Sequence[Path]) -> None:
    """Refuse what cannot be written to before any work is done for it."""
    if not output.parent.is_dir():
        raise Refused([f"{output.parent} is no folder: make it first, or name another for the output"])
    if output.exists() and not output.is_file():
        raise Refused([f"{output} is no file: name one for the output"])
    if output.exists() and any(given.exists() and output.samefile(given) for given in inputs):
        raise Refused([f"{output} is read: give the output a name of its own"])


@contextmanager
def written_whole(output: Path) -> Iterator[IO[str]]:
    """Under another name first, so that nobody ever finds half a file; for its owner alone, as it tells of people."""
    part: Path | None = None
    try:
        with tempfile.NamedTemporaryFile(
            "w", dir=output.parent, prefix=f".{output.name}.", delete=False, encoding="utf-8", newline=""
        ) as text:
            part = Path(text.name)
            yield cast("IO[str]", text)
            text.flush()
            os.fsync(text.fileno())
        part.replace(output)
    except OSError as error:
        raise Refused([f"{output} cannot be written: {error.strerror}"]) from None
    finally:
        if part is not None:
            part.unlink(missing_ok=True)
