"""The operators' one dashboard. Top to bottom it answers: is anyone in danger of not being told?

`dashboard()` is written to deploy/grafana/rapport.json by `python -m deploy.generate`; `make test-ops` runs every query
against a real Prometheus that scrapes the live services, and expects data.
"""

from dataclasses import dataclass
from typing import Any, Final

BLUE, ORANGE, PINK = "#005eb8", "#ed8b00", "#7c2855"
RUNBOOK: Final = "docs/runbook.md"


@dataclass(frozen=True)
class Panel:
    """One question, its query, and when to worry. `bad_from` colours the value from there on."""

    title: str
    query: str
    says: str
    unit: str = "short"
    legend: str = ""
    bad_from: float | None = None
    kind: str = "timeseries"


ROWS: Final[list[tuple[str, list[Panel]]]] = [
    (
        "1. Is anyone in danger of not being told?",
        [
            Panel("Oldest alert nobody has acknowledged", "max by (urgency) (rapport_alert_unacked_oldest_age_seconds)",
                  "Age of the oldest open alert. At once: call the clinic when it is over 30 minutes in working hours.",
                  "s", "{{urgency}}", 1800, "stat"),
            Panel("Alerts past their deadline", "sum by (urgency) (rapport_alerts_overdue)",
                  "Nobody acknowledged these in the time patients were promised. Should be 0.", "short", "{{urgency}}", 1, "stat"),
            Panel("Deliveries due and not handed over, oldest", "max(rapport_delivery_oldest_due_age_seconds)",
                  "Seconds the oldest due message has been waiting. Over 60: a provider is down, or notify is.", "s", "", 60, "stat"),
            Panel("Alerts that had no recipient (1 day)", "sum(increase(rapport_alerts_without_recipient_total[1d]))",
                  "They went to the clinic's fallback contact. Tell the clinic who is missing an address.", "short", "", 1, "stat"),
            Panel("Alerts nobody answered, list used up", "sum by (urgency) (rapport_alerts_used_up)",
                  "Everybody on the clinic's list was told, and nobody acknowledged. At once: ring the clinic.", "short",
                  "{{urgency}}", 1, "stat"),
            Panel("Risk alerts that found nobody", "sum(rapport_risk_alerts_without_recipient)",
                  "Open, and told to nobody but the fallback contact. Ring the clinic.", "short", "", 1, "stat"),
            Panel("What the last audit found", "sum by (wrong) (rapport_audit_findings)",
                  "What should have been sent and was not on its way; it was set going again. Should be 0.", "short", "{{wrong}}", 1, "stat"),
            Panel("Since the last audit", "time() - min(rapport_audit_last_timestamp_seconds > 0)",
                  "They run every three minutes.", "s", "", 900, "stat"),
            Panel("Entries set aside", "sum by (risk) (rapport_entries_set_aside)",
                  "Entries whose handling failed. risk=true may be somebody's risk answer: replay it now.", "short",
                  "risk answer: {{risk}}", 1, "stat"),
            Panel("Partitions stopped", "sum by (service, why) (rapport_bus_stopped_partitions)",
                  "A newer major version, or the fuse. Nothing of these patients is read until it is mended.", "short",
                  "{{service}} {{why}}", 1, "stat"),
        ],
    ),
    (
        "2. Do alerts arrive in time?",
        [
            Panel("Check-in to alert, p50 and p99",
                  'label_replace(histogram_quantile(0.5, sum by (le) (rate(rapport_check_in_to_alert_seconds_bucket[5m]))), '
                  '"q", "p50", "", "") or label_replace(histogram_quantile(0.99, sum by (le) '
                  '(rate(rapport_check_in_to_alert_seconds_bucket[5m]))), "q", "p99", "", "")',
                  "From accepting a live at-once entry to the first hand-over.", "s", "{{q}}", 60),
            Panel("Deliveries by channel and outcome", "sum by (channel, outcome) (rate(rapport_deliveries_total[5m]))",
                  "Attempts per second.", "ops", "{{channel}} {{outcome}}"),
            Panel("Providers by outcome", "sum by (channel, provider, outcome) (rate(rapport_provider_attempts_total[5m]))",
                  "Attempts per second. Temporary and unsure ones are tried again by another provider at once.", "ops",
                  "{{channel}} {{provider}} {{outcome}}"),
            Panel("Providers left alone", "max by (channel, provider) (rapport_provider_breaker)",
                  "1: left alone after three failures in a row; 0.5: one message tries it. As of its last attempt.", "short",
                  "{{channel}} {{provider}}", 1),
            Panel("Receipts (1 h)", "sum by (provider, receipt) (increase(rapport_receipts_total[1h]))",
                  "What providers said later. `refused`: not signed by them; `unknown`: about no message of ours.", "short",
                  "{{provider}} {{receipt}}"),
            Panel("Accepted and never confirmed (1 h)", "sum(increase(rapport_deliveries_unconfirmed_total[1h]))",
                  "Many: receipts do not reach us. Look at the callback URL and its secret (docs/providers.md).", "short",
                  "not confirmed"),
            Panel("Messages to patients (1 h)", "sum by (kind, end) (increase(rapport_patient_letters_total[1h]))",
                  "Reminders, and word of answers: sent, or why not. Many that came too late: providers fail, or quiet hours "
                  "are long (docs/patient-messages.md).", "short", "{{kind}} {{end}}"),
            Panel("Escalations by step (1 h)", "sum by (urgency, step) (increase(rapport_escalations_total[1h]))",
                  "Steps after an alert's first message. Many at step 2: clinicians do not see their alerts, or do not acknowledge.",
                  "short", "{{urgency}} step {{step}}"),
            Panel("Messages held for a digest (1 h)", "sum by (reason) (increase(rapport_messages_held_total[1h]))",
                  "They could wait: quiet hours, digest chosen, day's budget used up, or bundled. Much budget: too many alerts.",
                  "short", "{{reason}}"),
            Panel("Open alerts", "sum by (urgency, status) (rapport_alerts_open)",
                  "Alerts nobody has closed.", "short", "{{urgency}} {{status}}"),
            Panel("Concerns that hold", "sum by (rule) (rapport_concerns_holding)",
                  "By rule. A jump after a release means a rule changed.", "short", "{{rule}}"),
        ],
    ),
    (
        "3. Is anything stuck on the way?",
        [
            Panel("Lag in seconds", "max by (service, topic) (rapport_bus_lag_seconds)",
                  "Age of the last applied record while behind.", "s", "{{service}} {{topic}}", 30),
            Panel("Lag in records", "sum by (service, topic) (rapport_bus_lag_records)",
                  "Records not yet applied.", "short", "{{service}} {{topic}}"),
            Panel("Dead letters (1 day)", "sum by (service, topic, kind) (increase(rapport_bus_dead_letters_total[1d]))",
                  "Records diverted: unparsable, or set aside after a bug.", "short", "{{service}} {{topic}} {{kind}}", 1),
            Panel("Seconds since a consumer last asked", "max by (service) (time() - rapport_bus_last_poll_timestamp_seconds)",
                  "A consumer that does not ask is dead.", "s", "{{service}}", 60),
            Panel("Batches put off", "sum by (service) (rate(rapport_bus_retries_total[5m]))",
                  "Broker, store or provider not ready.", "ops", "{{service}}"),
        ],
    ),
    (
        "4. What do clinics and patients feel?",
        [
            Panel("Requests per second by route", "sum by (service, method, route) (rate(rapport_http_request_seconds_count[5m]))",
                  "Rate.", "reqps", "{{method}} {{route}}"),
            Panel("Refused or failed", 'sum by (route, status) (rate(rapport_http_request_seconds_count{status=~"[45].."}[5m]))',
                  "Errors by route and status.", "reqps", "{{route}} {{status}}"),
            Panel("Time to answer, p99", "histogram_quantile(0.99, sum by (le, route) (rate(rapport_http_request_seconds_bucket[5m])))",
                  "Duration by route.", "s", "{{route}}", 1),
            Panel("Entries accepted", "sum by (kind, origin) (rate(rapport_entries_accepted_total[5m]))",
                  "Check-ins, questionnaires and questions per second.", "ops", "{{kind}} {{origin}}"),
        ],
    ),
]  # fmt: skip


def panels() -> list[Panel]:
    """Every panel, in order."""
    return [panel for _, row in ROWS for panel in row]


def dashboard() -> dict[str, Any]:
    """The Grafana dashboard document."""
    placed: list[dict[str, Any]] = []
    top = 0
    for title, row in ROWS:
        placed.append({"type": "row", "title": title, "collapsed": False, "panels": [], "id": len(placed) + 1,
                       "gridPos": {"h": 1, "w": 24, "x": 0, "y": top}})  # fmt: skip
        top += 1
        width, height = (4, 5) if row[0].kind == "stat" else (24 // min(len(row), 3), 8)
        for index, panel in enumerate(row):
            across = 24 // width
            position = {"h": height, "w": width, "x": index % across * width, "y": top + index // across * height}
            placed.append(_panel(panel, len(placed) + 1, position))
        top += -(-len(row) // (24 // width)) * height
    return {
        "uid": "rapport",
        "title": "Rapport: is anyone in danger of not being told?",
        "description": f"Read from the top. What to do about each is in {RUNBOOK}.",
        "tags": ["rapport"],
        "timezone": "browser",
        "schemaVersion": 39,
        "refresh": "15s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [{"name": "datasource", "type": "datasource", "query": "prometheus"}]},
        "panels": placed,
    }


def _panel(panel: Panel, number: int, position: dict[str, int]) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": BLUE, "value": None}]
    if panel.bad_from is not None:
        steps.append({"color": PINK, "value": panel.bad_from})
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": f"{panel.says} Runbook: {RUNBOOK}",
        "gridPos": position,
        "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "color": {"mode": "thresholds" if panel.kind == "stat" else "palette-classic"},
                         "thresholds": {"mode": "absolute", "steps": steps}, "noValue": "none"},
            "overrides": [],
        },
        "options": {"colorMode": "background", "reduceOptions": {"calcs": ["lastNotNull"]}} if panel.kind == "stat" else {},
        "targets": [{"refId": "A", "expr": panel.query, "legendFormat": panel.legend or "__auto",
                     "instant": panel.kind == "stat"}],
    }  # fmt: skip
