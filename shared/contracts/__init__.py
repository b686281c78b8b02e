"""The vocabulary the services speak to one another: one model and one example per event.

Two kinds of thing and nothing else (docs/ARCHITECTURE.md). *Facts* happened and never change. *Documents* are
published whole at each version, and readers keep the highest version. Additive change only; readers ignore
unknown fields; a break is a new major in the event's type.
"""

from shared.contracts.alerts import Alert
from shared.contracts.assessments import Assessment
from shared.contracts.base import Contract, Document, Fact
from shared.contracts.clinics import Clinic, Clinician
from shared.contracts.contacts import ContactState
from shared.contracts.letters import PatientLetters
from shared.contracts.moods import (
    CheckInCorrected,
    CheckInRecorded,
    EntriesSeen,
    EntryWithdrawn,
    QuestionnaireCompleted,
    StrategiesAllowed,
    StrategiesPinned,
    StrategySuggested,
    StrategyTried,
)
from shared.contracts.patients import Patient
from shared.contracts.questions import Question, QuestionAsked
from shared.contracts.reminders import ReminderDue
from shared.contracts.sessions import Session
from shared.contracts.topics import Topic

EVENTS: dict[str, type[Contract]] = {
    "rapport.intake.clinic.v1": Clinic,
    "rapport.intake.clinician.v1": Clinician,
    "rapport.intake.patient.v1": Patient,
    "rapport.intake.session.v1": Session,
    "rapport.intake.question-asked.v1": QuestionAsked,
    "rapport.intake.question.v1": Question,
    "rapport.mood.check-in-recorded.v1": CheckInRecorded,
    "rapport.mood.questionnaire-completed.v1": QuestionnaireCompleted,
    "rapport.mood.check-in-corrected.v1": CheckInCorrected,
    "rapport.mood.entry-withdrawn.v1": EntryWithdrawn,
    "rapport.mood.strategy-tried.v1": StrategyTried,
    "rapport.mood.strategies-pinned.v1": StrategiesPinned,
    "rapport.mood.strategies-allowed.v1": StrategiesAllowed,
    "rapport.mood.strategy-suggested.v1": StrategySuggested,
    "rapport.mood.entries-seen.v1": EntriesSeen,
    "rapport.mood.reminder-due.v1": ReminderDue,
    "rapport.insights.assessment.v1": Assessment,
    "rapport.notify.alert.v1": Alert,
    "rapport.notify.contact.v1": ContactState,
    "rapport.notify.letters.v1": PatientLetters,
}
"""Every event type and its model; `TYPES` is the way back."""

TYPES: dict[type[Contract], str] = {model: name for name, model in EVENTS.items()}

__all__ = [
    "EVENTS",
    "TYPES",
    "Alert",
    "Assessment",
    "CheckInCorrected",
    "CheckInRecorded",
    "Clinic",
    "Clinician",
    "ContactState",
    "Contract",
    "Document",
    "EntriesSeen",
    "EntryWithdrawn",
    "Fact",
    "Patient",
    "PatientLetters",
    "Question",
    "QuestionAsked",
    "QuestionnaireCompleted",
    "ReminderDue",
    "Session",
    "StrategiesAllowed",
    "StrategiesPinned",
    "StrategySuggested",
    "StrategyTried",
    "Topic",
]
