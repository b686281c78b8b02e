"""The one error of the native stack."""


class StackError(Exception):
    """The stack cannot do what was asked; the message is one sentence that says what to do."""
