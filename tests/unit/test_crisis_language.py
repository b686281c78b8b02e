"""The screen for crisis language: what it finds, what it leaves alone, what it owns up to not having read."""

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.screening import Screening
from shared.crisis_language import SCREEN, screen, screen_all
from shared.crisis_language.phrases import PHRASES

SLOW = ["saving up my ", "i want the all to ", "voices in my head tell ", "drive my car into the ", "not safe feel "]
"""Words that the longer phrases begin with."""


def signs(text: str) -> list[str]:
    found = screen(text)
    assert found is not None
    assert found.crisis_language is bool(found.signs)
    return found.signs


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("I want to die", "wish_to_die"),
        ("i wanna just DIE already", "wish_to_die"),
        ("I don't want to be here anymore.", "wish_to_die"),
        ("i dont want to be here any more", "wish_to_die"),
        ("I wish I hadn’t been born. I wish I was never born", "wish_to_die"),
        ("Sometimes I hope I just don't wake up", "wish_to_die"),
        ("I keep thinking about killing myself", "plan_or_means"),
        ("kms", "plan_or_means"),
        ("I have been saving all my pills", "plan_or_means"),
        ("last night I nearly jumped off the bridge", "plan_or_means"),
        ("I'm feeling suicidle", "suicide_named"),
        ("feeling sucidal tonight", "suicide_named"),
        ("I cut myself again", "self_harm"),
        ("the urge to self-harm is back", "self_harm"),
        ("I hurt my self", "self_harm"),
        ("This is goodbye everyone", "goodbye"),
        ("I can't take this any longer", "hopeless_trapped"),
        ("there is no reason to go on", "hopeless_trapped"),
        ("They would be better off without me", "burden"),
        ("I tried to end my life in March", "past_attempt"),
        ("I have thoughts of hurting my brother, I might kill him", "harm_to_others"),
    ],
)
def test_words_of_a_crisis_are_found_however_they_are_spelt(text: str, sign: str) -> None:
    """Small and large letters, apostrophes of any kind or none, contractions, common slips of the pen."""
    assert sign in signs(text)


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("I can't keep myself safe", "not_safe"),
        ("not safe tonight", "not_safe"),
        ("I'm not safe with myself.", "not_safe"),
        ("I do not feel safe on my own tonight", "not_safe"),
        ("I don’t know if I can stay safe", "not_safe"),
        ("unsafe", "not_safe"),
        ("I don't trust myself not to do it", "not_safe"),
        ("I am a danger to myself", "not_safe"),
        ("I have been saving up my tablets", "plan_or_means"),
        ("stockpiling my meds", "plan_or_means"),
        ("I've been hoarding all of mum's pills", "plan_or_means"),
        ("There's a stash of paracetamol under my bed", "plan_or_means"),
        ("the medication I have been saving", "plan_or_means"),
        ("I have enough tablets to do it", "plan_or_means"),
        ("had thoughts of ending things", "wish_to_die"),
        ("I keep thinking about ending it", "wish_to_die"),
        ("ending things would be easier", "wish_to_die"),
        ("I hate that I am alive", "wish_to_die"),
        ("I won't be able to keep myself safe this weekend", "not_safe"),
        ("I've been keeping my tablets back", "plan_or_means"),
        ("thoughts of crashing my car", "plan_or_means"),
        ("I have written letters to my kids to say goodbye", "goodbye"),
        ("I could just end things", "wish_to_die"),
        ("I want it to be over", "wish_to_die"),
        ("i want everything to end", "wish_to_die"),
        ("I just want it all to stop", "wish_to_die"),
        ("I need the pain to stop", "wish_to_die"),
        ("please make it stop", "wish_to_die"),
        ("i just want to sleep for ever", "wish_to_die"),
        ("I want to fall asleep and never wake up", "wish_to_die"),
        ("i hate being alive", "wish_to_die"),
        ("I'm gutted that I woke up", "wish_to_die"),
        ("I am so done with life", "wish_to_die"),
        ("relapsed and cut", "self_harm"),
        ("I cut last night", "self_harm"),
        ("drive into a tree", "plan_or_means"),
        ("I nearly swerved in front of a lorry", "plan_or_means"),
        ("my voices tell me to kill my mum", "harm_to_others"),
        ("my voices tell me to kill my mum", "voices"),
        ("The voice in my head says I should jump", "voices"),
        ("I have urges to stab my brother", "harm_to_others"),
        ("I'm scared I will hurt my baby", "harm_to_others"),
    ],
)
def test_a_crisis_in_everyday_words_is_found(text: str, sign: str) -> None:
    """Not being safe, means put by, wanting it to stop, a relapse, voices: British and American words alike."""
    assert sign in signs(text)


@pytest.mark.parametrize(
    "text",
    [
        "I felt safe at home today",
        "It is not safe to drive on these tablets, is it?",
        "Is it not safe to take ibuprofen with sertraline?",
        "I don't feel safe driving yet",
        "My tablets have run out and my prescription is late",
        "I am saving money for my medication costs",
        "I collected my prescription from the chemist",
        "The meds saved my life",
        "I was considering ending things with my boyfriend",
        "We are ending things at nine today",
        "Who is collecting my tablets from the chemist?",
        "I wrote a letter to my landlord",
        "I want it to stop raining",
        "I just want to get it over with before the exam",
        "I would like to stop the tablets",
        "I hate living with my parents",
        "I slept for ever this weekend",
        "I was upset when I woke up late",
        "I relapsed and drank, then cut down again",
        "We drove into town and parked the car",
        "My voice was hoarse and the doctor told me to rest",
    ],
)
def test_the_same_words_in_an_everyday_matter_are_left_alone(text: str) -> None:
    """Errands, weather, medication, other people: the words around them say so."""
    assert signs(text) == []


def test_texts_are_read_each_by_itself() -> None:
    """No words are put together that nobody wrote together, and what is found in one stays found beside another."""
    assert screen_all(["want to", "die"]) == Screening(crisis_language=False, screen=SCREEN)
    assert screen_all(["calm", "want to die", None]) == screen("want to die")
    assert screen_all(["suicidal", "want to die"]) == Screening(
        crisis_language=True, signs=["suicide_named", "wish_to_die"], screen=SCREEN
    )


def test_one_text_that_could_not_be_read_is_owned_up_to() -> None:
    """Unless words are found in another; where there is no text there is no word of the screen."""
    german = "Ich habe heute schlecht geschlafen und bin sehr müde"

    assert screen_all(["calm", german]) == Screening(crisis_language=False, screen=SCREEN, screened=False)
    assert screen_all(["suicidal", german]) == screen("suicidal")
    assert screen_all([]) is screen_all([None, " "]) is None


@pytest.mark.parametrize("text", ["I am not suicidal.", "I don't want to die", "I would never hurt myself"])
def test_a_denial_is_found_as_well(text: str) -> None:
    """Who denies it has thought of it, and a human reads it either way."""
    assert signs(text) != []


@pytest.mark.parametrize(
    "text",
    [
        "Is it normal to feel tired in the first week?",
        "When is my next session? I cannot make Tuesday.",
        "This deadline is killing me and my phone died.",
        "I laughed so much I nearly cried",
        "The tablets make me sleepy. Should I take them at night?",
        "I do not want to wake up early for the Monday appointment",
        "I would like to cut down on coffee",
        "We hung the pictures and I slept well.",
        "I feel anxious before meetings and my chest is tight",
    ],
)
def test_everyday_words_are_left_alone(text: str) -> None:
    """Figures of speech and practical questions raise nothing; they are read by a human in their turn."""
    assert screen(text) == Screening(crisis_language=False, screen=SCREEN)


@pytest.mark.parametrize(
    "text",
    [
        "Ich habe heute schlecht geschlafen und bin sehr müde",
        "Hoy me siento muy cansado y no puedo dormir bien por la noche",
        "Je ne dors pas bien et je suis très fatigué aujourd'hui",
        "Dzisiaj czuję się bardzo zmęczony i smutny",
        "هل هذا طبيعي؟",
        "我今天很累",
    ],
)
def test_a_text_in_another_language_is_said_to_be_unscreened(text: str) -> None:
    """Nothing found in it would be a false comfort."""
    assert screen(text) == Screening(crisis_language=False, screen=SCREEN, screened=False)


def test_a_word_that_names_suicide_is_found_in_another_language_too() -> None:
    """What is found counts, whatever the language."""
    assert signs("Ich habe seit gestern suizidale Gedanken und kann nicht schlafen") == ["suicide_named"]


@pytest.mark.parametrize("text", [None, "", " \n\t"])
def test_where_there_is_no_text_there_is_no_word_of_the_screen(text: str | None) -> None:
    """None is not the same as nothing found."""
    assert screen(text) is None


@given(st.text(max_size=2000))
def test_any_text_is_screened_the_same_twice_and_raises_nothing(text: str) -> None:
    """Whatever a phone sends; and its signs are names of ours, never words of the text."""
    found = screen(text)

    assert found == screen(text)
    assert found is None or set(found.signs) <= {phrase.sign for phrase in PHRASES} | {"suicide_named"}


@pytest.mark.parametrize(
    "filler", ["to ", "want to ", "i cant ", "no way to ", "not wish i was ", "kill the my ", *SLOW]
)
def test_no_text_makes_it_slow(filler: str) -> None:
    """The longest text there can be, made of the words phrases begin with, costs milliseconds and not seconds."""
    text = (filler * 1000)[:2000]
    began = process_time()
    screen(text)

    assert process_time() - began < 0.25
