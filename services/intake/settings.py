"""What intake is told from outside: RAPPORT_* as all services, INTAKE_* its own."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.runtime import CommonSettings


class Settings(CommonSettings):
    """The common settings, and how often intake looks after its documents."""

    model_config = SettingsConfigDict(
        env_prefix="RAPPORT_", extra="ignore", frozen=True, populate_by_name=True, hide_input_in_errors=True
    )

    sweep_seconds: float = Field(
        default=5,
        gt=0,
        validation_alias="INTAKE_SWEEP_SECONDS",
        description="How often what a crash or a broker failure left unpublished is looked for.",
    )
