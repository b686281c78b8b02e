"""The platform, for these tests."""

from tests.e2e.fixtures import clinic, mail, platform, stack, twilio

__all__ = ["clinic", "mail", "platform", "stack", "twilio"]
