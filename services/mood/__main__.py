"""`python -m services.mood`: this service alone, told by the environment (RAPPORT_...)."""

from services.mood.app import create_app
from services.mood.settings import Settings
from shared.runtime import run_service

if __name__ == "__main__":
    run_service("mood", create_app, Settings())
