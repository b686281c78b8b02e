"""What mood is told from outside: RAPPORT_* as all services; it has none of its own."""

from shared.runtime import CommonSettings


class Settings(CommonSettings):
    """The common settings."""
