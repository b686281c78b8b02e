"""Facts about coping strategies, short enough to read in a test."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from services.mood.domain import Recorded
from shared.contracts import (
    Assessment,
    CheckInCorrected,
    CheckInRecorded,
    EntryWithdrawn,
    Fact,
    QuestionAsked,
    QuestionnaireCompleted,
    StrategiesAllowed,
    StrategiesPinned,
    StrategySuggested,
    StrategyTried,
)
from shared.contracts.assessments import Concern, Telling
from shared.contracts.base import Origin, Urgency
from shared.contracts.moods import RiskAnswer
from tests.unit.mood.made import CLINIC, NOW


def recorded(model: type[Fact], name: str, hours: float, /, **fields: Any) -> Recorded:
    """A fact of p-1, so many hours before NOW."""
    at = NOW - timedelta(hours=hours)
    common = {"clinic": CLINIC, "patient": "p-1", "occurred_at": at, "local_day": at.date(), "origin": Origin.LIVE}
    return Recorded(name or f"{model.__name__}-{hours}", at, model(**(common | fields)))


def tried(strategy: str, before: int | None, after: int | None, *, hours: float = 1, name: str = "") -> Recorded:
    """A strategy, tried."""
    return recorded(StrategyTried, name, hours, strategy=strategy, before=before, after=after)


def rated(strategy: str, *ratings: tuple[int, int]) -> list[Recorded]:
    """A strategy, tried and rated so often."""
    return [tried(strategy, *rating, hours=n + 1, name=f"{strategy}-{n}") for n, rating in enumerate(ratings)]


def pinned(strategies: Sequence[str], *, hours: float = 1, name: str = "") -> Recorded:
    """Strategies, pinned."""
    return recorded(StrategiesPinned, name, hours, strategies=list(strategies))


def allowed(strategies: Sequence[str] | None, *, hours: float = 1, name: str = "") -> Recorded:
    """Strategies, listed by a clinician."""
    listed = None if strategies is None else list(strategies)
    return recorded(StrategiesAllowed, name, hours, strategies=listed, by="c-7")


def suggested(strategies: Sequence[str], *, hours: float = 1, name: str = "") -> Recorded:
    """Strategies, suggested."""
    return recorded(StrategySuggested, name, hours, strategies=list(strategies), seed=1, model="thompson.v1")


def check_in(*, hours: float = 1, mood: float = 5, **fields: Any) -> Recorded:
    """A check-in."""
    return recorded(CheckInRecorded, f"c-{hours}", hours, mood=mood, **fields)


def correction(*, hours: float = 1, mood: float = 5, **fields: Any) -> Recorded:
    """A correction of a check-in of long ago."""
    return recorded(CheckInCorrected, f"x-{hours}", hours, entry="c-9999", mood=mood, **fields)


def question(*, hours: float = 1, **fields: Any) -> Recorded:
    """A question to the care team."""
    return recorded(QuestionAsked, f"a-{hours}", hours, question=f"a-{hours}", text="...", **fields)


def withdrawal(*, hours: float = 1, **fields: Any) -> Recorded:
    """A withdrawal of a check-in of long ago."""
    return recorded(EntryWithdrawn, f"w-{hours}", hours, entry="c-9999", why="...", **fields)


def risk(value: int, *, hours: float = 1, recall: int = 14) -> Recorded:
    """A questionnaire with a risk item."""
    answer = RiskAnswer(item="9", value=value, recall_days=recall, urgent_from=2)
    return recorded(QuestionnaireCompleted, f"q-{hours}", hours, instrument="phq9", score=None, risk_answers=[answer])


def concern(rule: str = "risk_item", *, holds: bool = True, telling: bool = False) -> Concern:
    """A concern, in short."""
    told = Telling(id="e-1", at=NOW, origin=Origin.LIVE, urgency=Urgency.AT_ONCE, said="said")
    return Concern(
        rule=rule,
        holds=holds,
        since=NOW if holds else None,
        reason="r",
        until="u",
        source="s",
        parameters={},
        numbers={},
        telling=[told] if telling else [],
    )


def assessment(*concerns: Concern, patient: str = "p-1", **fields: Any) -> Assessment:
    """Insights' word on a patient."""
    return Assessment(
        **(
            {
                "clinic": CLINIC,
                "patient": patient,
                "epoch": 1,
                "basis": 1,
                "settings_version": 1,
                "rules_version": 1,
                "made_at": NOW,
                "registered": True,
                "entries": 1,
                "last_heard": NOW,
                "concerns": list(concerns),
            }
            | fields
        )
    )
