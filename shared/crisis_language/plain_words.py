"""Phrases in which a crisis is said in everyday words: not being safe, wanting it to stop, tablets put by, voices.

Their words are common, so each says what makes them an everyday matter ("not safe to drive", "saving money", "ending
things with him"). What they cost in precision was measured: docs/screening.md.
"""

from typing import Final

from shared.crisis_language.phrase import Phrase

_PILLS: Final = (
    "pill pills tablet tablets tabs meds medication medications medicine medicines prescription prescriptions "
    "painkiller painkillers paracetamol tylenol ibuprofen aspirin codeine insulin antidepressants benzos opioids "
    "opiates sleepers doses"
)

PLAIN_WORDS: Final = (
    Phrase(
        "not_safe",
        "safe",
        r"\b(?:cant|cannot|can not|couldnt|could not|wont|will not|not|unable|struggl(?:e|ed|ing)|hard|difficult|if i "
        r"can|whether i can|how (?:\w+ ){0,2}?i can|how (?:do|can) i|how to|i could)(?: \w+){0,3}? (?:keep|keeping|"
        r"stay|staying|remain|be|being)(?: (?:my ?self|me))? safe\b<errand>",
    ),
    Phrase(
        "not_safe",
        "safe",
        r"\b(?:<not>|havent|hardly|barely)(?: \w+){0,2}? (?:feel|feeling|felt)(?: \w+)? safe\b<errand>",
    ),
    Phrase(
        "not_safe",
        "safe",
        r"\b(?:i am|im|am|ill|i will|i might|i may)(?: \w+)? not (?:be )?(?:\w+ )?safe\b<errand>|\bnot (?:feeling |"
        r"really |very |that |even |going to be |gonna be )?safe (?:tonight|today|now|right now|at the moment|alone|"
        r"on my own|by my ?self|at home|any ?more|here|at night|this (?:evening|weekend)|(?:with|from|around) (?:my "
        r"?self|my (?:own )?thoughts)|in my own)\b|^(?:\w+ )?not (?:\w+ )?safe$|\bsafe from my ?self\b",
    ),
    Phrase(
        "not_safe",
        "safe",
        r"\b(?:dont|do not|not|isnt|unsure)(?: (?:think|know|believe|sure|certain))?(?: (?:if|that|whether|how))? "
        r"(?:im|i am|ill|i will|i can|i could|id|i would)(?: \w+)?(?: my ?self)? safe\b<errand>",
    ),
    Phrase(
        "not_safe",
        "unsafe",
        r"\b(?:im|i am|i feel|feel(?:s|ing)?|felt)(?: \w+)? unsafe\b<errand>|^(?:\w+ )?unsafe$",
    ),
    Phrase(
        "not_safe",
        "danger risk threat",
        r"\b(?:danger|risk|threat) to (?:<self>|others|other people|my (?:kids?|children|family|baby))\b",
    ),
    Phrase(
        "not_safe",
        "trust",
        r"\btrust my ?self (?:tonight|alone|on my own|not to|to (?:be (?:left )?alone|(?:stay|keep|be) safe)|"
        r"(?:around|near|with) (?:\w+ )?(?:knife|knives|blades?|razors?|scissors|bridges?|trains|<pills>))\b",
    ),
    Phrase(
        "wish_to_die",
        "ending end",
        r"\bending (?:it|things|everything)\b(?! (?:all )?(?:with|between|on|at|early|by|before|there|here|for|well|"
        r"badly|in|up)\b)|\b<think> to (?:just )?end (?:it|things|everything|me)\b",
    ),
    Phrase(
        "wish_to_die",
        "ending",
        r"\b(?:<think>|consider(?:ed|ing)?|contemplat(?:e|ed|ing)|fe(?:el|lt|eling) like|talk(?:ed|ing)?|close to|"
        r"tempted by)(?: (?:of|about|on|just|that|these))* ending (?:all of (?:it|this)|this|me)"
        r"\b(?! (?:all )?(?:with|between|on|at|early|by|before)\b)",
    ),
    Phrase(
        "wish_to_die",
        "end",
        r"\b(?:want(?:ed|ing)?|wanna|going|gonna|ready|need(?:ed)?|might|could|tempted|about|desperate|rather|how)(?: "
        r"to)?(?: just)? end (?:it|things|everything|all of (?:it|this)|me)\b(?! (?:with|between|on|at|early|by|"
        r"before|up|as)\b)",
    ),
    Phrase(
        "wish_to_die",
        "stop stops stopped over end ends ended",
        r"\b(?:want(?:ed|ing|s)?|wanna|wish(?:ed|ing)?|need(?:ed|ing)?|long(?:ing)? for|pray(?:ed|ing)?|beg(?:ged|"
        r"ging)?|desperate for|cant wait for|ready for)(?: (?!get\b)\w+){0,2}? (?:it|this|everything|things|life|pain|"
        r"suffering|(?:the|my|these|those|all) (?:\w+ )?(?:life|pain|suffering|hurt|hurting|voices|thoughts|noise|"
        r"mind|brain|head|misery|torture|nightmare|world))(?: (?:all|just|finally|would|could|had|was|were|be|is|to|"
        r"of|this|it|that)){0,5}? (?:(?:stop|stops|stopped)\b(?! (?:raining|snowing|itching|bleeding|beeping|ringing|"
        r"working|before|after|when|at|by|for|being|making|taking|smoking|drinking|sending)\b)|(?:end|ends|ended)"
        r"\b(?! (?:well|on|up|in|at|with|by|before|early)\b)|over\b(?! (?:the|with|a|here|there|my|and)\b))",
    ),
    Phrase(
        "wish_to_die",
        "stop end",
        r"\bmak(?:e|ing) (?:it|this|everything|the (?:pain|voices|thoughts|noise|hurt)) (?:all |just )?(?:stop|end)"
        r"\b(?! (?:raining|itching|bleeding|beeping|ringing|working|well|on|up|in|at)\b)",
    ),
    Phrase(
        "wish_to_die",
        "done",
        r"\b(?:im|i am|so|just|completely|totally|utterly)(?: \w+)? done with (?:life|living|it all|everything|this "
        r"(?:life|world)|all (?:of )?this|being here)\b(?! (?:on|for|i)\b)",
    ),
    Phrase(
        "wish_to_die",
        "sleep asleep",
        r"\b(?:want(?:ed)?|wanna|wish|could|just|rather|like|love|hope|need|let me)(?: \w+){0,3}? (?:sleep|asleep)(?: "
        r"\w+){0,2}? (?:for ?ever|for good|for eternity|and (?:never|not) (?:\w+ ){0,2}?wake|never wake)\b",
    ),
    Phrase(
        "wish_to_die",
        "alive living existing existence",
        r"\b(?:hat(?:e|ed|ing)|despis(?:e|ed|ing)|loath(?:e|ed|ing)?|resent(?:ed)?|regret|dread|cant (?:stand|bear|"
        r"face)|cannot (?:stand|bear|face)|dont (?:like|enjoy)|no joy in)(?: \w+){0,3}? (?:alive|existing|existence|"
        r"living)\b(?! (?:with|in|at|on|near|next|by|like|room|alone|together|off|from|out|under|so|apart|far|"
        r"conditions?|situation|costs?|arrangements?|there|here)\b)",
    ),
    Phrase(
        "wish_to_die",
        "woke wake alive survived surviving",
        r"\b(?:disappointed|gutted|devastated|upset|angry|sad|sorry|annoyed|furious|regret)(?: (?:that|because|i|im|"
        r"am|was|to|be|have|had|ive|still|even|is|its|about)){0,4}? (?:woke up|wake up|alive|survived|surviving)\b(?! "
        r"(?:late|early|at|so|before|with|in|feeling)\b)",
    ),
    Phrase(
        "self_harm",
        "relapse relapsed relapses relapsing",
        r"\brelaps(?:e|ed|es|ing)(?: \w+){0,4}? (?:cut|cuts|cutting|self ?harm\w*|sh|scratch(?:ed|ing)?|blades?|"
        r"razors?|burn(?:t|ed|ing)?)\b(?! (?:down|back|out|off|short|ties|contact|the|my hair)\b)|\b(?:cut|cutting|"
        r"self ?harm\w*)(?! (?:down|back|out|off)\b)(?: \w+){0,3}? relaps",
    ),
    Phrase(
        "self_harm",
        "cut",
        r"(?:^|\b(?:i|ive|have|and|nearly|almost|just|then) )cut (?:again|last night|tonight|yesterday|this morning|"
        r"(?:too |so |really )?deep(?:er|ly)?|for the first time)\b",
    ),
    Phrase(
        "plan_or_means",
        "drive driving drove steer steering steered swerve swerving swerved crash crashing crashed plough ploughing "
        "plow plowing veer veering smash smashing slam slamming",
        r"\b(?:drive|driving|steer(?:ing)?|swerv(?:e|ing)|crash(?:ing)?|ploug?h?w?(?:ing)?|veer(?:ing)?|smash(?:ing)?|"
        r"slam(?:ming)?|(?:i|just|nearly|almost) (?:drove|crashed|swerved|steered))(?: (?:my|the|a|this|our|car|van|"
        r"bike|truck|straight|right|just|head|on|off|my ?self|it|full|speed|at)){0,5}? (?:into|under|off|in front of) "
        r"(?:(?:a|an|the|some|oncoming|on|coming|big|nearest|passing|side|of|central) ){0,4}?(?:trees?|walls?|bridge|"
        r"lorry|lorries|trucks?|traffic|barrier|reservation|cliff|river|lake|sea|canal|pole|post|lamp ?post|ditch|"
        r"train|pillar|guard ?rail|median|semi|pylon|cars?|edge|road)\b(?! parks?\b)",
    ),
    Phrase(
        "plan_or_means",
        _PILLS,
        r"\b(?:sav(?:e|ed|ing)|stock ?pil(?:e|es|ed|ing)|hoard(?:s|ed|ing)?|stash(?:es|ed|ing)?|squirrel(?:ed|led|ing|"
        r"ling)?|stor(?:ed|ing) up|put(?:ting)? (?:by|aside)|keeping back|kept back|hid(?:den|ing)?|stock(?:ed|ing) "
        r"up on|build(?:ing)? up|built up|collecting up|gather(?:ed|ing))(?: (?:up|away|by|all|of|my|the|some|his|her|"
        r"their|our|mums|moms|dads|enough|extra|spare|these|those|old|a|loads?|lots?|few|bunch|stash|too|many|more|"
        r"leftover|unused|sleeping|pain|prescription|back|bottles?|packs?|packets?|box|boxes|supply|and)){0,6}? "
        r"<pills>\b|\b(?:stock ?pile|stash|hoard) of (?:\w+ ){0,3}?<pills>\b",
    ),
    Phrase(
        "plan_or_means",
        _PILLS,
        r"\b<pills>(?: (?:that|which|i|ive|have|had|been|are|were|all)){0,4}? (?:sav(?:ed|ing)|stash(?:ed|ing)|"
        r"hoard(?:ed|ing)|stock ?pil(?:ed|ing)|hidden|put by)\b(?! (?:my|me|us|him|her|time|lives|money)\b)|\benough "
        r"(?:\w+ ){0,2}?<pills> (?:\w+ ){0,2}?to (?:kill|end|die|do it|overdose|finish|never|make sure|not wake|go to "
        r"sleep)\b",
    ),
    Phrase(
        "plan_or_means",
        _PILLS,
        r"\bkeep(?:ing)? (?:\w+ ){0,2}?<pills> back\b|\bcollecting (?:up |all |my |old |spare )+<pills>\b(?! (?:from|"
        r"at|for|on|today|tomorrow|later)\b)",
    ),
    Phrase(
        "plan_or_means",
        "crash crashing",
        r"\b(?:<think>|urges?|want|wanna|could)(?: \w+){0,3}? crash(?:ing)? (?:my |the |our )?(?:car|van|bike|truck)\b",
    ),
    Phrase(
        "goodbye",
        "letter letters note notes",
        r"\b(?:wrote|written|writing|left|leaving) (?:\w+ ){0,2}?(?:letters?|notes?)(?: \w+){0,6}? (?:goodbyes?|(?:im|"
        r"i am) gone)\b",
    ),
    Phrase(
        "voices",
        "voice voices demon demons devil satan vision visions head",
        r"\b(?:voices?|demons?|devil|satan|visions?|head)(?: (?:in|inside|my|head|the|are|is|keep|keeps|always|just|"
        r"all|that|was|were|started|been|have|has|now|again|who|which)){0,5}? (?:tell(?:s|ing)?|told|say(?:s|ing)?|"
        r"said|command(?:s|ed|ing)?|order(?:s|ed|ing)?|want(?:s|ed)?|scream(?:s|ing)?|shout(?:s|ed|ing)?|urg(?:e|es|"
        r"ing)|whisper(?:s|ing)?)(?: \w+){0,3}? (?:kill|hurt|harm|stab|murder|attack|strangle|shoot|burn|die|jump|cut|"
        r"do it|do (?:bad )?things|end|drown|hang|punish)\b",
    ),
    Phrase(
        "harm_to_others",
        "kill killing murder murdering stab stabbing strangle strangling suffocate smother smothering shoot shooting "
        "poison attack attacking drown",
        r"\b(?:tell(?:s|ing)?|told|<wish>|urges?|<think>|fe(?:el|lt|eling) like|going to|gonna|scared|afraid|"
        r"frightened|terrified)(?: \w+){0,4}? (?:kill|killing|murder|murdering|stab|stabbing|strangle|strangling|"
        r"suffocate|smother|smothering|shoot|shooting|poison|attack|attacking|drown) <them>\b",
    ),
    Phrase(
        "harm_to_others",
        "hurt hurting harm harming shake shaking",
        r"\b(?:tell(?:s|ing)?|told|<wish>|urges?|<think>|fe(?:el|lt|eling) like|going to|gonna|might|scared|afraid|"
        r"frightened|terrified)(?: \w+){0,4}? (?:hurt|hurting|harm|harming|shake|shaking) (?:my|the|our) (?:\w+ )"
        r"?(?:baby|kids?|child|children|son|daughter)\b",
    ),
)
"""What version 2 of the screen added."""
