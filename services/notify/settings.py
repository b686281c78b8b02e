"""What notify is told from outside: RAPPORT_* as all services, NOTIFY_* its own."""

import json
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from shared.gsm7 import septets
from shared.runtime import CommonSettings

AppriseKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Port = Annotated[int, Field(ge=1, le=65535)]
LONGEST_PUBLIC_URL = 50
"""A link must leave room for words in an SMS of 160."""
LONGEST_PATIENT_URL = 52
"""With a token of 30 a link has 82 (shared/contracts/wording.py)."""


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
    twilio_weight: int = Field(default=100, ge=1, le=100, validation_alias="NOTIFY_TWILIO_WEIGHT")
    twilio_callbacks: bool = Field(default=False, validation_alias="NOTIFY_TWILIO_CALLBACKS")
    govuk_url: str = Field(default="https://api.notifications.service.gov.uk", validation_alias="NOTIFY_GOVUK_URL")
    govuk_api_key: str = Field(default="", validation_alias="NOTIFY_GOVUK_API_KEY", repr=False)
    govuk_template: str = Field(default="", validation_alias="NOTIFY_GOVUK_TEMPLATE")
    govuk_weight: int = Field(default=100, ge=1, le=100, validation_alias="NOTIFY_GOVUK_WEIGHT")
    govuk_callback_token: str = Field(default="", validation_alias="NOTIFY_GOVUK_CALLBACK_TOKEN", repr=False)
    smtp_weight: int = Field(default=100, ge=1, le=100, validation_alias="NOTIFY_SMTP_WEIGHT")
    smtp2_host: str = Field(default="", validation_alias="NOTIFY_SMTP2_HOST", description="A second mail relay.")
    smtp2_port: int = Field(default=25, ge=1, le=65535, validation_alias="NOTIFY_SMTP2_PORT")
    smtp2_tls: Literal["none", "starttls", "tls"] = Field(default="starttls", validation_alias="NOTIFY_SMTP2_TLS")
    smtp2_username: str = Field(default="", validation_alias="NOTIFY_SMTP2_USERNAME")
    smtp2_password: str = Field(default="", validation_alias="NOTIFY_SMTP2_PASSWORD", repr=False)
    smtp2_weight: int = Field(default=100, ge=1, le=100, validation_alias="NOTIFY_SMTP2_WEIGHT")
    email_receipts_secret: str = Field(
        default="",
        pattern=r"^(whsec_[A-Za-z0-9+/]{32,}={0,2})?$",
        validation_alias="NOTIFY_EMAIL_RECEIPTS_SECRET",
        repr=False,
        description="What a mail relay signs bounces with: whsec_ and at least 24 bytes in base64.",
    )
    receipt_minutes: float = Field(
        default=10,
        gt=0,
        le=24 * 60,
        validation_alias="NOTIFY_RECEIPT_MINUTES",
        description="After so many minutes without a receipt an urgent message is no longer relied on alone.",
    )
    apprise_url: str = Field(default="", validation_alias="NOTIFY_APPRISE_URL", description="An Apprise API.")
    apprise_keys: Annotated[dict[str, AppriseKey], NoDecode] = Field(
        default_factory=dict, validation_alias="NOTIFY_APPRISE_KEYS", description="By clinic: its key there, as JSON."
    )
    webhooks_inside: bool = Field(
        default=False,
        validation_alias="NOTIFY_WEBHOOKS_INSIDE",
        description="Whether webhooks may lead to plain HTTP, any port and private networks; development only.",
    )
    webhooks_ports: Annotated[frozenset[Port], NoDecode] = Field(
        default=frozenset({443}),
        min_length=1,
        validation_alias="NOTIFY_WEBHOOKS_PORTS",
        description="The ports that webhooks may lead to, e.g. 443,8443.",
    )
    public_url: str = Field(
        default="http://127.0.0.1:8080",
        validation_alias="NOTIFY_PUBLIC_URL",
        description="Where clinicians' links lead: the gateway's public origin, at most 50 characters.",
    )
    link_days: int = Field(
        default=7, ge=1, le=60, validation_alias="NOTIFY_LINK_DAYS", description="How long a message's link works."
    )
    link_secret: str = Field(default="", validation_alias="NOTIFY_LINK_SECRET", repr=False)
    patient_url: str = Field(
        default="",
        pattern=r"^(https?://[^\s{}]+\{token\}[^\s{}]*)?$",
        validation_alias="NOTIFY_PATIENT_URL",
        description="Where links in messages to patients lead, e.g. https://app.example/c/{token}; at most 52 "
        "characters beside {token}. Empty: there are no links.",
    )
    patient_link_secret: str = Field(
        default="",
        validation_alias="NOTIFY_PATIENT_LINK_SECRET",
        repr=False,
        description="What patients' links are sealed with; the patient app has it too. Not NOTIFY_LINK_SECRET.",
    )
    patient_mail_from: str = Field(
        default="",
        validation_alias="NOTIFY_PATIENT_MAIL_FROM",
        description="The neutral address that patients are written to from; empty: NOTIFY_MAIL_FROM.",
    )
    twilio_names: bool = Field(
        default=False,
        validation_alias="NOTIFY_TWILIO_NAMES",
        description="Whether the account may send SMS under a name that the patient chose, where the country allows.",
    )

    @field_validator("public_url")
    @classmethod
    def _short(cls, url: str) -> str:
        if len(url) > LONGEST_PUBLIC_URL:
            raise ValueError(f"NOTIFY_PUBLIC_URL must have at most {LONGEST_PUBLIC_URL} characters, to fit into an SMS")
        return url.rstrip("/")

    @field_validator("webhooks_ports", mode="before")
    @classmethod
    def _by_commas(cls, ports: Any) -> Any:
        """An empty variable, as compose passes on what is not set, is the usual one."""
        return [one.strip() for one in ports.split(",")] if isinstance(ports, str) and ports.strip() else ports or {443}

    @field_validator("apprise_keys", mode="before")
    @classmethod
    def _json_or_nothing(cls, keys: Any) -> Any:
        """An empty variable, as compose passes on what is not set, is none."""
        return (json.loads(keys) if keys.strip() else {}) if isinstance(keys, str) else keys

    @field_validator("patient_url")
    @classmethod
    def _room_for_words(cls, url: str) -> str:
        own = septets(url.replace("{token}", ""))
        if own is None or own > LONGEST_PATIENT_URL:
            raise ValueError(f"send at most {LONGEST_PATIENT_URL} characters beside {{token}}: SMS have 160")
        return url

    def patient_link_key(self) -> str:
        """The secret of patients' links; empty where there are none. Raises RuntimeError that says what to set."""
        if not self.patient_url:
            return ""
        if len(self.patient_link_secret) < 16 or self.patient_link_secret == self.link_secret:
            raise RuntimeError(
                "Set NOTIFY_PATIENT_LINK_SECRET to at least 16 random characters, others than NOTIFY_LINK_SECRET: "
                "links in messages to patients are sealed with it, and the patient app checks them by it."
            )
        return self.patient_link_secret

    def link_key(self) -> str:
        """The secret that links are made with. Raises RuntimeError that says what to set."""
        if len(self.link_secret) >= 16 or (self.link_secret and self.env == "development"):
            return self.link_secret
        raise RuntimeError("Set NOTIFY_LINK_SECRET to at least 16 random characters: links to alerts are made with it.")
