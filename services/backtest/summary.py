"""The summary a backtest ends with: how much there would have been to do, and how two rule sets differ."""

from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from services.backtest.run import Report
from services.insights.domain import CATALOGUE, Raised, Tally, difference, tally, tally_by_rule

NOT_IN_A_LOG: Final = (
    "not_on_track",
    "stalled",
    "question_unanswered",
    "rating_drop",
    "crisis_language",
    "question_overdue",
    "lingering_question",
    "missed_sessions",
)
"""Rules about questions, sessions and words, of which a tidy log says nothing."""


def show_summary(report: Report, console: Console) -> None:
    """Print the summary; nothing of any one patient is in it."""
    log, watched = report.log, report.watched
    said = [f"{watched.patients:,} patients", f"{log.rows:,} rows"]
    if log.repeated:
        said.append(f"{log.repeated:,} of them repeated and counted once")
    console.print(", ".join(said), highlight=False)
    if watched.first and watched.last:
        span = f"{watched.first.date()} to {watched.last.date()}"
        console.print(f"{watched.patient_years:,.1f} patient-years from {span} (UTC)", highlight=False)
    console.print(_tallies(report))
    if report.against is not None:
        console.print(_differences(report.raised, *report.against))


def _tallies(report: Report) -> Table:
    table = _table("What would have been raised")
    for name in ("concerns", "per patient-year", "per week, mean", "most"):
        table.add_column(name, justify="right")
    for name, counted in tally_by_rule(report.raised, report.watched).items():
        if counted.concerns or name not in NOT_IN_A_LOG:
            table.add_row(CATALOGUE[name].title, *_figures(counted))
    table.add_section()
    table.add_row("in all", *_figures(tally(report.raised, report.watched)))
    table.caption = "Unanswered questions and session ratings are not in a tidy log."
    return table


def _figures(counted: Tally) -> tuple[str, ...]:
    yearly = counted.per_patient_year
    return (
        f"{counted.concerns:,}",
        "-" if yearly is None else f"{yearly:,.2f}",
        f"{counted.weekly_mean:,.2f}",
        f"{counted.weekly_most:,}",
    )


def _differences(ours: list[Raised], name: str, theirs: list[Raised]) -> Table:
    table = _table(f"Against {escape(name)}")
    for column in ("by both", "only by these", "only by those"):
        table.add_column(column, justify="right")
    for rule, found in difference(ours, theirs).items():
        counts = (found.both, found.only_ours, found.only_theirs)
        if any(counts) or rule not in NOT_IN_A_LOG:
            table.add_row(CATALOGUE[rule].title, *(f"{count:,}" for count in counts))
    return table


def _table(title: str) -> Table:
    table = Table(title=title, title_justify="left", caption_justify="left")
    table.add_column("rule")
    return table
