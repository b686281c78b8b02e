"""What notify is told from outside: RAPPORT_* as all services, NOTIFY_* its own."""

from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from shared.runtime import CommonSettings

LONGEST_PUBLIC_URL = 50
"""A link must leave room for words in an SMS of 160."""


class Settings(CommonSettings):
    """The common settings, and where messages go."""

    model_config = SettingsConfigDict(
        env_prefix="RAPPORT_", extra="ignore", frozen=True, populate_by_name=True, hide_input_in_errors=True
    )

    smtp_host: str = Field(default="127.0.0.1", validation_alias="NOTIFY_SMTP_HOST")
    smtp_port: int = Field(default=25, ge=1, le=65535, validation_alias="NOTIFY_SMTP_PORT")
    smtp_tls: Literal["none", "starttls", "tls"] = Field(default="starttls", validation_alias="NOTIFY_SMTP_TLS")
    smtp_username: str = Field(default="", validation_alias="NOTIFY_SMTP_USERNAME")
    smtp_password: str = Field(default="", validation_alias="NOTIFY_SMTP_PASSWORD", repr=False)
    mail_from: str = Field(default="rapport@localhost", validation_alias="NOTIFY_MAIL_FROM")
    twilio_url: str = Field(default="https://api.twilio.com", validation_alias="NOTIFY_TWILIO_URL")
    twilio_account: str = Field(default="", validation_alias="NOTIFY_TWILIO_ACCOUNT")
    twilio_token: str = Field(default="", validation_alias="NOTIFY_TWILIO_TOKEN", repr=False)
    twilio_from: str = Field(default="", validation_alias="NOTIFY_TWILIO_FROM")
    public_url: str = Field(
        default="http://127.0.0.1:8080",
        validation_alias="NOTIFY_PUBLIC_URL",
        description="Where clinicians' links lead: the gateway's public origin, at most 50 characters.",
    )
    link_days: int = Field(
        default=7, ge=1, le=60, validation_alias="NOTIFY_LINK_DAYS", description="How long a message's link works."
    )
    link_secret: str = Field(default="", validation_alias="NOTIFY_LINK_SECRET", repr=False)

    @field_validator("public_url")
    @classmethod
    def _short(cls, url: str) -> str:
        if len(url) > LONGEST_PUBLIC_URL:
            raise ValueError(f"NOTIFY_PUBLIC_URL must have at most {LONGEST_PUBLIC_URL} characters, to fit into an SMS")
        return url.rstrip("/")

    def link_key(self) -> str:
        """The secret that links are made with. Raises RuntimeError that says what to set."""
        if len(self.link_secret) >= 16 or (self.link_secret and self.env == "development"):
            return self.link_secret
        raise RuntimeError("Set NOTIFY_LINK_SECRET to at least 16 random characters: links to alerts are made with it.")
