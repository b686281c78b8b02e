"""Of what was told: whether everything that had to be was, once, to the right people."""

from collections import Counter
from typing import Any

from tests.oracle.plain import Plain, highest_versions
from tests.oracle.rules import assess

TellingByRule = dict[str, list[Plain]]


def telling_ever(
    facts: list[Plain],
    patient: Plain | None,
    sessions: list[Plain],
    questions: list[Plain],
    clinic: Plain | None,
    times: list[Any],
) -> TellingByRule:
    """The telling evidence, by rule, that a platform with these final inputs has by now had to tell, each once.

    times: instants (ISO strings or aware datetimes) at which everything had been read and there had been time to tell:
    usually just the end of the run. Evidence that held only in between, before a late entry changed the picture, may
    have been told or not; nothing is said of it here. Import evidence is given only where its concern holds, for
    nobody hears of it otherwise.
    """
    found: dict[str, dict[str, Plain]] = {}
    for at in times:
        for concern in assess(facts, patient, sessions, questions, clinic, at, at)["concerns"]:
            for evidence in concern["telling"]:
                if evidence["origin"] != "import" or concern["holds"]:
                    found.setdefault(concern["rule"], {})[evidence["id"]] = evidence
    return {
        rule: sorted(by_id.values(), key=lambda evidence: (evidence["at"], evidence["id"]))
        for rule, by_id in found.items()
    }


def check_alerts(alerts: list[Plain], telling: TellingByRule, *, digest_is_out: bool = False) -> list[str]:
    """What is wrong with one patient's alerts, a line for each; empty where all was told, and told once.

    alerts: the patient's alert documents (JSON or dumped; older versions may be among them); telling: of
    `telling_ever`. Held to:

    - live and synced telling evidence is told by exactly one alert of its rule, whose route is `message`;
    - import evidence is told at most once (exactly once where `digest_is_out`: the working morning has passed), and an
      alert with nothing but import evidence has the route `digest`: it pages nobody;
    - nothing is told twice, and no rule has two alerts that are not closed.
    """
    current = [alert for alert in highest_versions(alerts, "alert") if not alert.get("deleted")]
    found = []
    for rule in sorted({*telling, *(alert["rule"] for alert in current)}):
        of_rule = [alert for alert in current if alert["rule"] == rule]
        not_closed = [alert["alert"] for alert in of_rule if alert["status"] != "closed"]
        if len(not_closed) > 1:
            found.append(f"{rule}: {len(not_closed)} alerts are not closed: {', '.join(sorted(not_closed))}")
        times_told = Counter(told["id"] for alert in of_rule for told in alert["told"])
        found.extend(f"{rule}: {name} was told {times} times" for name, times in times_told.items() if times > 1)
        for evidence in telling.get(rule, []):
            found.extend(_evidence(rule, evidence, of_rule, digest_is_out=digest_is_out))
        found.extend(_routes(rule, of_rule))
    return found


def _evidence(rule: str, evidence: Plain, alerts: list[Plain], *, digest_is_out: bool) -> list[str]:
    tellers = [alert for alert in alerts if any(told["id"] == evidence["id"] for told in alert["told"])]
    if not tellers:
        if evidence["origin"] == "import" and not digest_is_out:
            return []
        return [f"{rule}: {evidence['id']} ({evidence['origin']}, {evidence['at'].isoformat()}) was never told"]
    if rule == "mood_shift":
        return []  # a day's evidence keeps the origin it was told with, whatever check-in of that day came later
    told = [told for alert in tellers for told in alert["told"] if told["id"] == evidence["id"]]
    return [
        f"{rule}: {evidence['id']} was told as {name} {one[name]}, but is {evidence[name]}"
        for one in told
        for name in (("origin",) if rule == "missed_sessions" else ("origin", "urgency"))  # see docs/rules.md, 7
        if str(one[name]) != evidence[name]
    ]


def _routes(rule: str, alerts: list[Plain]) -> list[str]:
    found = []
    for alert in alerts:
        only_imports = all(told["origin"] == "import" for told in alert["told"])
        should = "digest" if only_imports else "message"
        if str(alert["route"]) != should:
            origins = ", ".join(sorted({str(told["origin"]) for told in alert["told"]}))
            found.append(f"{rule}: alert {alert['alert']} tells of {origins} by {alert['route']}, should be {should}")
    return found
