"""What mood is told from outside: RAPPORT_* as all services, MOOD_* its own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_settings import SettingsConfigDict

from services.mood.domain import Wording, read_codes, read_pack
from shared.runtime import CommonSettings


class Settings(CommonSettings):
    """The common settings, and what cannot be part of Rapport: wordings and codes that a deployment is licensed for."""

    model_config = SettingsConfigDict(env_prefix="RAPPORT_", extra="ignore", frozen=True, populate_by_name=True)

    wording_packs: Path | None = Field(
        default=None,
        validation_alias="MOOD_WORDING_PACKS",
        description="A folder of wordings held under a licence of your own, `<instrument>.json` each; none by default.",
    )

    snomed_codes: Annotated[dict[str, str], AfterValidator(read_codes)] = Field(
        default_factory=dict,
        validation_alias="MOOD_SNOMED_CODES",
        description="The SNOMED CT concept of each instrument's score under a licence of your own, as JSON by "
        "instrument; none by default.",
    )

    def wordings(self) -> Mapping[str, Wording]:
        """The installed wordings, by instrument. Raises ValueError that says what to correct, OSError for no folder."""
        if self.wording_packs is None:
            return {}
        packs = sorted(path for path in self.wording_packs.iterdir() if path.suffix == ".json")
        return {path.stem: read_pack(path.stem, path.read_bytes()) for path in packs}
