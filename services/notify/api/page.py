"""/a/{link}: one page behind a message's link. Works without JavaScript, and shows nothing of the patient.

Opening it acknowledges nothing, because mail scanners open links; only its button, a POST, does, once per link.
"""

from datetime import datetime
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from services.notify.handlers import ByLink, Shown
from shared.errors import Problem, Recoverable

PATH: Final = "/a/{link}"
router = APIRouter(tags=["page"], default_response_class=HTMLResponse)
Link = Annotated[str, Path(max_length=64, description="Reference and token, as the message's link has them.")]
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
_TEMPLATE: Final = "page.html.j2"


class Pages:
    """The page's template, ready to fill."""

    def __init__(self) -> None:
        self._templates = Environment(
            loader=PackageLoader("services.notify", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def page(self, state: str, status: int, *, template: str = _TEMPLATE, **words: Any) -> HTMLResponse:
        """An answer in one of the page's states."""
        text = self._templates.get_template(template).render(state=state, **words)
        return HTMLResponse(text, status, HEADERS)

    def shown(self, shown: Shown, now: datetime) -> HTMLResponse:
        """The page of an alert; of one whose link has expired no more than its reference."""
        alert, clinic = shown.alert, shown.clinic
        zone = ZoneInfo(clinic.settings_at(now).zone if clinic else "UTC")
        return self.page(
            shown.state,
            410 if shown.state == "expired" else 200,
            alert=alert,
            used=shown.used,
            clinic=clinic.name if clinic else "",
            urgent=alert.urgency == "at_once",
            overdue=alert.status == "open" and alert.deadline < now,
            when=lambda at: _when(at, zone, now),
        )


def _when(at: datetime, zone: ZoneInfo, now: datetime) -> str:
    """`5pm today`, `9:30am on Tuesday 24 November 2026`."""
    local = at.astimezone(zone)
    minutes = f":{local.minute:02}" if local.minute else ""
    clock = f"{local.hour % 12 or 12}{minutes}{'am' if local.hour < 12 else 'pm'}"
    if local.date() == now.astimezone(zone).date():
        return f"{clock} today"
    return f"{clock} on {local:%A} {local.day} {local:%B} {local.year}"


def _links(request: Request) -> ByLink:
    links: ByLink = request.state.by_link
    return links


def _pages(request: Request) -> Pages:
    pages: Pages = request.state.pages
    return pages


def _now(request: Request) -> datetime:
    now: datetime = request.state.clock.now()
    return now


TheLinks = Annotated[ByLink, Depends(_links)]
ThePages = Annotated[Pages, Depends(_pages)]
Now = Annotated[datetime, Depends(_now)]
ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    404: {"description": "No alert has this link."},
    410: {"description": "The link has expired; the page says what to do."},
    503: {"description": "Not now; nothing was changed."},
}


@router.head(PATH, include_in_schema=False)
@router.get(PATH, operation_id="show_alert", summary="The page behind a message's link", responses=ANSWERS)
async def show_alert(*, link: Link, request: Request, by_link: TheLinks, pages: ThePages, now: Now) -> HTMLResponse:
    """Clinic, reference, urgency, deadline and state. Acknowledges nothing, however often and by whomever it is opened.

    The trail says that it was opened, which may have been a mail scanner.
    """
    try:
        return pages.shown(await by_link.shown(link, opened=request.method == "GET"), now)
    except Problem:
        return pages.page("missing", 404)
    except Recoverable:
        return pages.page("unavailable", 503)


@router.post(PATH, operation_id="take_alert", summary="I am dealing with this", responses=ANSWERS)
async def take_alert(*, link: Link, by_link: TheLinks, pages: ThePages, now: Now) -> HTMLResponse:
    """Acknowledge the alert, and show what to do next. A link does this once; after that it says who has it."""
    try:
        return pages.shown(await by_link.take(link), now)
    except Problem:
        return pages.page("missing", 404)
    except Recoverable:
        return pages.page("unavailable", 503)
