"""The topics by name; `deploy/kafka/topics.yaml` declares the rest of them, and a test holds the two together."""

from enum import StrEnum


class Topic(StrEnum):
    """Every Kafka topic of the platform."""

    CLINICS = "clinics"
    PATIENTS = "patients"
    SESSIONS = "sessions"
    QUESTIONS = "questions"
    MOODS = "moods"
    REMINDERS = "reminders"
    ASSESSMENTS = "assessments"
    ALERTS = "alerts"
    CONTACTS = "contacts"
    LETTERS = "letters"
    DEAD_LETTERS = "dead-letters"
