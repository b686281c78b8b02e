"""`python -m services.intake`: this service alone, told by the environment (RAPPORT_...)."""

import gc

import uvicorn

from services.intake.app import create_app
from services.intake.settings import Settings
from shared.logs import set_up_logs

if __name__ == "__main__":
    # requests and batches make many objects that soon go by themselves: look at them seldom, at what stays never
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    settings = Settings()
    set_up_logs(service="intake", level=settings.log_level)
    uvicorn.run(create_app(settings), host=settings.host, port=settings.port, log_config=None, access_log=False)
