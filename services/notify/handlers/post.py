"""Whom a delivery goes to and what it says, from the documents as they are now."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from services.notify.domain import (
    FALLBACK,
    RISK_RULES,
    Channel,
    Delivery,
    Detail,
    Found,
    Item,
    Kind,
    Leg,
    Line,
    Nobody,
    Notice,
    Reachable,
    Recipient,
    ToFallback,
    because,
    because_of,
    detail_allowed,
    find_clinician,
    find_recipient,
    gathered,
    hook_name,
    latest_round,
    link_of,
    place,
    relied_on,
)
from services.notify.handlers.contacts import Contacts
from services.notify.store import Clinics
from shared.contracts import Assessment, Patient
from shared.contracts.alerts import Alert
from shared.contracts.clinics import ClinicSettings, Fatigue, Webhook
from shared.contracts.escalation import EscalationSettings, Who
from shared.documents import Mirror
from shared.duty import on_duty
from shared.working_time import WEEKDAYS, WorkingTime

UNKNOWN_CLINIC: Final = WorkingTime(ZoneInfo("UTC"), {day: (time(9), time(17)) for day in WEEKDAYS[:5]})
"""The hours of a clinic whose document has not come (docs/rules.md)."""
ROLES: Final = {
    Who.DEPUTY: ("the deputy", "the patient's clinician has no deputy"),
    Who.DUTY: ("the clinician on duty", "nobody is on duty"),
    Who.LEAD: ("the service lead", "the clinic has named no service lead"),
    Who.NAMED: ("the clinician whom the policy names", "the policy names nobody"),
}
"""Who a step tells, in words, and why nobody has that role."""


@dataclass(frozen=True, kw_only=True)
class Post:
    """Reads the documents that a message is made from."""

    clinics: Clinics
    contacts: Contacts
    patients: Mirror[Patient]
    assessments: Mirror[Assessment]
    public_url: str
    link_key: str
    link_days: int = 7
    apprise: Mapping[str, str] = field(default_factory=dict)
    """Clinics whose messages an Apprise key hears of as well."""

    def settings(self, clinic: str, now: datetime) -> ClinicSettings | None:
        """A clinic's settings in force; None where its document has not come."""
        found = self.clinics.clinic(clinic)
        return None if found is None else found.settings_at(now)

    def working_time(self, clinic: str, now: datetime) -> WorkingTime:
        """A clinic's working days and hours."""
        settings = self.settings(clinic, now)
        return UNKNOWN_CLINIC if settings is None else settings.working_time

    def escalation(self, clinic: str, now: datetime) -> EscalationSettings:
        """A clinic's escalation; the defaults where its document has not come."""
        settings = self.settings(clinic, now)
        return EscalationSettings() if settings is None else settings.escalation

    def holder(self, clinic: str, by: str) -> str | None:
        """The clinician who goes by this id; None where there is none."""
        found = self.clinics.clinician(clinic, by)
        return None if found is None or found.deleted else by

    def fatigue(self, clinic: str, now: datetime) -> Fatigue:
        """What keeps a clinic's alerts few; the defaults where its document has not come."""
        settings = self.settings(clinic, now)
        return Fatigue() if settings is None else settings.fatigue

    def reached_at(self, number: str, now: datetime) -> list[tuple[str, str]]:
        """Who has this mobile number, in which clinic: clinicians, and fallback contacts (FALLBACK)."""
        found = []
        for clinic in self.clinics:
            people = self.clinics.clinicians(clinic.clinic)
            found += [(clinic.clinic, one.clinician) for one in people if one.mobile == number]
            if clinic.settings_at(now).fallback_contact.mobile == number:
                found.append((clinic.clinic, FALLBACK))
        return found

    def fallback(self, clinic: str, now: datetime) -> Reachable | None:
        """Who is told when nobody else can be; None where the clinic's document has not come."""
        settings = self.settings(clinic, now)
        return None if settings is None else Reachable.contact(settings.fallback_contact)

    def person(self, clinic: str, leg: Leg, now: datetime) -> Reachable | None:
        """Who a leg goes to, as reachable now."""
        if hook_name(leg) is not None:
            return self._system(clinic, leg, now)
        if leg.to_fallback:
            return self.fallback(clinic, now)
        clinician = self.clinics.clinician(clinic, leg.to)
        return None if clinician is None or clinician.deleted else Reachable.clinician(clinician)

    def webhooks(self, clinic: str, now: datetime) -> list[Webhook]:
        """A clinic's webhooks."""
        settings = self.settings(clinic, now)
        return [] if settings is None else settings.webhooks

    def recipients(self, clinic: str, now: datetime) -> list[str]:
        """Whom a link may have been made for: the fallback contact, clinicians, and the clinic's own systems."""
        systems = [place(hook.name) for hook in self.webhooks(clinic, now)]
        systems += [place(self.apprise[clinic])] if clinic in self.apprise else []
        return [FALLBACK, *self.clinics.clinicians_of(clinic), *systems]

    def _webhook(self, clinic: str, leg: Leg, now: datetime) -> Webhook | None:
        return next((hook for hook in self.webhooks(clinic, now) if hook.name == hook_name(leg)), None)

    def _system(self, clinic: str, leg: Leg, now: datetime) -> Reachable | None:
        """A clinic's own system; None where it is no longer set up."""
        if leg.channel is Channel.APPRISE:
            key = self.apprise.get(clinic)
            return None if key is None else Reachable(key, {Channel.APPRISE: key})
        hook = self._webhook(clinic, leg, now)
        return None if hook is None else Reachable(hook.name, {Channel.WEBHOOK: hook.url})

    async def recipient(self, delivery: Delivery, now: datetime) -> Recipient:
        """Whom a delivery goes to, by the addresses that may be relied on. Raises Recoverable."""
        found = await self._meant(delivery, now)
        settings = self.settings(delivery.clinic, now)
        if not isinstance(found, Found) or settings is None or not settings.verify_contacts:
            return found
        return relied_on(found, self.contacts.verified(delivery.clinic, found.person), delivery.urgency)

    async def _meant(self, delivery: Delivery, now: datetime) -> Recipient:
        waited = now - delivery.created_at
        clinician = partial(self.clinics.clinician, delivery.clinic)
        if delivery.kind is Kind.DIGEST:
            if delivery.clinician is None:
                return Nobody("the patients have no clinician")
            return find_clinician(delivery.clinician, clinician=clinician, waited=waited)
        if delivery.who is Who.FALLBACK:
            return ToFallback()
        patient = await self.patients.get(f"{delivery.clinic}/{delivery.patient}")
        if delivery.who is Who.CLINICIAN:
            return find_recipient(registered=delivery.registered, patient=patient, clinician=clinician, waited=waited)
        role, missing = ROLES[delivery.who]
        wanted = self._in_role(delivery, patient, now)
        if wanted is None:
            return Nobody(missing)
        return find_clinician(wanted, clinician=clinician, waited=waited, role=role)

    def _in_role(self, delivery: Delivery, patient: Patient | None, now: datetime) -> str | None:
        """The id of the clinician who has a step's role at this moment; None where nobody has."""
        settings = self.settings(delivery.clinic, now)
        match delivery.who:
            case Who.DEPUTY if patient is not None and patient.clinician is not None:
                theirs = self.clinics.clinician(delivery.clinic, patient.clinician)
                return None if theirs is None or theirs.deleted else theirs.deputy
            case Who.DUTY if settings is not None and settings.duty_rota is not None:
                return on_duty(settings.duty_rota.rota, now)
            case Who.LEAD if settings is not None:
                return settings.escalation.lead
            case Who.NAMED:
                return delivery.named
        return None

    async def notice(
        self, delivery: Delivery, leg: Leg, address: str, alerts: Mapping[str, Alert], now: datetime
    ) -> Notice:
        """What a leg says. Raises Recoverable."""
        clinic, settings = self.clinics.clinic(delivery.clinic), self.settings(delivery.clinic, now)
        detailed = (
            leg.channel is Channel.EMAIL and settings is not None and detail_allowed(address, settings.detail_domains)
        )
        person, hook = self.person(delivery.clinic, leg, now), self._webhook(delivery.clinic, leg, now)
        until = now + timedelta(days=self.link_days)
        lines = [
            await self._line(alerts[item.alert], item, delivery, leg.to, until, detailed=detailed)
            for item in delivery.items
        ]
        return Notice(
            token=leg.id,
            address=address,
            name=person.name if person else "",
            clinic_name=clinic.name if clinic else delivery.clinic,
            zone=self.working_time(delivery.clinic, now).zone,
            written_at=now,
            digest=delivery.kind is Kind.DIGEST,
            because=because(delivery, leg, alerts),
            clinic=delivery.clinic,
            generation=hook.generation if hook else 1,
            tried=tuple(attempt.provider for attempt in leg.attempts if attempt.provider),
            gathered=gathered(delivery),
            lines=tuple(lines),
            language=self._language(delivery.clinic, leg),
            own=settings.wording if settings is not None else {},
        )

    def _language(self, clinic: str, leg: Leg) -> str:
        """The clinician's; English for the fallback contact and for systems."""
        clinician = None if leg.to_fallback else self.clinics.clinician(clinic, leg.to)
        return "en" if clinician is None else clinician.language

    async def _line(
        self, alert: Alert, item: Item, delivery: Delivery, to: str, until: datetime, *, detailed: bool
    ) -> Line:
        link = link_of(self.link_key, alert.key, alert.reference, to=to, number=latest_round(alert), until=until)
        return Line(
            reference=alert.reference,
            link=f"{self.public_url}/a/{link}",
            urgency=alert.urgency,
            raised_at=max(told.added_at for told in alert.told),
            deadline=alert.deadline,
            detail=await self._detail(alert, item, delivery) if detailed else None,
            because=None if item.step is None else because_of(alert, item.step),
        )

    async def _detail(self, alert: Alert, item: Item, delivery: Delivery) -> Detail:
        key = f"{alert.clinic}/{alert.patient}"
        patient, assessment = await self.patients.get(key), await self.assessments.get(key)
        name = patient.name if patient is not None and not patient.deleted else ""
        initials = "".join(f"{word[0]}." for word in name.split())
        concerns = assessment.concerns if assessment is not None and alert.rule not in RISK_RULES else []
        # whoever is told next, or asked for it again, may have heard none of it
        everything = delivery.kind is Kind.AGAIN or delivery.step is not None or item.step is not None
        news = [told for told in alert.told if everything or told.round == item.round or told.settled_at is None]
        return Detail(
            patient=f"{initials} ({alert.patient})" if initials else alert.patient,
            reason=alert.reason,
            evidence=tuple(told.said for told in sorted(news, key=lambda told: (told.at, told.id))),
            chart=next((concern.chart for concern in concerns if concern.rule == alert.rule), None),
        )
