"""Every metric of the platform, once, with its meaning. Labels are bounded and never hold patient data."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

FAST: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SLOW: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 3600.0)

# --- HTTP (RED, by route template) -----------------------------------------------------------------------------------
HTTP_SECONDS = Histogram(
    "rapport_http_request_seconds",
    "Time to answer a request.",
    ["service", "method", "route", "status"],
    buckets=FAST,
)

# --- the bus (RED, by topic) -----------------------------------------------------------------------------------------
BUS_PUBLISHED = Counter("rapport_bus_published_total", "Events published and acknowledged.", ["service", "topic"])
BUS_PUBLISH_FAILED = Counter(
    "rapport_bus_publish_failed_total", "Publishes that may not have been recorded.", ["service"]
)
BUS_CONSUMED = Counter("rapport_bus_consumed_total", "Events read and applied.", ["service", "topic"])
BUS_BATCH_SECONDS = Histogram("rapport_bus_batch_seconds", "Time to apply one batch.", ["service"], buckets=FAST)
BUS_RETRIES = Counter("rapport_bus_retries_total", "Batches put off because the world was not ready.", ["service"])
BUS_DEAD_LETTERS = Counter(
    "rapport_bus_dead_letters_total",
    "Records diverted: unparsable, or set aside after a bug.",
    ["service", "topic", "kind"],
)
BUS_LAG_RECORDS = Gauge("rapport_bus_lag_records", "Records not yet applied.", ["service", "topic", "partition"])
BUS_LAG_SECONDS = Gauge(
    "rapport_bus_lag_seconds",
    "Age of the last applied record while behind; 0 at the end.",
    ["service", "topic", "partition"],
)
BUS_LAST_POLL = Gauge(
    "rapport_bus_last_poll_timestamp_seconds", "When the consumer last asked for records.", ["service"]
)
BUS_STOPPED = Gauge(
    "rapport_bus_stopped_partitions",
    "Partitions stopped: a newer major version, or the fuse.",
    ["service", "why"],
)
BUS_REBALANCES = Counter("rapport_bus_rebalances_total", "Assignments received.", ["service"])

# --- documents -------------------------------------------------------------------------------------------------------
DOCUMENTS_SWEPT = Counter(
    "rapport_documents_swept_total", "Document versions published by the sweeper after a crash.", ["service"]
)
DOCUMENTS_HEALED = Counter(
    "rapport_documents_healed_total",
    "Documents published again because an older one stood last.",
    ["service"],
)

# --- the work itself -------------------------------------------------------------------------------------------------
ENTRIES_ACCEPTED = Counter(
    "rapport_entries_accepted_total", "Facts accepted at the door.", ["service", "kind", "origin"]
)
ENTRIES_SET_ASIDE = Gauge(
    "rapport_entries_set_aside", "Entries not yet processed; a risk answer pages.", ["service", "risk"]
)
TOO_LARGE = Counter(
    "rapport_too_large_total", "Versions of documents not published, because they are larger than the bus takes.",
    ["service", "model"],
)  # fmt: skip
ASSESSMENTS_PUBLISHED = Counter("rapport_assessments_published_total", "Assessments that changed.", ["service"])
CONCERNS_HOLDING = Gauge("rapport_concerns_holding", "Concerns that hold now.", ["rule"])
CHECK_IN_TO_ASSESSMENT = Histogram(
    "rapport_check_in_to_assessment_seconds", "From accepting a live entry to its assessment.", buckets=SLOW
)
CHECK_IN_TO_ALERT = Histogram(
    "rapport_check_in_to_alert_seconds",
    "From accepting a live at-once entry to the first hand-over of its alert.",
    buckets=SLOW,
)
ALERTS_OPEN = Gauge("rapport_alerts_open", "Alerts nobody has closed.", ["urgency", "status"])
ALERT_UNACKED_OLDEST = Gauge(
    "rapport_alert_unacked_oldest_age_seconds",
    "Age of the oldest alert nobody has acknowledged; of patients who have died, and of imported evidence alone, none.",
    ["urgency"],
)
ALERT_OVERDUE = Gauge(
    "rapport_alerts_overdue",
    "Alerts past their deadline and not acknowledged, at-once ones and those of risk; patients who have died left out.",
    ["urgency"],
)
ALERTS_FORGOTTEN = Gauge("rapport_alerts_forgotten", "Alerts acknowledged for over a week and not closed.", ["urgency"])
READY = Gauge("rapport_ready", "1: the service is ready, as its /readyz says; 0: it is not.", ["service"])
ALERTS_WITHOUT_RECIPIENT = Counter(
    "rapport_alerts_without_recipient_total",
    "Alerts that had nobody to go to and went to the fallback contact.",
)
ESCALATIONS = Counter(
    "rapport_escalations_total",
    "Steps handed over after an alert's first message: nobody had acknowledged it, or nobody had closed it.",
    ["urgency", "step"],
)
DELIVERIES = Counter("rapport_deliveries_total", "Attempts to hand a message over.", ["channel", "outcome"])
PROVIDER_ATTEMPTS = Counter(
    "rapport_provider_attempts_total", "Attempts to hand a message to a provider.", ["channel", "provider", "outcome"]
)
PROVIDER_BREAKER = Gauge(
    "rapport_provider_breaker",
    "0: the provider is in use; 0.5: one message may try it; 1: left alone after failures.",
    ["channel", "provider"],
)
PROVIDER_POINTS = Gauge(
    "rapport_provider_points", "Points of a provider, 0 to 100; its share of messages.", ["channel", "provider"]
)
RECEIPTS = Counter(
    "rapport_receipts_total",
    "Receipts of providers: what they said, or unknown (no message of ours) or refused (not theirs).",
    ["provider", "receipt"],
)
UNCONFIRMED = Counter("rapport_deliveries_unconfirmed_total", "Hand-overs accepted, and never confirmed in time.")
CONTACTS_STOPPED = Counter(
    "rapport_contacts_stopped_total",
    "Numbers whose owner asked for no more messages (stop), or again (start).",
    ["said"],
)
DELIVERIES_HELD = Counter("rapport_deliveries_held_total", "SMS held because the number had as many as it may.")
DELIVERY_OLDEST_DUE = Gauge(
    "rapport_delivery_oldest_due_age_seconds", "Age of the oldest delivery due and not handed over."
)
ALERTS_USED_UP = Gauge(
    "rapport_alerts_used_up",
    "Open alerts of which everybody on the list was told, and nobody acknowledged.",
    ["urgency"],
)
RISK_WITHOUT_RECIPIENT = Gauge(
    "rapport_risk_alerts_without_recipient",
    "Open risk alerts that found nobody to tell, and went to the clinic's fallback contact for want of anybody else.",
)
HELD = Counter(
    "rapport_messages_held_total",
    "Messages that could wait and were put into a later digest: quiet hours, digest chosen, budget used up, bundle.",
    ["reason"],
)
AUDIT_FINDINGS = Gauge("rapport_audit_findings", "What the last audit found wrong; it was set going again.", ["wrong"])
AUDIT_KICKS = Counter("rapport_audit_kicks_total", "What audits set going again.", ["wrong"])
AUDIT_LAST = Gauge("rapport_audit_last_timestamp_seconds", "When the last audit ended.")
LETTERS = Counter(
    "rapport_patient_letters_total",
    "Messages to patients that came to an end: by kind, channel (none) and how: sent, or why not.",
    ["kind", "channel", "end"],
)
LETTERS_QUEUED = Counter("rapport_patient_letters_queued_total", "Messages to patients that are to be sent.", ["kind"])
LETTER_OLDEST_DUE = Gauge(
    "rapport_patient_letter_oldest_due_age_seconds",
    "Age of the oldest message to a patient that is due and nobody has taken up.",
)
CHARTS = Counter("rapport_charts_total", "Charts for e-mails.", ["outcome"])
