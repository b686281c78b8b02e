"""`python -m services.watch`: watch for ever, with the settings of the environment."""

import asyncio

from services.watch import watch

if __name__ == "__main__":
    asyncio.run(watch())
