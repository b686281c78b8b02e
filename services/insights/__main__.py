"""`python -m services.insights`: this service alone, told by the environment (RAPPORT_... and INSIGHTS_...)."""

import gc

import uvicorn

from services.insights.app import create_app
from services.insights.settings import Settings
from shared.logs import set_up_logs

if __name__ == "__main__":
    # a batch makes some 100,000 objects that live as long as it does: looked at once, not after every 700 of them
    # (measured: reading a record costs 4 instead of 15 microseconds)
    gc.set_threshold(50_000, 20, 50)
    settings = Settings()
    set_up_logs(service="insights", level=settings.log_level)
    uvicorn.run(create_app(settings), host=settings.host, port=settings.port, log_config=None, access_log=False)
