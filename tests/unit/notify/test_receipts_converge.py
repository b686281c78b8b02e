"""Receipts in any order, any number of times: what was delivered stays so, and nobody who was told is untold."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from services.notify.domain import (
    Channel,
    Delivery,
    Found,
    Heard,
    Item,
    Kind,
    LegState,
    Outcome,
    Reachable,
    Receipt,
    Result,
    after_attempt,
    after_receipt,
    heard_early,
    planned_for,
)
from shared.contracts.base import Urgency
from tests.unit.notify.made import MONDAY

ONLY = Reachable("Priya", {Channel.SMS: "+447700900001"})
DUTY = Reachable("Duty", {Channel.EMAIL: "duty@harbour.example"})
RECEIPTS = st.builds(
    Heard, message=st.sampled_from(["m1", "m2", "", "other"]), receipt=st.sampled_from(Receipt), code=st.just("x")
)


def planned() -> Delivery:
    """A row with one leg, by SMS."""
    row = Delivery(
        id="harbour/sam/a/1",
        clinic="harbour",
        kind=Kind.MESSAGE,
        urgency=Urgency.AT_ONCE,
        items=(Item(alert="harbour/sam/a", round=1),),
        patient="sam",
        created_at=MONDAY,
        due_at=MONDAY,
        look_at=MONDAY,
    )
    return planned_for(row, Found("priya", ONLY), DUTY, MONDAY)


def accepted(delivery: Delivery, message: str) -> Delivery:
    """After a provider took the first leg."""
    result = Result(
        outcome=Outcome.ACCEPTED, code="201", message=message, provider="p", receipt_within=timedelta(minutes=10)
    )
    leg = delivery.legs[0].id
    words = {"person": ONLY, "fallback": DUTY, "now": MONDAY}
    return heard_early(after_attempt(delivery, leg, result, jitter=0.5, **words), leg, **words)


def said(delivery: Delivery, heard: Heard) -> Delivery:
    """After a receipt about the first leg."""
    return after_receipt(delivery, delivery.legs[0].id, heard, person=ONLY, fallback=DUTY, now=MONDAY)


@settings(deadline=None)
@given(st.lists(RECEIPTS, max_size=12), st.integers(0, 12))
def test_whatever_receipts_say_somebody_is_told_or_about_to_be(receipts: list[Heard], taken_at: int) -> None:
    """While nothing counts as told, something is waiting; and a receipt twice in a row is one."""
    delivery = planned()
    for number, heard in enumerate(receipts):
        if number == taken_at and delivery.legs[0].state is LegState.PENDING:
            delivery = accepted(delivery, "m1")
        delivery = said(delivery, heard)
        if heard.message != "" or heard.receipt is Receipt.DELIVERED:
            assert said(delivery, heard) == delivery
        assert delivery.handed_over or delivery.waiting
        assert delivery.done == (not delivery.waiting)


@settings(deadline=None)
@given(st.permutations([Receipt.ACCEPTED, Receipt.DELIVERED, Receipt.FAILED_FOR_GOOD, Receipt.DELIVERED]))
def test_what_was_delivered_counts_as_told_in_any_order(order: list[Receipt]) -> None:
    """Also where a failure came first."""
    delivery = accepted(planned(), "m1")
    for receipt in order:
        delivery = said(delivery, Heard(message="m1", receipt=receipt, code="x"))

    assert delivery.legs[0].state is LegState.SENT
    assert delivery.legs[0].delivered_at == MONDAY


def test_a_receipt_about_another_send_says_nothing_of_this_one() -> None:
    """A late failure of the first text does not undo the second."""
    delivery = accepted(planned(), "m2")

    assert said(delivery, Heard(message="m1", receipt=Receipt.FAILED_FOR_GOOD, code="x")) == delivery
