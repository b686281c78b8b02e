"""`python -m services.notify`: this service alone, told by the environment (RAPPORT_... and NOTIFY_...)."""

from services.notify.app import create_app
from services.notify.settings import Settings
from shared.runtime import run_service

if __name__ == "__main__":
    run_service("notify", create_app, Settings())
