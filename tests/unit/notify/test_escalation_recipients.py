"""Whom a step goes to: its own target where one can be reached, else the fallback contact, never nobody."""

from typing import Any

import pytest

from services.notify.domain import Channel
from shared.contracts.escalation import EscalationPolicy, EscalationSettings, RotaOverride, Step, Who
from shared.metrics import ALERTS_WITHOUT_RECIPIENT
from tests.unit.notify.escalating import FALLBACK, ROTA, STAFF, Story, mail, policy, staff
from tests.unit.notify.made import DAY, HOUR, MONDAY


def second(who: Who, clinician: str | None = None, lead: str | None = "lee") -> EscalationSettings:
    """A policy whose second step, after ten minutes, tells somebody."""
    steps = [Step(who=Who.CLINICIAN, after_minutes=0), Step(who=who, clinician=clinician, after_minutes=10)]
    return EscalationSettings(lead=lead, at_once=EscalationPolicy(steps=steps))


@pytest.mark.parametrize(
    ("escalation", "to"),
    [
        (second(Who.DEPUTY), mail("dee")),
        (second(Who.DUTY), mail("dan")),
        (second(Who.LEAD), mail("lee")),
        (second(Who.NAMED, "nia"), mail("nia")),
        (second(Who.FALLBACK), FALLBACK),
        (second(Who.CLINICIAN), mail("priya")),
    ],
)
async def test_each_kind_of_step_goes_to_whom_it_means(escalation: EscalationSettings, to: str) -> None:
    """The clinician, their deputy, who is on duty, the lead, one who is named, the fallback contact."""
    story = Story(escalation=escalation)
    await story.hears("e1")
    await story.minutes(10)

    assert [one.to for one in story.world.sent if one.channel is Channel.EMAIL] == [mail("priya"), to]
    assert story.run.steps[1].fell_back is None


@pytest.mark.parametrize(
    ("settings", "people", "why"),
    [
        ({"escalation": second(Who.DEPUTY)}, [staff("priya")], "the patient's clinician has no deputy"),
        ({"escalation": second(Who.DEPUTY)}, [staff("priya", deputy="gone")], "the deputy is not known"),
        ({"escalation": second(Who.DUTY), "duty_rota": None}, STAFF, "nobody is on duty"),
        (
            {"escalation": second(Who.DUTY), "duty_rota": ROTA.model_copy(update={"clinicians": ["ola", None]})},
            STAFF,
            "nobody is on duty",
        ),
        ({"escalation": second(Who.LEAD, lead=None)}, STAFF, "the clinic has named no service lead"),
        (
            {"escalation": second(Who.LEAD)},
            [staff("priya"), staff("lee", email=None, mobile=None)],
            "the service lead has no address",
        ),
        (
            {"escalation": second(Who.NAMED, "nia")},
            [staff("priya")],
            "the clinician whom the policy names is not known",
        ),
    ],
)
async def test_a_step_with_nobody_to_go_to_goes_to_the_fallback_contact_and_says_why(
    settings: dict[str, Any], people: list, why: str
) -> None:
    """Never to nobody; and the operators' count of alerts without a clinician is not about steps."""
    before = ALERTS_WITHOUT_RECIPIENT._value.get()
    story = Story(people=people, **settings)
    await story.hears("e1")
    await story.minutes(10)
    await story.minutes(2)  # a document that may be on its way is waited for

    assert [one.to for one in story.world.sent if one.channel is Channel.EMAIL] == [mail("priya"), FALLBACK]
    assert (story.run.steps[1].recipient, story.run.steps[1].fell_back) == ("fallback", why)
    assert ALERTS_WITHOUT_RECIPIENT._value.get() == before


async def test_without_rota_lead_or_any_setting_the_fallback_contact_is_told_at_30_and_60_minutes() -> None:
    """A clinic that never heard of escalation has it."""
    story = Story(escalation=EscalationSettings(), duty_rota=None)
    await story.hears("e1")
    await story.minutes(30)
    await story.minutes(30)

    assert story.told == [("priya", 0), ("duty", 30), ("duty", 60)]


async def test_who_is_on_duty_is_asked_when_the_step_is_due() -> None:
    """An alert just before the hand-over finds the one after it; a swap made yesterday counts."""
    swap = RotaOverride(starts_at=MONDAY + DAY, ends_at=MONDAY + 2 * DAY, clinician="nia")
    story = Story(duty_rota=ROTA.model_copy(update={"overrides": [swap]}))
    story.world.clock.set(MONDAY.replace(hour=8, minute=45))
    await story.hears("e1")
    await story.minutes(30)
    await story.closes()
    story.world.clock.set(MONDAY + DAY - HOUR / 4)
    await story.hears("e2")
    await story.minutes(30)

    assert [who for who, _ in story.told] == ["priya", "dan", "priya", "nia"]


async def test_a_provider_that_refuses_a_step_s_recipient_for_good_sends_it_to_the_fallback_contact() -> None:
    """As with any message; the trail says that they were told instead."""
    story = Story(people=[staff("priya"), staff("dan", email="dan@refused.example", mobile=None)])
    await story.hears("e1")
    await story.minutes(30)

    assert story.told[1:] == [("duty", 30)]
    assert story.run.steps[1].recipient == "fallback"


async def test_the_first_step_is_told_of_every_news() -> None:
    """A clinic whose duty desk takes alerts first has the alert's own message go there."""
    story = Story(escalation=policy((Who.DUTY, 0), (Who.CLINICIAN, 15)))
    await story.hears("e1")
    await story.minutes(5)
    await story.hears("e2")
    await story.minutes(10)

    assert story.told == [("dan", 0), ("dan", 5), ("priya", 15)]
    assert story.run.steps[0].told_clinician == "dan"
