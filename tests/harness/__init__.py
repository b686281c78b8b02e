"""The harness for everything that is sent: real hand-overs to stand-ins, a clock that is moved, and no surprises.

Made after GoAlert's smoke tests: a test says which message it expects by when; one it did not expect fails it.
"""

from tests.harness.scene import DUTY, MOBILE, PRIYA, Scene

__all__ = ["DUTY", "MOBILE", "PRIYA", "Scene"]
