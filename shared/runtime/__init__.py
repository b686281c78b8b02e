"""Service defaults: settings, the HTTP edge, and background work, once for all four services."""

from shared.runtime.doors import (
    BEHIND_DOCUMENTED,
    BEHIND_HEADER,
    POSITION_HEADER,
    Body,
    DirectRoute,
    IdempotencyKey,
    Patients,
    WaitForPosition,
    caller_with,
    checked_key,
    fact_id,
    requires,
    settle,
)
from shared.runtime.http import (
    PUBLIC_PATHS,
    NotReady,
    Pings,
    create_app,
    field_errors,
    healthy,
    problems,
    routes_of,
    running,
)
from shared.runtime.lifecycle import background, lifespan
from shared.runtime.process import collect_seldom, run_service
from shared.runtime.settings import CommonSettings

__all__ = [
    "BEHIND_DOCUMENTED",
    "BEHIND_HEADER",
    "POSITION_HEADER",
    "PUBLIC_PATHS",
    "Body",
    "CommonSettings",
    "DirectRoute",
    "IdempotencyKey",
    "NotReady",
    "Patients",
    "Pings",
    "WaitForPosition",
    "background",
    "caller_with",
    "checked_key",
    "collect_seldom",
    "create_app",
    "fact_id",
    "field_errors",
    "healthy",
    "lifespan",
    "problems",
    "requires",
    "routes_of",
    "run_service",
    "running",
    "settle",
]
