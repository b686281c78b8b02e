"""Addresses and systems that messages go to: the page that confirms an address, and a clinic's webhook secrets."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from services.notify.api.page import Pages
from services.notify.domain import webhook_secret
from services.notify.handlers.contacts import Contacts
from services.notify.settings import Settings
from services.notify.store import Clinics
from shared.auth import Caller
from shared.contracts.base import ChannelName
from shared.contracts.contacts import ContactState
from shared.errors import Recoverable
from shared.runtime import caller_with, problems

PATH: Final = "/a/verify/{link}"
_TEMPLATE: Final = "verify-page.html.j2"
router = APIRouter(tags=["contacts"])
Link = Annotated[str, Path(max_length=64, description="As the verification message's link has it.")]
ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    404: {"description": "No address has this link."},
    503: {"description": "Not now; nothing was changed."},
}


class WebhookReply(BaseModel):
    """One of the clinic's webhooks, and what its messages are signed with."""

    name: str
    url: str
    generation: int
    secret: str = Field(description="Standard Webhooks' `whsec_...`. Keep it as you keep a password.")


class WebhooksReply(BaseModel):
    """The clinic's webhooks."""

    items: list[WebhookReply]


def _contacts(request: Request) -> Contacts:
    contacts: Contacts = request.state.contacts
    return contacts


def _clinics(request: Request) -> Clinics:
    clinics: Clinics = request.state.clinics
    return clinics


def _pages(request: Request) -> Pages:
    pages: Pages = request.state.pages
    return pages


TheContacts = Annotated[Contacts, Depends(_contacts)]
TheClinics = Annotated[Clinics, Depends(_clinics)]
ThePages = Annotated[Pages, Depends(_pages)]


@router.get("/v1/webhooks", operation_id="list_webhooks", summary="The clinic's webhooks and their secrets",
            responses=problems())  # fmt: skip
async def list_webhooks(
    request: Request, clinics: TheClinics, caller: Caller = caller_with("clinic:write")
) -> WebhooksReply:
    """Webhooks are set by PUT /v1/clinic. Counting `generation` up makes a new secret; messages are signed with the
    one before as well, so that a receiver can change over."""
    settings: Settings = request.state.settings
    found = clinics.clinic(caller.clinic)
    hooks = [] if found is None else found.settings_at(request.state.clock.now()).webhooks
    return WebhooksReply(
        items=[
            WebhookReply(
                name=hook.name,
                url=hook.url,
                generation=hook.generation,
                secret=webhook_secret(settings.link_key(), caller.clinic, hook.name, hook.generation),
            )
            for hook in hooks
        ]
    )


@router.head(PATH, include_in_schema=False)
@router.get(PATH, operation_id="show_verification", summary="The page behind a verification link", responses=ANSWERS,
            response_class=HTMLResponse)  # fmt: skip
async def show_verification(*, link: Link, contacts: TheContacts, clinics: TheClinics, pages: ThePages) -> HTMLResponse:
    """Changes nothing, however often and by whomever it is opened: mail scanners open links."""
    state = _asked(contacts, link)
    return _page(pages, clinics, state) if state is not None else pages.page("missing", 404, template=_TEMPLATE)


@router.post(PATH, operation_id="verify_contact", summary="This is mine", responses=ANSWERS,
             response_class=HTMLResponse)  # fmt: skip
async def verify_contact(*, link: Link, contacts: TheContacts, clinics: TheClinics, pages: ThePages) -> HTMLResponse:
    """The address is verified. Pressing it twice is pressing it once."""
    state = _asked(contacts, link)
    if state is None:
        return pages.page("missing", 404, template=_TEMPLATE)
    try:
        return _page(pages, clinics, await contacts.verify(state))
    except Recoverable:
        return pages.page("unavailable", 503, template=_TEMPLATE)


def _asked(contacts: Contacts, link: str) -> ContactState | None:
    contact, _, code = link.partition("-")
    return contacts.asked(contact.lower(), code)


def _page(pages: Pages, clinics: Clinics, state: ContactState) -> HTMLResponse:
    clinic = clinics.clinic(state.clinic)
    return pages.page(
        "asked" if state.verified_at is None else "verified",
        200,
        template=_TEMPLATE,
        clinic=clinic.name if clinic else state.clinic,
        what="number" if state.channel is ChannelName.SMS else "address",
    )
