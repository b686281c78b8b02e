"""`python -m services.watch`: watch for ever, with the settings of the environment."""

import asyncio

from services.watch import WatchSettings, watch
from shared.logs import set_up_logs

if __name__ == "__main__":
    set_up_logs(service="watch")
    asyncio.run(watch(WatchSettings()))
