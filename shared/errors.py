"""What can go wrong, named by what the one who meets it must do.

Problem            the person who asked must change something; becomes an RFC 9457 answer
Recoverable        nobody must do anything: wait, keep the order, try again
StillReading       the same, in a service that has just started: it says so in words of its own
Unparsable         the record can never be read; it goes to the dead letters
NewerMajor         the record was written by a newer Rapport; the partition waits for a newer reader
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class FieldError:
    """One thing wrong with one field: `pointer` is a JSON pointer into the body, `message` says what to send."""

    pointer: str
    message: str


@dataclass
class Problem(Exception):  # noqa: N818  RFC 9457 calls it a problem
    """A refusal that tells the person what to do next (RFC 9457). `detail` never repeats patient data."""

    status: int
    code: str
    title: str
    detail: str
    errors: list[FieldError] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)


def not_found(what: str) -> Problem:
    """The answer for what does not exist *for this clinic*; another clinic's id looks just the same."""
    return Problem(404, "not_found", f"No such {what}", f"There is no {what} with this id in your clinic.")


def invalid(*errors: FieldError) -> Problem:
    """422: what was sent cannot be right, field by field."""
    return Problem(
        422,
        "invalid",
        "Something you sent cannot be right",
        "Nothing was recorded. Correct the fields named in `errors` and send it again.",
        errors=list(errors),
    )


class Recoverable(Exception):  # noqa: N818  named for what it asks of the caller
    """The world is not ready (broker, store, provider): back off, pause, keep the order, never skip."""


class StillReading(Recoverable):
    """A service that has just started reads its own topics first; nothing was changed, and soon it will answer."""


class Unparsable(Exception):  # noqa: N818
    """The record breaks its contract. The message names fields and rules, never values."""


class NewerMajor(Exception):  # noqa: N818
    """The record's type has a newer major version than this reader knows."""
