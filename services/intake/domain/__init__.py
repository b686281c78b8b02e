"""What intake decides: pure functions from what is and what is wished to what will be. A refusal is a Problem.

Versions and `updated_at` are set where documents are stored; a document returned as it was is no new version.
"""

from services.intake.domain.care_team import Roles, join_care_team, leave_care_team, transfer_patient
from services.intake.domain.clinics import BUILT_IN, LOCKED, RULES, Parameter, reply_by, set_up_clinic
from services.intake.domain.episodes import (
    discharge_patient,
    refer_patient,
    start_by_sessions,
    start_episode,
    waits_for_session,
)
from services.intake.domain.escalation import Warned, escalation_warnings, named_in
from services.intake.domain.expecting import what_to_expect
from services.intake.domain.people import forget_patient, register_clinician, register_patient
from services.intake.domain.protocols import assign
from services.intake.domain.questions import (
    answer_question,
    ask_question,
    claim_question,
    forget_question,
    hand_over,
    open_question,
    reassign,
    recategorise,
    reopen_question,
    settle_question,
)
from services.intake.domain.sessions import (
    fill_checklist,
    forget_session,
    left_open,
    plan_session,
    rate_session,
    record_attendance,
    reschedule_session,
    say_kind,
    session_taken,
    take_back_attendance,
    was_held,
)
from services.intake.domain.triage import BY_A_HUMAN, TRIAGE, categorise, triage
from services.intake.domain.when import AHEAD, EARLIEST, LIVE, LONG_AGO, SYNC, check_when

__all__ = [
    "AHEAD",
    "BUILT_IN",
    "BY_A_HUMAN",
    "EARLIEST",
    "LIVE",
    "LOCKED",
    "LONG_AGO",
    "RULES",
    "SYNC",
    "TRIAGE",
    "Parameter",
    "Roles",
    "Warned",
    "answer_question",
    "ask_question",
    "assign",
    "categorise",
    "check_when",
    "claim_question",
    "discharge_patient",
    "escalation_warnings",
    "fill_checklist",
    "forget_patient",
    "forget_question",
    "forget_session",
    "hand_over",
    "join_care_team",
    "leave_care_team",
    "left_open",
    "named_in",
    "open_question",
    "plan_session",
    "rate_session",
    "reassign",
    "recategorise",
    "record_attendance",
    "refer_patient",
    "register_clinician",
    "register_patient",
    "reopen_question",
    "reply_by",
    "reschedule_session",
    "say_kind",
    "session_taken",
    "set_up_clinic",
    "settle_question",
    "start_by_sessions",
    "start_episode",
    "take_back_attendance",
    "transfer_patient",
    "triage",
    "waits_for_session",
    "was_held",
    "what_to_expect",
]
