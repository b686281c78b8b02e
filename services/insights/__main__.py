"""`python -m services.insights`: this service alone, told by the environment (RAPPORT_... and INSIGHTS_...)."""

from services.insights.app import create_app
from services.insights.settings import Settings
from shared.runtime import run_service

if __name__ == "__main__":
    settings = Settings()
    run_service("insights", create_app, settings, held=4 * settings.batch_records)
