"""notify's doors: /v1/alerts for the clinic's systems, /a/{link} for whoever opens a message's link, and what
providers call."""

from services.notify.api import alerts, contacts, figures, messages, page, receipts

ROUTERS = (figures.router, alerts.router, page.router, contacts.router, receipts.router, messages.router)
PUBLIC_ROUTES = frozenset({page.PATH, contacts.PATH}) | receipts.PATHS
"""Routes without a token. The links are keys themselves (80 and 40 bits made with our secret) and show no patient data;
what providers call is signed by them, and shows nothing at all."""

__all__ = ["PUBLIC_ROUTES", "ROUTERS"]
