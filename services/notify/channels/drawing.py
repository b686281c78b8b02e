"""The process that draws: a chart as JSON on each line of its input, a PNG after its length on its output.

White background in dark mode too (mail clients invert as they like), no colour that carries meaning by itself.
"""

import json
import os
import sys
from typing import Any, Final

import altair as alt
import vl_convert

TITLES: Final = {"phq9": "PHQ-9", "gad7": "GAD-7", "mood": "Mood, mean of the day", "rating": "Session rating"}
WIDTH: Final = 420
HEIGHT: Final = 140
_LENGTH: Final = 4


def drawn(chart: dict[str, Any]) -> bytes:
    """A contract's chart (`measure`, `minimum`, `maximum`, `points`) as PNG at twice its size."""
    points = [{"day": day, "value": value} for day, value in chart["points"]]
    scale = alt.Scale(domain=[chart["minimum"], chart["maximum"]])
    picture = (
        alt.Chart(alt.InlineData(values=points), background="white", width=WIDTH, height=HEIGHT)
        .mark_line(point=alt.OverlayMarkDef(size=40, filled=True), color="#005eb8", strokeWidth=2)
        .encode(
            x=alt.X("day:T", title=None, axis=alt.Axis(format="%-d %b", tickCount=6, grid=False)),
            y=alt.Y("value:Q", title=TITLES.get(chart["measure"], chart["measure"]), scale=scale),
        )
    )
    png: bytes = vl_convert.vegalite_to_png(picture.to_dict(validate=False), scale=2)
    return png


def main() -> None:
    """Draw what is asked for until there is nobody left to ask."""
    os.nice(5)
    for line in sys.stdin.buffer:
        try:
            png = drawn(json.loads(line))
        except Exception:  # noqa: BLE001  whatever is wrong with a picture, the message goes without it
            png = b""
        sys.stdout.buffer.write(len(png).to_bytes(_LENGTH) + png)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
