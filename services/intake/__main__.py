"""`python -m services.intake`: this service alone, told by the environment (RAPPORT_...)."""

from services.intake.app import create_app
from services.intake.settings import Settings
from shared.runtime import run_service

if __name__ == "__main__":
    run_service("intake", create_app, Settings())
