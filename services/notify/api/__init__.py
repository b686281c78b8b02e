"""notify's doors: /v1/alerts for the clinic's systems, /a/{link} for whoever opens a message's link."""

from services.notify.api import alerts, figures, page

ROUTERS = (figures.router, alerts.router, page.router)
PUBLIC_ROUTES = frozenset({page.PATH})
"""Routes without a token: the link itself is the key (80 bits made with our secret), and it shows no patient data."""

__all__ = ["PUBLIC_ROUTES", "ROUTERS"]
