"""The stack without Docker: the real Kafka broker and a MongoDB-compatible server, on 127.0.0.1 only.

>>> with NativeStack(Path(".run/try")) as stack:
...     stack.bootstrap, stack.mongo_url
"""

from .errors import StackError
from .stack import NativeStack

__all__ = ["NativeStack", "StackError"]
