"""What a clinic's own closed episodes led to: the expected treatment response, a part of its settings."""

from itertools import pairwise
from typing import Annotated, Self

from pydantic import AwareDatetime, Field, model_validator

from shared.contracts.base import Id, Number, Part

Finite = Annotated[float, Field(allow_inf_nan=False)]


class ExpectedStratum(Part):
    """Patients of one band of first scores: the score expected at session s is `b0 + b1 * ln(s)`."""

    first_from: Number = Field(description="Least first score of the band, inclusive.")
    first_to: Number = Field(description="Greatest first score of the band, inclusive.")
    episodes: int = Field(ge=1, description="How many closed episodes it was fitted on.")
    b0: Finite
    b1: Finite
    sd: list[Annotated[Finite, Field(gt=0)]] = Field(
        min_length=1,
        max_length=200,
        description="Standard deviation of scores about the expected one at session 1, 2, ...; the last one counts on.",
    )


class ExpectedResponse(Part):
    """A fitted model. It is the clinic's own: made with the console's `fit` from the episodes it exported."""

    version: Id = Field(description="Named by its own content; it stands in every concern raised by it.")
    fitted_at: AwareDatetime
    measures: dict[Id, Annotated[list[ExpectedStratum], Field(min_length=1, max_length=40)]] = Field(
        min_length=1, max_length=20, description="By measure, bands in ascending order that do not overlap."
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        for strata in self.measures.values():
            edges = [edge for stratum in strata for edge in (stratum.first_from, stratum.first_to)]
            if edges != sorted(edges) or any(there.first_from <= here.first_to for here, there in pairwise(strata)):
                raise ValueError("send the bands of first scores in ascending order, none overlapping another")
        return self
