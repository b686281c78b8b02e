"""What the watch is told from outside: WATCH_*."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class WatchSettings(BaseSettings):
    """Where the platform is, and by which ways of its own the watch speaks when something is wrong."""

    model_config = SettingsConfigDict(env_prefix="WATCH_", extra="ignore", frozen=True, hide_input_in_errors=True)

    gateway: str = Field(default="http://127.0.0.1:8080", description="The gateway's origin.")
    token: str = Field(default="", repr=False, description="A token of a clinic that is for this alone, all scopes.")
    token_file: str = Field(
        default="",
        description="A file that holds the token, read anew for each round: tokens expire. It goes before WATCH_TOKEN.",
    )
    services: str = Field(
        default="http://127.0.0.1:8080",
        description="Origins of the services, by commas, for /readyz and /metrics.",
    )
    sink: str = Field(
        default="watch@rapport.example", description="An address that takes e-mail and does nothing with it."
    )
    every_seconds: int = Field(default=300, ge=5, le=3600, description="From one round to the next.")
    within_seconds: int = Field(default=60, ge=1, le=600, description="How long an alert may take, end to end.")
    alarm_after_seconds: int = Field(
        default=900, ge=10, le=86_400, description="Without a good round for so long, an operator is told."
    )
    alarm_after_rounds: int = Field(
        default=3, ge=1, le=100, description="After so many rounds in a row with the same trouble, an operator is told."
    )
    port: int = Field(default=8005, ge=0, le=65_535, description="Where /metrics is served; 0: nowhere.")
    heartbeat_url: str = Field(
        default="", repr=False, description="Asked for (GET) after each round in which all was well."
    )
    alarm_url: str = Field(default="", repr=False, description="Sent a JSON note (POST) when something is wrong.")
    alarm_mail_to: str = ""
    alarm_mail_from: str = "watch@rapport.example"
    alarm_smtp_host: str = Field(default="", description="A mail server that is not the platform's.")
    alarm_smtp_port: int = 25
    alarm_smtp_tls: Literal["none", "starttls", "tls"] = "starttls"
    alarm_smtp_username: str = ""
    alarm_smtp_password: str = Field(default="", repr=False)

    def present_token(self) -> str:
        """The token as it is now: of the file where one is named. Raises OSError where that cannot be read, ValueError
        where it is empty or is no text."""
        if not self.token_file:
            return self.token
        token = Path(self.token_file).read_text(encoding="ascii").strip()
        if not token or not token.isprintable():
            raise ValueError("WATCH_TOKEN_FILE must name a file that holds one token")
        return token
