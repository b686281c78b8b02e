"""In which order a clinic's patients are read, as GET /v1/caseload words it."""

from datetime import UTC, datetime

from tests.oracle.plain import Plain, instant, there

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
Severities = dict[str, str]
"""The severity of each rule (safety, important, notice), in the order in which GET /v1/rules has the rules."""
Place = tuple[int, int, datetime, str]


def severities(page: str) -> Severities:
    """Those in the list of rules of docs/rules.md, which is the page given."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line[:3] == "| ["]
    found = {cells[0].partition("`")[2].partition("`")[0]: cells[1] for cells in rows}
    assert set(found.values()) == {"safety", "important", "notice"}, found
    return found


def order(assessments: dict[str, Plain], patients: dict[str, Plain | None], of_rules: Severities) -> list[str]:
    """The patients who have a place, in order. assessments: the oracle's; patients: their documents, None where none.

    First what is about harm and to be told at once, where it holds and then where it is only told of still; then by
    severity, and within it as the rules are listed, what holds before what is only told of; each the longest first.
    Then those without a concern. Who is no longer in care has a place only with a concern. Entries that could not be
    processed are not known here: a run of this oracle has none.
    """
    places: dict[str, Place] = {}
    for patient, said in assessments.items():
        document = there(patients.get(patient))
        found = [_place(concern, patient, of_rules) for concern in said["concerns"]]
        in_care = said["entries"] > 0 if document is None else document.get("status", "active") == "active"
        if not found and in_care:
            found = [(9, 0, LONG_AGO, patient)]
        if found:
            places[patient] = min(found)
    return sorted(places, key=lambda patient: places[patient])


def _place(concern: Plain, patient: str, of_rules: Severities) -> Place:
    holds = bool(concern["holds"])
    oldest = min((told["at"] for told in concern["telling"]), default=LONG_AGO)
    since = instant(concern["since"]) if holds else oldest
    severity, number = of_rules[concern["rule"]], list(of_rules).index(concern["rule"])
    if severity == "safety" and any(told["urgency"] == "at_once" for told in concern["telling"]):
        return (0, 0 if holds else 1, since, patient)
    rank = 1 + ["safety", "important", "notice"].index(severity)
    return (rank, 2 * number if holds else 2 * number + 1, since, patient)
