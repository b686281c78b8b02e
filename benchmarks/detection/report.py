"""`python -m benchmarks detection`: judges every data set that is there, and writes docs/detection.md."""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.detection.figures import (
    AHEAD,
    BEHIND,
    EVEN,
    RESAMPLES,
    Figures,
    Interval,
    Matched,
    Sweep,
    lookback,
    matched,
    resamples,
    watch,
)
from benchmarks.detection.rules import rules_for
from benchmarks.detection.series import DATA, SOURCES, Loaded, Source, load
from benchmarks.detection.truth import LOOKBACK_DAILY, LOOKBACK_SCORES

PAGE: Final = Path(__file__).parents[2] / "docs" / "detection.md"
ENOUGH: Final = 5
"""Events below which two rules are not compared: no interval would mean anything."""
LEAST_RATE: Final = 0.5
HIGH_RATE: Final = 2.0
"""False alarms per patient-year at which rules are compared: that of ours as shipped, or LEAST_RATE, and this."""

_HEAD: Final = """# How well the rules find what came

Written by `python -m benchmarks detection`; the same data give the same page, byte for byte. **This is no clinical
validation.** It sets the rules as they run live, and plain rivals, against worsenings that are *derived from the same
series*, on open data sets that lie beside the repository (their READMEs have sources and licences). {present}

## What was done
- **Ours.** Each series goes through insights' own domain, as in a [backtest](backtest.md): reliable deterioration
  together with relapse for questionnaires, declared as a clinic's own scale with its reliable change and caseness;
  mood shift for daily values, mapped linearly from their own range to 0-10 (of mania, mood shift upwards, which a
  clinic has to turn on). An alarm is a concern being raised.
- **Rivals.** A fixed rise of 5 or 10 over the first score; the same over the best score so far; a Shewhart chart of
  single values at 2 or 3 standard deviations (of the first five scores; of the baseline days); the last value alone,
  at caseness or at 3 of 10 (mania: 7). Of daily values the fixed change is 1 or 2 points of 10 from the baseline
  mean. An alarm is the value going over the threshold.
- **What came.** Questionnaires: the mean of k scores running is the reliable change worse than the first; or it is at
  caseness and the reliable change worse than the best score before them, which was below caseness (k is 3 in ENRICHD,
  else 2). Daily: the mean of k observed days running is more than one standard deviation of the baseline (at least
  half a point of 10) worse than its mean (k is 7 in MIRORR, 5 in the bipolar set, else 4). It is *known* on the day
  of the k-th value.
- **Caught**: an alarm at most {scores:.0f} days ({daily:.0f} for daily values) before its first value, and by the day
  it is known. **Warning**: the days from the first such alarm to the day it is known. **False**: an alarm that is
  neither in one nor so shortly before it.
- **Halves.** Patients are split by a digest of their id. The standard deviation behind a reliable change (1.96 sqrt 2
  SD sqrt(1-r), rounded up) is of the development half; every figure below is of the **other half**. No threshold was
  chosen on either: ours are those that ship. Lambda 0.2 is shown beside as the pair of the same run length, and was
  not chosen.
- **At the same rate of false alarms**: each rule's threshold is swept, and the share caught is read off its curve at
  two rates: that of ours as shipped (0.5 a patient-year where that is less), and 2. Intervals are 95 %, of
  {resamples} resamples of patients; a difference counts where its interval leaves out 0.

"""

_CAVEATS: Final = """
## What this does not show
- **What came was derived from the very scores the rules see**, with the same reliable change and caseness as ours.
  That favours ours over rivals with thresholds of other sizes, and *relapse* most of all, since only it and the rise
  over the best score know of a best score. Reliable deterioration is itself a fixed rise over the first score: at one
  threshold the two differ by nothing but when an alarm may come again. The gain over it is relapse's.
- Nobody labelled these series. Whether a clinician would have wanted to know is not in them, nor whether knowing
  would have helped.
- Few worsenings came: a set with ten of them cannot tell rules apart, and says so. Many comparisons are made and none
  is corrected for their number, so some intervals leave out 0 by chance.
- The sets are short, mostly of adults in trials or of students, and mostly not weekly PHQ-9 and GAD-7: no open set of
  those was found. Of the two-week and three-week sets the rule as shipped would have said nothing: it needs 20
  observed days over 28 before it speaks, and here it was given baselines of 5 to 10 days.
- A Shewhart chart of scores needs five before it speaks: what comes earlier it cannot catch, and a set in which nobody
  has more is left out of its comparisons.
- The rate of false alarms of a year is extrapolated from weeks, and where little time was watched one alarm is a
  large rate.
- Reliabilities are from the literature as remembered and not confirmed: {reliabilities}.
- Not judged: not on track (no set has sessions), stalled and mood instability (they alert nobody), gone quiet, and
  risk items.
"""


@dataclass
class Judged:
    """One source on the held-out half."""

    loaded: Loaded
    patients: int
    years: float
    events: int
    development: int
    figures: list[tuple[str, bool, Figures]]
    matched: list[Matched]


def judge(source: Source) -> Judged:
    """Every rule and rival on one source's held-out half."""
    loaded = load(source)
    patients = watch(loaded, held_out=True)
    events = sum(len(one.came) for one in patients)
    judged = Judged(
        loaded, len(patients), sum(one.years for one in patients), events, len(watch(loaded, held_out=False)), [], []
    )
    if not patients:
        return judged
    samples = resamples(len(patients))
    sweeps = [Sweep(alarms, patients, lookback(loaded)) for alarms in rules_for(loaded)]
    for sweep in sweeps:
        judged.figures += [
            (sweep.alarms.name, sweep.alarms.ours, sweep.figures(threshold, samples)) for threshold in sweep.alarms.used
        ]
    ours, rivals = sweeps[0], [sweep for sweep in sweeps if not sweep.alarms.ours and sweep.speaks]
    if events >= ENOUGH:
        shipped = ours.rate(ours.alarms.used[0])
        for rate in sorted({max(shipped, LEAST_RATE), HIGH_RATE}):
            judged.matched += [one for rival in rivals if (one := matched(ours, rival, rate, samples)) is not None]
    return judged


def write_report(page: Path = PAGE) -> int:
    """Judge what is there and write the page; 1 where no data set is there, and then nothing is written."""
    present = [source for source in SOURCES if source.present]
    if not present:
        print(f"No data set is there: {DATA} does not exist or is empty. Nothing was judged.", file=sys.stderr)
        return 1
    absent = sorted({source.folder for source in SOURCES if not source.present})
    judged = []
    for source in present:
        print(f"judging {source.name}", file=sys.stderr)
        judged.append(judge(source))
    page.write_text("\n".join(_lines(judged, absent)).rstrip() + "\n", encoding="utf-8")
    print(f"written to {page}", file=sys.stderr)
    return 0


def _lines(judged: Sequence[Judged], absent: Sequence[str]) -> Iterator[str]:
    there = "All of them were there." if not absent else f"Absent, so not judged: {', '.join(absent)}."
    yield _HEAD.format(present=there, scores=LOOKBACK_SCORES, daily=LOOKBACK_DAILY, resamples=RESAMPLES).rstrip()
    yield ""
    yield from _summary(judged)
    for one in judged:
        yield from _source(one)
    reliabilities = sorted({f"{s.measure} {s.note}" for one in judged if (s := one.loaded.source).note and not s.daily})
    yield _CAVEATS.format(reliabilities="; ".join(reliabilities)).rstrip()


def _summary(judged: Sequence[Judged]) -> Iterator[str]:
    compared = [(one.loaded.source, match) for one in judged for match in one.matched]
    verdicts = Counter(match.verdict for _, match in compared)
    yield "## What came out"
    yield (
        f"Of {len(compared)} comparisons at the same rate of false alarms ours caught more in "
        f"{verdicts[AHEAD]}, a rival in {verdicts[BEHIND]}, and in {verdicts[EVEN]} no difference is shown. "
        + ("**Ours does not beat every rival.**" if len(compared) > verdicts[AHEAD] else "")
    )
    yield ""
    for daily, title in ((False, "Questionnaires"), (True, "Daily values")):
        mine = [(source, match) for source, match in compared if source.daily == daily]
        for rival in dict.fromkeys(match.rival for _, match in mine):
            told = Counter(match.verdict for _, match in mine if match.rival == rival)
            yield (
                f"- {title}, against {rival}: ours ahead {told[AHEAD]}, the rival ahead {told[BEHIND]}, "
                f"no difference shown {told[EVEN]}."
            )
    worse = [(source, match) for source, match in compared if match.verdict == BEHIND]
    if worse:
        yield ""
        yield (
            "Where a rival is ahead: "
            + "; ".join(f"{source.title}, {match.rival}, at {match.rate:.2f} a patient-year" for source, match in worse)
            + "."
        )
    yield ""


def _source(one: Judged) -> Iterator[str]:
    source = one.loaded.source
    yield f"## {source.title} (`{source.name}`)"
    numbers = (
        f"Reliable change {one.loaded.change:g} (SD {one.loaded.sd:.1f} of first scores in the development half; "
        f"{source.note}), caseness {source.caseness:g}."
        if not source.daily
        else (source.note or "baseline of 20 observed days over 28").capitalize() + "."
    )
    yield (
        f"{one.patients} patients watched for {one.years:.1f} patient-years in all, in which {one.events} worsenings "
        f"came (development half: {one.development} patients). {numbers}"
    )
    yield ""
    if not one.figures:
        yield "Nobody in this half has values behind a baseline: nothing to judge."
        yield ""
        return
    yield (
        "| rule, at the threshold it is used at | false alarms per patient-year | caught | share caught "
        "| median days of warning |"
    )
    yield "| --- | --- | --- | --- | --- |"
    for name, ours, found in one.figures:
        shown = f"**{name}** {abs(found.threshold):g}" if ours else f"{name} {abs(found.threshold):g}"
        share = "-" if found.share is None else f"{found.share:.2f}{_between(found.share_interval)}"
        warning = "-" if found.warning is None else f"{abs(found.warning):.0f}"
        rate = f"{found.per_year:.2f}{_between(found.per_year_interval)}"
        yield f"| {shown} | {rate} | {found.caught} of {found.events} | {share} | {warning} |"
    yield ""
    if not one.matched:
        yield f"Fewer than {ENOUGH} worsenings came: the rules are not compared."
        yield ""
        return
    ours_name = next(name for name, ours, _ in one.figures if ours)
    yield f"| at the same rate of false alarms | {ours_name} caught | the rival caught | difference (95 %) | |"
    yield "| --- | --- | --- | --- | --- |"
    for match in one.matched:
        low, high = match.difference
        yield (
            f"| {match.rate:.2f}: {match.rival} | {match.ours:.2f} | {match.theirs:.2f} | "
            f"{match.ours - match.theirs:+.2f} ({low:+.2f} to {high:+.2f}) | {match.verdict} |"
        )
    yield ""


def _between(interval: Interval | None) -> str:
    return "" if interval is None else f" ({interval[0]:.2f} to {interval[1]:.2f})"
