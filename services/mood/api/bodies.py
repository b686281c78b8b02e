"""What the API document says of bodies that are read as bytes, and of answers that are written as bytes."""

from typing import Any, Final, Literal

from pydantic import AwareDatetime, BaseModel, Field

from services.mood.domain import CheckIn, CheckInLine, Correction, Questionnaire, QuestionnaireLine, Withdrawal
from shared.contracts.safety import Safety
from shared.runtime.http import WrongField


class Accepted(BaseModel):
    """An entry that was recorded, and what to tell the patient."""

    id: str = Field(description="The entry's id: the same for a retry with the same key and body.")
    kind: Literal["check_in", "questionnaire", "correction", "withdrawal"]
    recorded_at: AwareDatetime = Field(description="When it was accepted, UTC.")
    position: str = Field(description="Where it stands, as in the header Position.")
    safety: Safety


class LineProblem(BaseModel):
    """Why a line was refused."""

    code: str
    detail: str
    errors: list[WrongField]


class LineAccepted(BaseModel):
    """What became of a line."""

    line: int = Field(description="The line's number; the first is 1.")
    key: str | None = Field(description="The line's key, where it could be read.")
    status: Literal["accepted", "refused"]
    id: str | None = Field(default=None, description="The entry's id, where it was accepted.")
    problem: LineProblem | None = Field(default=None, description="Why not, where it was refused.")


class BatchAccepted(BaseModel):
    """What became of a batch."""

    accepted: int
    refused: int
    recorded_at: AwareDatetime = Field(description="When the accepted lines were accepted, UTC.")
    positions: list[str] = Field(description="The last position in each partition written to.")
    results: list[LineAccepted] = Field(description="One for each line that is not blank, in their order.")
    safety: Safety = Field(
        description="Prominent where any accepted line has a risk item above 0, or words of a crisis."
    )


CHECK_IN_EXAMPLE: Final[dict[str, Any]] = {
    "patient": "p-1042",
    "mood": 6.5,
    "energy": 5,
    "sleep": 7,
    "feelings": ["calm", "tired"],
    "note": "A walk in the morning helped.",
    "occurred_at": "2026-11-23T18:30:00+00:00",
    "origin": "live",
}
QUESTIONNAIRE_EXAMPLE: Final[dict[str, Any]] = {
    "patient": "p-1042",
    "instrument": "phq9",
    "items": {"1": 1, "2": 1, "3": 2, "4": 1, "5": 0, "6": 1, "7": 0, "8": 0, "9": 0},
    "occurred_at": "2026-11-23T18:30:00+00:00",
    "origin": "live",
}
WITHDRAWAL_EXAMPLE: Final[dict[str, Any]] = {
    "patient": "p-1042",
    "why": "It was meant for another day.",
    "occurred_at": "2026-11-23T19:00:00+00:00",
}
LINES_EXAMPLE: Final = (
    '{"key":"row-1","type":"check_in","patient":"p-1042","mood":4,"occurred_at":"2026-11-20T08:00:00+00:00",'
    '"origin":"import"}\n'
    '{"key":"row-2","type":"questionnaire","patient":"p-1042","instrument":"gad7","total":11,'
    '"occurred_at":"2026-11-20T08:05:00+00:00","origin":"import"}\n'
)


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """A model's JSON Schema, with what it refers to put in its place."""
    schema = model.model_json_schema()
    parts = schema.pop("$defs", {})

    def whole(node: Any) -> Any:
        if isinstance(node, dict):
            name = node.get("$ref", "")
            rest = {key: whole(value) for key, value in node.items() if key != "$ref"}
            return {**whole(parts[name.rsplit("/", 1)[1]]), **rest} if name else rest
        return [whole(one) for one in node] if isinstance(node, list) else node

    found: dict[str, Any] = whole(schema)
    return found


def _body(media_type: str, content: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {media_type: content}}}


CHECK_IN_BODY: Final = _body("application/json", {"schema": schema_of(CheckIn), "example": CHECK_IN_EXAMPLE})
CORRECTION_BODY: Final = _body("application/json", {"schema": schema_of(Correction), "example": CHECK_IN_EXAMPLE})
WITHDRAWAL_BODY: Final = _body("application/json", {"schema": schema_of(Withdrawal), "example": WITHDRAWAL_EXAMPLE})
QUESTIONNAIRE_BODY: Final = _body(
    "application/json", {"schema": schema_of(Questionnaire), "example": QUESTIONNAIRE_EXAMPLE}
)
LINES_BODY: Final = _body(
    "application/x-ndjson",
    {
        "schema": {"type": "string", "description": "One JSON object a line; see x-line-schema."},
        "example": LINES_EXAMPLE,
        "x-line-schema": {"oneOf": [schema_of(CheckInLine), schema_of(QuestionnaireLine)]},
    },
)
