"""`python -m deploy.native up | down | status`: the stack without Docker, from the command line."""

import argparse
import os
import sys
import time
from pathlib import Path

from .errors import StackError
from .stack import NativeStack


def main() -> int:
    """Do what the command line says; 1 with one sentence where that cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m deploy.native", description=__doc__)
    parser.add_argument("action", choices=["up", "down", "status"])
    parser.add_argument("--run-dir", type=Path, default=Path(".run/native"))
    parser.add_argument("--kafka-port", type=int, default=os.environ.get("KAFKA_PORT", "9092"))
    parser.add_argument("--mongo-port", type=int, default=os.environ.get("MONGO_PORT", "27017"))
    given = parser.parse_args()
    stack = NativeStack(given.run_dir, kafka_port=given.kafka_port, mongo_port=given.mongo_port, outlive=True)
    try:
        return {"up": _up, "down": _down, "status": _status}[given.action](stack)
    except StackError as problem:
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted; what was being started has been stopped.", file=sys.stderr)
        return 130


def _up(stack: NativeStack) -> int:
    started = time.monotonic()
    stack.start()
    took = time.monotonic() - started
    print(f"Kafka on {stack.bootstrap}, MongoDB stand-in on {stack.mongo_url} ({took:.1f} s)")
    return 0


def _down(stack: NativeStack) -> int:
    was_running = any(stack.running.values())
    stack.stop()
    print("Kafka and the MongoDB stand-in are stopped." if was_running else "The native stack was not running.")
    return 0


def _status(stack: NativeStack) -> int:
    for name, pid in stack.running.items():
        print(f"{name}: {f'running, process {pid}' if pid else 'not running'}")
    return 0 if all(stack.running.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
