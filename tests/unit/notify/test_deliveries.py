"""The life of a delivery: who it goes to, by which channel, and what follows each answer."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.notify.domain import (
    LEASE,
    Channel,
    Delivery,
    Found,
    Item,
    Kind,
    LegState,
    Nobody,
    NotYet,
    Outcome,
    Reachable,
    Result,
    after_attempt,
    find_recipient,
    leased,
    next_due,
    planned_for,
    released,
    without_items,
)
from shared.contracts import Clinician
from shared.contracts.base import Urgency
from tests.unit.notify.made import DAY, HOUR, MONDAY, patient

BOTH = Reachable("Priya", {Channel.EMAIL: "priya@harbour.example", Channel.SMS: "+447700900001"})
DUTY = Reachable("Duty", {Channel.EMAIL: "duty@harbour.example", Channel.SMS: "+447700900999"})
RESULTS = st.sampled_from(Outcome).map(lambda outcome: Result(outcome=outcome, code="x"))


def row(urgency: Urgency = Urgency.AT_ONCE, kind: Kind = Kind.MESSAGE) -> Delivery:
    """A row that is due."""
    return Delivery(
        id="harbour/sam/a/1",
        clinic="harbour",
        kind=kind,
        urgency=urgency,
        items=(Item(alert="harbour/sam/a", round=1),),
        patient="sam",
        created_at=MONDAY,
        due_at=MONDAY,
        look_at=MONDAY,
    )


def planned(urgency: Urgency = Urgency.AT_ONCE, person: Reachable = BOTH) -> Delivery:
    """A row with its legs."""
    return planned_for(row(urgency), Found("priya", person), DUTY, MONDAY)


def answered(delivery: Delivery, channel: Channel, outcome: Outcome, **changes) -> Delivery:
    """The row after an answer to its pending leg by a channel."""
    leg = next(leg for leg in delivery.waiting if leg.channel is channel)
    person = DUTY if leg.to_fallback else BOTH
    result = Result(outcome=outcome, code="x")
    words = {"person": person, "fallback": DUTY, "now": MONDAY, "jitter": 0.5} | changes
    return after_attempt(delivery, leg.id, result, **words)


def test_at_once_goes_by_every_channel_and_the_rest_by_email() -> None:
    """Both channels where both are there; SMS alone where that is all there is; a digest is an e-mail."""
    only_sms = Reachable("Priya", {Channel.SMS: "+447700900001"})

    assert [leg.channel for leg in planned().legs] == [Channel.EMAIL, Channel.SMS]
    assert [leg.channel for leg in planned(Urgency.WORKING_HOURS).legs] == [Channel.EMAIL]
    assert [leg.channel for leg in planned(Urgency.WORKING_HOURS, only_sms).legs] == [Channel.SMS]
    digest = planned_for(row(Urgency.AT_ONCE, Kind.DIGEST), Found("priya", BOTH), DUTY, MONDAY)
    assert [leg.channel for leg in digest.legs] == [Channel.EMAIL]


def test_whoever_plans_a_row_plans_the_same_legs() -> None:
    """A leg's id, and so its Message-ID, is made from the row, the recipient and the channel."""
    assert planned() == planned()
    assert len({leg.id for leg in (*planned().legs, *planned_for(row(), Nobody("x"), DUTY, MONDAY).legs)}) == 4


@pytest.mark.parametrize(
    ("registered", "who", "waited", "expected"),
    [
        (True, patient(), 0, Found),
        (False, None, 0, Nobody),
        (True, None, 59, NotYet),
        (True, None, 60, Nobody),
        (True, patient(clinician=None), 0, Nobody),
        (True, patient(clinician="lee"), 59, NotYet),
        (True, patient(clinician="lee"), 60, Nobody),
        (True, patient(clinician="mute"), 0, Nobody),
    ],
)
def test_whom_a_message_goes_to(*, registered: bool, who, waited: int, expected: type) -> None:
    """The patient's clinician; a document on its way is waited for, a minute at most; else it is nobody."""
    staff = {
        "priya": Clinician(clinic="harbour", clinician="priya", version=1, email="priya@harbour.example"),
        "mute": Clinician(clinic="harbour", clinician="mute", version=1),
    }

    found = find_recipient(registered=registered, patient=who, clinician=staff.get, waited=timedelta(seconds=waited))

    assert isinstance(found, expected)


def test_a_clinician_is_told_as_they_chose_or_else_as_they_can_be() -> None:
    """Chosen channels that lead nowhere are no reason to tell nobody."""
    chosen = {
        "clinic": "harbour",
        "clinician": "priya",
        "version": 1,
        "email": "p@h.example",
        "mobile": "+447700900001",
    }

    assert list(Reachable.clinician(Clinician(**chosen, channels=["sms"])).addresses) == [Channel.SMS]
    assert list(Reachable.clinician(Clinician(**chosen)).addresses) == [Channel.EMAIL, Channel.SMS]
    no_mobile = Clinician(**chosen | {"mobile": None}, channels=["sms"])
    assert list(Reachable.clinician(no_mobile).addresses) == [Channel.EMAIL]


def test_nobody_and_no_clinic_document_is_looked_at_again() -> None:
    """Without a fallback contact there is nobody to tell yet; the row stays."""
    waiting = planned_for(row(), Nobody("the patient is not registered"), None, MONDAY)

    assert not waiting.done
    assert waiting.legs == ()
    assert waiting.look_at > MONDAY


def test_a_refusal_for_good_takes_the_other_channel_then_the_fallback_contact_and_never_ends() -> None:
    """E-mail, SMS, the fallback's e-mail: each in turn; the last one is tried again and again."""
    delivery = planned(Urgency.WORKING_HOURS)
    delivery = answered(delivery, Channel.EMAIL, Outcome.PERMANENT)
    assert [(leg.to_fallback, leg.channel) for leg in delivery.waiting] == [(False, Channel.SMS)]
    delivery = answered(delivery, Channel.SMS, Outcome.PERMANENT)
    assert [(leg.to_fallback, leg.channel) for leg in delivery.waiting] == [(True, Channel.EMAIL)]
    assert delivery.fell_back
    delivery = answered(delivery, Channel.EMAIL, Outcome.PERMANENT)
    assert [(leg.to_fallback, leg.channel) for leg in delivery.waiting] == [(True, Channel.SMS)]
    delivery = answered(delivery, Channel.SMS, Outcome.PERMANENT)

    assert [(leg.to_fallback, leg.channel) for leg in delivery.waiting] == [(True, Channel.SMS)]
    assert delivery.look_at == MONDAY + timedelta(minutes=15)
    assert not delivery.done


def test_one_channel_refused_while_the_other_was_accepted_is_told() -> None:
    """Nobody else is disturbed."""
    delivery = answered(answered(planned(), Channel.EMAIL, Outcome.ACCEPTED), Channel.SMS, Outcome.PERMANENT)

    assert delivery.done
    assert {leg.state for leg in delivery.legs} == {LegState.SENT, LegState.FAILED}


def test_retries_back_off_to_five_minutes_and_heed_the_provider() -> None:
    """1 s, doubling, at most 5 min; a Retry-After is waited for."""
    delivery, delays = planned(Urgency.WORKING_HOURS), []
    for _ in range(12):
        delivery = answered(delivery, Channel.EMAIL, Outcome.TEMPORARY)
        delays.append((delivery.look_at - MONDAY).total_seconds())
    heeded = after_attempt(
        planned(Urgency.WORKING_HOURS),
        planned(Urgency.WORKING_HOURS).legs[0].id,
        Result(outcome=Outcome.TEMPORARY, code="429", retry_after=timedelta(seconds=90)),
        person=BOTH,
        fallback=DUTY,
        now=MONDAY,
        jitter=0.5,
    )

    assert delays == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
    assert heeded.look_at == MONDAY + timedelta(seconds=90)
    assert len(delivery.legs[0].attempts) == 12


def test_a_row_is_claimed_by_one_until_the_lease_ends() -> None:
    """Not before it is due, not while another holds it, and again when the lease is over."""
    delivery = planned()
    claimed = leased(delivery, MONDAY)
    assert claimed is not None

    assert leased(delivery, MONDAY - HOUR) is None
    assert leased(claimed, MONDAY + LEASE / 2) is None
    assert leased(claimed, MONDAY + LEASE) is not None
    assert next_due(released(claimed)) == MONDAY


def test_what_is_no_longer_needed_is_cancelled_and_what_was_sent_stays_sent() -> None:
    """A row of nothing is done; a digest keeps the lines that are still needed."""
    sent = answered(planned(), Channel.EMAIL, Outcome.ACCEPTED)
    gone = without_items(sent, lambda _: False, "taken")
    two = row(kind=Kind.DIGEST).model_copy(update={"items": (Item(alert="a", round=1), Item(alert="b", round=1))})

    assert gone.done
    assert [leg.state for leg in gone.legs] == [LegState.SENT, LegState.CANCELLED]
    assert without_items(two, lambda item: item.alert == "a", "told").items == (Item(alert="a", round=1),)


@settings(deadline=None)
@given(st.lists(st.tuples(RESULTS, st.floats(0, 0.999), st.booleans()), max_size=40))
def test_a_delivery_ends_only_by_telling_somebody(steps: list[tuple[Result, float, bool]]) -> None:
    """Whatever providers answer: while nobody was told something is waiting, and no leg is there twice."""
    delivery, now = planned(), MONDAY
    for result, jitter, fallback in steps:
        now += DAY
        for leg in delivery.waiting[:1]:
            person = DUTY if leg.to_fallback else BOTH
            delivery = after_attempt(
                delivery, leg.id, result, person=person, fallback=DUTY if fallback else None, now=now, jitter=jitter
            )
        assert delivery.handed_over or delivery.waiting
        assert delivery.done == (not delivery.waiting)
        assert len({(leg.to, leg.channel) for leg in delivery.legs}) == len(delivery.legs)
