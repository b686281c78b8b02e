"""What insights is told from outside: RAPPORT_* as all services, INSIGHTS_* its own."""

from pydantic import AwareDatetime, Field
from pydantic_settings import SettingsConfigDict

from shared.runtime import CommonSettings


class Settings(CommonSettings):
    """The common settings, and how much is kept in memory."""

    model_config = SettingsConfigDict(env_prefix="RAPPORT_", extra="ignore", frozen=True, populate_by_name=True)

    epoch: int = Field(
        default=0,
        ge=0,
        validation_alias="INSIGHTS_EPOCH",
        description="Count it up when the topics were restored from a backup: what was said before is then outdone.",
    )
    new_rules_from: AwareDatetime | None = Field(
        default=None,
        validation_alias="INSIGHTS_NEW_RULES_FROM",
        description="When this deployment took its present catalogue: rules that came to the catalogue later than the "
        "first ones tell nothing from before it (docs/rules.md). Without it, from the day they were introduced.",
    )
    cached_patients: int = Field(
        default=50_000,
        ge=1,
        validation_alias="INSIGHTS_CACHED_PATIENTS",
        description="Patients whose state is kept in memory (about 330 MB per 10,000 with 200 entries each).",
    )
    batch_records: int = Field(
        default=5_000,
        ge=1,
        validation_alias="INSIGHTS_BATCH_RECORDS",
        description="The most records handled at once, of one partition.",
    )
