"""`python -m services.watch`: watch for ever, with the settings of the environment. `--once`: one round, and what was
wrong in it."""

import argparse
import asyncio
import sys

from services.watch import watch

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m services.watch", description="Watch the platform from outside.")
    parser.add_argument("--once", action="store_true", help="one round: 0 where all was well, or 1 and what was not")
    sys.exit("\n".join(asyncio.run(watch(once=parser.parse_args().once))) or 0)
