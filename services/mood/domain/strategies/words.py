"""Why a strategy is shown, in plain words and counts: never that anybody should."""

from typing import Final

from services.mood.domain.strategies.history import FROM, Coping, Tally

CAVEAT: Final = "Hard feelings often ease by themselves. So this may not all be down to what you tried."


def standing_of(tally: Tally) -> str:
    """What a patient's own tries say of a strategy."""
    if tally.tried == 0:
        return "This is new to you."
    times = "once" if tally.tried == 1 else "twice" if tally.tried == 2 else f"{tally.tried} times"
    fall = tally.mean_fall
    if fall is None or tally.rated < FROM:
        return f"You have tried this {times}."
    return f"It helped you {tally.helped} of {tally.rated} times. {_fell(fall)}"


def reason_of(name: str, coping: Coping) -> str:
    """Why a strategy is shown to a patient."""
    said = [standing_of(coping.tally(name))]
    if name in coping.pinned:
        said.insert(0, "You pinned this.")
    if coping.listed(name):
        said.append("Your care team picked this for you.")
    return " ".join(said)


def _fell(fall: float) -> str:
    by = f"{abs(fall):.1f}".removesuffix(".0")
    if by == "0":
        return "Your distress was the same after it, on average."
    points = "point" if by == "1" else "points"
    return f"Your distress {'fell' if fall > 0 else 'rose'} by {by} {points}, on average."
