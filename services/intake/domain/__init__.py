"""What intake decides: pure functions from what is and what is wished to what will be. A refusal is a Problem.

Versions and `updated_at` are set where documents are stored; a document returned as it was is no new version.
"""

from services.intake.domain.clinics import BUILT_IN, RULES, Parameter, reply_by, set_up_clinic
from services.intake.domain.escalation import Warned, escalation_warnings, named_in
from services.intake.domain.people import forget_patient, register_clinician, register_patient
from services.intake.domain.protocols import assign
from services.intake.domain.questions import (
    answer_question,
    ask_question,
    forget_question,
    open_question,
    settle_question,
)
from services.intake.domain.sessions import (
    forget_session,
    plan_session,
    rate_session,
    record_attendance,
    session_taken,
)
from services.intake.domain.when import AHEAD, EARLIEST, LIVE, LONG_AGO, SYNC, check_when, invalid

__all__ = [
    "AHEAD",
    "BUILT_IN",
    "EARLIEST",
    "LIVE",
    "LONG_AGO",
    "RULES",
    "SYNC",
    "Parameter",
    "Warned",
    "answer_question",
    "ask_question",
    "assign",
    "check_when",
    "escalation_warnings",
    "forget_patient",
    "forget_question",
    "forget_session",
    "invalid",
    "named_in",
    "open_question",
    "plan_session",
    "rate_session",
    "record_attendance",
    "register_clinician",
    "register_patient",
    "reply_by",
    "session_taken",
    "set_up_clinic",
    "settle_question",
]
