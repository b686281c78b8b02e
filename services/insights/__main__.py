"""`python -m services.insights`: this service alone, told by the environment (RAPPORT_... and INSIGHTS_...)."""

import uvicorn

from services.insights.app import create_app
from services.insights.settings import Settings
from shared.logs import set_up_logs

if __name__ == "__main__":
    settings = Settings()
    set_up_logs(service="insights", level=settings.log_level)
    uvicorn.run(create_app(settings), host=settings.host, port=settings.port, log_config=None, access_log=False)
