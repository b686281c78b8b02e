"""Clinics and clinicians as the door knows them: whole and in memory, so that no store stands in a question's way."""

from collections import defaultdict
from datetime import datetime

from shared.contracts import Clinic, Clinician
from shared.contracts.clinics import ClinicSettings, Role
from shared.documents import Table


class Team:
    """Fed from the topic `clinics`. clinics: the table that others read too; `take` keeps it."""

    def __init__(self, clinics: Table[Clinic]) -> None:
        self.clinics = clinics
        self._clinicians = Table[Clinician]()
        self._of: defaultdict[str, dict[str, Clinician]] = defaultdict(dict)

    def take(self, document: Clinic | Clinician) -> None:
        """Take in a clinic or a clinician; older versions and duplicates change nothing."""
        if isinstance(document, Clinic):
            self.clinics.keep_highest([document])
            return
        for news in self._clinicians.keep_highest([document]):
            if news.deleted:
                self._of[news.clinic].pop(news.clinician, None)
            else:
                self._of[news.clinic][news.clinician] = news

    def settings(self, clinic: str, at: datetime) -> ClinicSettings | None:
        """A clinic's settings at an instant; None where there is no such clinic (yet)."""
        known = self.clinics.get(clinic)
        return None if known is None or known.deleted else known.settings_at(at)

    def held(self, clinic: str) -> frozenset[Role]:
        """The roles that somebody at the clinic has."""
        return frozenset(one.role for one in self._of.get(clinic, {}).values())

    def away(self, clinic: str, at: datetime) -> frozenset[str]:
        """Who of the clinic is on leave at an instant, by id."""
        return frozenset(
            name
            for name, one in self._of.get(clinic, {}).items()
            if any(leave.starts_at <= at < leave.ends_at for leave in one.away)
        )
