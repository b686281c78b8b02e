"""PCL-5: twenty problems after a very stressful experience, over the past month.

Cut-offs of 31 to 33 are published, and reliable changes of 10 and of 15; none is confirmed as the one to use, so a
clinic that works with one sets it.
"""

from typing import Final

from services.mood.domain.instruments.declaration import Instrument, Item, Licence, Wording

PCL5: Final = Instrument(
    name="pcl5",
    measure="pcl5",
    title="PCL-5",
    items={str(n): Item(minimum=0, maximum=4) for n in range(1, 21)},
    minimum=0,
    maximum=80,
    recall_days=30,
    licence=Licence.PUBLIC_DOMAIN,
    source="Weathers and colleagues 2013, US National Center for PTSD",
    wording=Wording(
        stem="In the past month, how much were you bothered by:",
        items={
            "1": "Repeated, disturbing, and unwanted memories of the stressful experience?",
            "2": "Repeated, disturbing dreams of the stressful experience?",
            "3": "Suddenly feeling or acting as if the stressful experience were actually happening again (as if you "
            "were actually back there reliving it)?",
            "4": "Feeling very upset when something reminded you of the stressful experience?",
            "5": "Having strong physical reactions when something reminded you of the stressful experience (for "
            "example, heart pounding, trouble breathing, sweating)?",
            "6": "Avoiding memories, thoughts, or feelings related to the stressful experience?",
            "7": "Avoiding external reminders of the stressful experience (for example, people, places, conversations, "
            "activities, objects, or situations)?",
            "8": "Trouble remembering important parts of the stressful experience?",
            "9": "Having strong negative beliefs about yourself, other people, or the world (for example, having "
            "thoughts such as: I am bad, there is something seriously wrong with me, no one can be trusted, the world "
            "is completely dangerous)?",
            "10": "Blaming yourself or someone else for the stressful experience or what happened after it?",
            "11": "Having strong negative feelings such as fear, horror, anger, guilt, or shame?",
            "12": "Loss of interest in activities that you used to enjoy?",
            "13": "Feeling distant or cut off from other people?",
            "14": "Trouble experiencing positive feelings (for example, being unable to feel happiness or have loving "
            "feelings for people close to you)?",
            "15": "Irritable behavior, angry outbursts, or acting aggressively?",
            "16": "Taking too many risks or doing things that could cause you harm?",
            "17": "Being “superalert” or watchful or on guard?",
            "18": "Feeling jumpy or easily startled?",
            "19": "Having difficulty concentrating?",
            "20": "Trouble falling or staying asleep?",
        },
        answers={0: "Not at all", 1: "A little bit", 2: "Moderately", 3: "Quite a bit", 4: "Extremely"},
        attribution="US National Center for PTSD, Department of Veterans Affairs; public domain.",
    ),
)
