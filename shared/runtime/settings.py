"""What every service is told from outside: environment variables with the prefix RAPPORT_."""

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class CommonSettings(BaseSettings):
    """Settings all services share. Each service adds its own in `settings.py`."""

    model_config = SettingsConfigDict(env_prefix="RAPPORT_", extra="ignore", frozen=True)

    env: Literal["development", "production"] = Field(
        default="production", description="development unlocks the demo issuer."
    )
    kafka: str = Field(default="127.0.0.1:9092", description="Bootstrap servers, comma separated.")
    mongo: str = Field(default="mongodb://127.0.0.1:27017", description="MongoDB URL.")
    mongo_driver: Literal["motor", "pymongo"] = "motor"
    database_prefix: str = Field(default="rapport", description="Databases are named <prefix>_<service>.")
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    jwt_keys: str = Field(default="", description="A JWKS document, or the path of a file that holds one.")
    jwt_issuer: str = "https://rapport.example/development"
    jwt_audience: str = "rapport"
    log_level: str = "INFO"

    def jwks(self) -> dict[str, Any]:
        """The public keys tokens are checked with. Raises RuntimeError that says what to set."""
        if not self.jwt_keys:
            raise RuntimeError("Set RAPPORT_JWT_KEYS to a JWKS document or the path of a file that holds one.")
        text = self.jwt_keys if self.jwt_keys.lstrip().startswith("{") else Path(self.jwt_keys).read_text()
        keys: dict[str, Any] = json.loads(text)
        return keys
