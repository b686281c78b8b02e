"""The phrases of the screen, in words of our own, by what kind of words they are. A change counts SCREEN up.

They are matched on text in small letters, without apostrophes, its words parted by one space: "don't" is `dont`. A
phrase is tried where one of its anchors is among the words. A negation is kept as a hit on purpose: who writes that
they do not want to die has thought of it, and a human reads it either way.
"""

from typing import Final

from shared.crisis_language.phrase import Phrase
from shared.crisis_language.plain_words import PLAIN_WORDS

STEMS: Final = (
    "suicid", "sucid", "suicde", "suiside", "suisid", "suacid", "suiced", "siucid", "suizid", "suicied", "unaliv",
    "sewerslide", "parasuicid",
)  # fmt: skip
"""Parts of words that name suicide, misspelt ones and those of some other languages among them."""

_WRITTEN: Final = (
    Phrase(
        "wish_to_die",
        "die dead dying death",
        r"<wish><gap> (?:to )?(?:just )?(?:die|be dead|was dead|were dead|am dead|death)\b",
    ),
    Phrase(
        "wish_to_die",
        "die dead dying death",
        r"<think> (?:\w+ )?(?:about|of|on) (?:\w+ ){0,2}?(?:dying|(?<!after )death|being dead|my death|"
        r"how to die)\b",
    ),
    Phrase(
        "wish_to_die",
        "die dead",
        r"(?:i|id|ill|im|me) <gap>(?:should|could|rather|might|may|better|might as well|deserve to|"
        r"feel like i) (?:\w+ ){0,2}?(?:die|be dead)\b",
    ),
    Phrase(
        "wish_to_die",
        "die dead dying",
        r"\b(?:rather (?:die|be dead)|feel like dying|better (?:off )?dead|if i (?:just )?(?:die|died|"
        r"was dead|were dead)|when im dead|let me die|ready to die|live or die|dead or alive|"
        r"im better off dead|want death)\b",
    ),
    Phrase(
        "wish_to_die",
        "death",
        r"\b(?:death wish|wish(?:ing)? for death|welcome death|peaceful death|my own death|painless death|"
        r"crave death|craving death)\b",
    ),
    Phrase(
        "wish_to_die",
        "live living alive life exist existing existence",
        r"\b<not> (?:\w+ ){0,2}?(?:want|wanna|wish|like|deserve|care|see|feel like)(?: to| if| about| myself|"
        r" i|s)*<gap> (?:live|living|be alive|being alive|life|exist|existing|go on living|keep living)\b",
    ),
    Phrase(
        "wish_to_die",
        "live living alive life exist existing existence lives",
        r"\b(?:tired|sick|done|over|weary|fed up|exhausted) (?:of|with|by) (?:\w+ )?(?:living|life|"
        r"being alive|existing|existence|this life)\b",
    ),
    Phrase(
        "wish_to_die",
        "alive exist existing born",
        r"\bwish(?:ed|ing|es)? (?:\w+ ){0,2}?(?:wasnt|wasn|werent|was not|were not|was never|were never|"
        r"had never|never|didnt|did not|not|hadnt|am not)(?: been| be)? (?:alive|born|exist|existing|here)\b",
    ),
    Phrase(
        "wish_to_die",
        "exist existing alive breathing",
        r"\b(?:cease to exist|stop (?:existing|being alive|breathing)|why am i (?:still )?(?:alive|here|"
        r"breathing)|still be(?:ing)? alive|forced to exist|not exist <more>|wasnt alive|werent alive)\b",
    ),
    Phrase(
        "wish_to_die",
        "wake waking woke",
        r"\b(?:not|never|dont|didnt|wouldnt|wont|without|didn|couldnt)(?: \w+){0,2} (?:wak(?:e|ing)|"
        r"woke)(?: back)? up\b(?! (?:in time|early|late|on time|until|till|at|before|refreshed|feeling))",
    ),
    Phrase(
        "wish_to_die",
        "disappear vanish",
        r"\b(?:want|wanna|wish|could|just|should|rather|hope)(?: \w+){0,3} (?:disappear|vanish)\b",
    ),
    Phrase(
        "wish_to_die",
        "sleep",
        r"\b(?:sleep forever|eternal sleep|go to sleep (?:forever|and (?:never|not))|sleep and (?:never|"
        r"not) wak)",
    ),
    Phrase(
        "wish_to_die",
        "here around",
        r"\b(?:(?:dont|do not|didnt|no longer|not) (?:want|wanna|deserve|"
        r"belong)(?: \w+){0,2}? (?:be )?(?:here|around)\b(?: <more>)?|shouldnt (?:even )?be here\b|"
        r"should not be here\b|(?:when|once|if) (?:im|i am|i was|i were|i) (?:not|no longer|wasnt|"
        r"werent) (?:here|around)\b|not be here (?:any ?more|tomorrow))",
    ),
    Phrase(
        "wish_to_die",
        "world earth planet",
        r"\b(?:not|leave|leaving|out of|off|without me in|exit) (?:in |being in |on )?(?:this|the) (?:world|"
        r"earth|planet)\b(?! war)",
    ),
    Phrase(
        "wish_to_die",
        "end ending ended ends",
        r"\b(?:end(?:ing|ed)? (?:it all|my (?:own )?life|my (?:pain|suffering|misery|existence)|everything|"
        r"myself)|(?:want|wanna|wish|going|ready|need|could|just|make|should)(?: \w+){0,2}? (?:it|this|"
        r"everything|life)(?: \w+)? (?:to end|ends?|over with|be over)|thinking (?:of|about) ending (?:it|"
        r"things|everything)|end (?:it|things) (?:tonight|today|now|soon|for good))\b",
    ),
    Phrase(
        "plan_or_means",
        "kill killing killed kms kys",
        r"\bkill(?:ed|ing|s)? (?:\w+ )?(?:<self>|me off)\b|\bkms\b|\bkys\b",
    ),
    Phrase(
        "plan_or_means",
        "life lives live",
        r"\b(?:tak(?:e|en|ing)|took|finish(?:ing)?) (?:my|his|her|their|your) own li(?:fe|ves)\b|\b(?:tak(?:e|"
        r"ing)|took|finish(?:ing)?) my life\b(?! (?:back|seriously|in|to|into|over|for|one|day))",
    ),
    Phrase(
        "plan_or_means",
        "hang hanging hung hanged noose rope",
        r"\b(?:hang(?:ing|ed)?|hung) (?:<self>|from)\b|\bnoose\b|\brope (?:around|round) (?:my|the) neck\b|"
        r"\b(?:buy|bought|buying|got|get) (?:a|some|the) rope\b",
    ),
    Phrase(
        "plan_or_means",
        "overdose overdosed overdosing od oding odd pills tablets meds pill paracetamol tylenol",
        r"\boverdos|\b(?:to|and|will|of|gonna|could) od\b|\b(?:take|taking|took|swallow(?:ed|ing)?|down|eat|"
        r"save|saving|hoard(?:ed|ing)?|stash(?:ed|ing)?)(?: \w+){0,2}? (?:all|whole|handful|bottle|too many|"
        r"lots?|every|enough)(?: \w+){0,4}? (?:pills?|tablets|meds|medication|paracetamol|tylenol)\b",
    ),
    Phrase(
        "plan_or_means",
        "jump jumping jumped leap leaping",
        r"\b(?:jump(?:ing|ed)?|leap(?:ing|t)?) (?:\w+ )?(?:off|from|out|in front|into traffic|under)\b|"
        r"\b(?:want to|wanna|about to|going to|gonna) jump\b(?! (?:in|on|for|ship|to))",
    ),
    Phrase(
        "plan_or_means",
        "traffic front train bus lorry truck tube oncoming",
        r"\b(?:walk(?:ing)?|step(?:ping)?|throw(?:ing)? my ?self|run(?:ning)?) (?:\w+ )?(?:in front of|into|"
        r"under) (?:a |the |oncoming |on coming )*(?:traffic|car|cars|train|bus|lorry|truck|tube)\b",
    ),
    Phrase(
        "plan_or_means",
        "crash crashing drive driving slam wreck steer train bus hit",
        r"\b(?:crash|driv(?:e|ing)|slam|wreck|steer)(?:ing)? (?:my |the )?(?:car|truck|bike)(?: \w+)? (?:off|"
        r"into)\b|\b(?:slam|wreck) my (?:car|truck)\b|\bhit by (?:a|the) (?:train|bus)\b|\b(?:i|"
        r"me)(?: \w+){0,2}? hit by (?:a|the) (?:car|truck|lorry)\b",
    ),
    Phrase(
        "plan_or_means",
        "bridge roof cliff ledge balcony tracks railway",
        r"\b(?:off|from|on) (?:a|the|my|that) (?:\w+ )?(?:bridge|roof|cliff|ledge|balcony)\b(?= (?:and|or|to|"
        r"so|because|today|tonight|now)|$)|\b(?:lie|lay|lying|stand|standing) (?:down )?(?:on|at|"
        r"by) the (?:railway|train|tracks)",
    ),
    Phrase(
        "plan_or_means",
        "shoot shooting shot gun stab stabbing drown drowning suffocate suffocating electrocute electrocuting "
        "poison gas brains",
        r"\b(?:shoot|shooting|shot|stab|stabbing|drown|drowning|suffocat(?:e|ing)|electrocut(?:e|ing)|"
        r"poison(?:ing)?|gas|gassing) <self>\b(?! (?:in|with) (?:work|anger|sorrow|my))|\bgun to my\b|"
        r"\bblow(?:ing)? my brains?\b",
    ),
    Phrase(
        "plan_or_means",
        "note will belongings possessions plan planned means way ways method",
        r"\b(?:suicide|goodbye|farewell|final) (?:note|letter|message)s?\b|\bgiv(?:e|en|"
        r"ing) away (?:all )?(?:my|of my|everything)(?: \w+)?|\bexit plan\b|\b(?:ways?|method|means|how|"
        r"plan(?:ned|ning)?|easiest|quickest|painless)(?: \w+){0,2}? to (?:die|end it|end my|do it|"
        r"go)(?= painless| quick|$|\b(?! (?:to|on|out|back|about|for|through|with)))",
    ),
    Phrase(
        "plan_or_means",
        "die dying",
        r"\b(?:going to|gonna|about to|will|ill) die (?:today|tonight|by my|soon by)|\b(?:drink|starve|"
        r"starving|drinking|smoke|bleed|cry)(?:ing)? my ?self to (?:death|die)|how to die\b",
    ),
    Phrase(
        "plan_or_means",
        "death",
        r"\b(?:drink|drinking|starve|starving|bleed|bleeding|freeze|burn)(?:ing)? (?:my ?self |"
        r"out )?to death\b",
    ),
    Phrase(
        "plan_or_means",
        "myself self selves mysel myslef something stupid",
        r"\bdo (?:something|anything) (?:stupid|drastic|permanent|bad|silly) ?(?:to my ?self)?|\b(?:do|did|"
        r"done|doing)(?: \w+){0,2}? (?:away with|in) my ?self\b",
    ),
    Phrase(
        "self_harm",
        "harm harming harmed harms selfharm selfharming selfharmed sh",
        r"\bself ?harm|\bharm(?:ed|ing|s)? <self>|\bself injur|\bharm to my ?self",
    ),
    Phrase(
        "self_harm",
        "injure injuring injured injury injurious mutilate mutilating mutilation mutilated",
        r"\binjur(?:e|ing|ed) <self>|\bself injur|\bmutilat",
    ),
    Phrase(
        "self_harm",
        "hurt hurting hurts hurted",
        r"\bhurt(?:s|ing|ed)? <self>\b",
    ),
    Phrase(
        "self_harm",
        "cut cuts cutting cutted cutter slit slitting slash slashing slice slicing carve carved wrist wrists",
        r"\b(?:cut|cuts|cutting|slit(?:ting)?|slash(?:ed|ing)?|slic(?:e|ed|ing)|carv(?:e|ed|ing)|stab(?:bed|"
        r"bing)?)(?: \w+)? (?:<self>|(?:my|his|her|their) (?:\w+ )?(?:wrists?|arms?|legs?|thighs?|skin|"
        r"stomach|body|throat|veins?))\b|\b(?:urges?|want|wanna|wanted|need|started|start|stopped|stop|used|"
        r"addicted|back|relapsed|been|keep|quit|clean from) (?:to |from |with )?(?:cut|cutting)\b(?! (?:it|"
        r"him|her|them|ties|off|down|back|out|contact|my|the|people|all|things|everyone|someone|a|this|that))|"
        r"\bcutting again\b|\bself cut",
    ),
    Phrase(
        "self_harm",
        "burn burning burned burnt bite biting hit hitting punch punching punched scratch scratching "
        "scratched choke choking pick picking wound wounding starve starving strangle bang banging",
        r"\b(?:burn(?:ed|t|ing)?|bit|bite|biting|hit|hitting|punch(?:ed|ing)?|scratch(?:ed|ing)?|chok(?:e|ed|"
        r"ing)|wound(?:ed|ing)?|starv(?:e|ed|ing)|strangl(?:e|ed|ing)) (?:<self>|my (?:own )?(?:arms?|legs?|"
        r"skin|wrists?|thighs?|face|neck))\b|\b(?:bang(?:ed|ing)?|hit|hitting|smash(?:ed|ing)?) my head\b|"
        r"\bpick(?:ed|ing)? (?:at )?my skin\b",
    ),
    Phrase(
        "goodbye",
        "goodbye goodbyes farewell bye forgive",
        r"\b(?:this is|final|last|my|say(?:ing)?|said)(?: \w+){0,2}? (?:goodbyes|farewell|final goodbye)\b|"
        r"\b(?:this is|final|last|a) goodbye\b|\bgoodbye (?:everyone|everybody|all|world|forever|cruel)\b|"
        r"\bforgive me for what im\b",
    ),
    Phrase(
        "goodbye",
        "gone miss missed notice",
        r"\b(?:when|once|after|if) (?:im|i am|i was|i were) gone\b|\b(?:no ?one|nobody|wouldnt|would not|will|"
        r"wont)(?: \w+){0,2}? (?:miss|notice)(?: \w+)? (?:me|if i|when i|i was)\b",
    ),
    Phrase(
        "goodbye",
        "funeral ashes eulogy",
        r"\b(?:my (?:own )?funeral|my ashes|at my funeral)\b",
    ),
    Phrase(
        "goodbye",
        "last",
        r"\b(?:my last|be my last) (?:day|night|message|words|christmas|birthday)\b|"
        r"\bthis is the last (?:time|message) (?:you|youll|i|ill)\b",
    ),
    Phrase(
        "hopeless_trapped",
        "reason point purpose nothing worth left",
        r"\b(?:no|any|not a|without|little|see the|see(?:ing)? no|see any|whats the|what is the|what be the|"
        r"isnt any|isnt a)(?: \w+)? (?:reasons?|point|purpose|use)(?: \w+){0,4}? (?:live|living|life|alive|"
        r"going on|go on|existing|exist|carry on|carrying on|wake|here|<more>)\b|"
        r"\bnothing (?:left )?to live for\b|\bnothing (?:left )?(?:to lose|for me here)\b|\b(?:life|it|"
        r"living) (?:is|isnt|is not|be|feels|seems|not)(?: \w+){0,2}? worth (?:living|it any ?more)\b|"
        r"\bnot worth living\b",
    ),
    Phrase(
        "hopeless_trapped",
        "pointless meaningless over shit hell unbearable",
        r"\b(?:my )?(?:life|existence|living) (?:is|has become|feels|seems|was|be)(?: \w+)? (?:pointless|"
        r"meaningless|over|unbearable|useless)\b(?! (?:\w+)?(?:ly|th))",
    ),
    Phrase(
        "hopeless_trapped",
        "anymore more longer go take cope do handle carry",
        r"\b(?:cant|cannot|can not|couldnt|dont know how (?:much|long)|not able to|"
        r"unable to)(?: \w+)? (?:go on|take|do|cope|handle|carry on|bear|live|stand|face)<gap> <more>|"
        r"\b(?:cant|cannot|can not|dont want to|couldnt|dont think i can) (?:go on|carry on|"
        r"keep going)\b(?! (?:like|with|a|the|to|living like|dates?|holiday|vacation))|\bcant (?:take|do|"
        r"live with) (?:this|the) (?:pain|life)\b",
    ),
    Phrase(
        "hopeless_trapped",
        "way escape exit",
        r"\b(?:no|only|any|see|isnt a|is there a) (?:other )?(?:way out|way to (?:escape|end|"
        r"stop the pain))\b|\bonly (?:escape|exit)\b",
    ),
    Phrase(
        "hopeless_trapped",
        "edge ledge rope crisis",
        r"\b(?:on the ledge|end of my (?:rope|tether)|in (?:a )?crisis\b(?! of)|scared of (?:what i might|my ?self)|"
        r"crisis (?:line|hotline|text))\b",
    ),
    Phrase(
        "hopeless_trapped",
        "give giving gave given",
        r"\b(?:giv(?:e|en|ing)|gave) up on (?:life|living|everything|my ?self|my life)\b|\b(?:want|ready|"
        r"about|going|just wanna|close) (?:to )?giv(?:e|ing) up\b(?! (?:my|the|on |smoking|drinking|alcohol|"
        r"work|meat|a|his|her))",
    ),
    Phrase(
        "hopeless_trapped",
        "will",
        r"\bno will to (?:live|go on)\b|\blost (?:the|my|all) will\b",
    ),
    Phrase(
        "burden",
        "without burden waste",
        r"\b(?:better|happier|easier)(?: off)?(?: \w+)? (?:without me|if i (?:was|were|wasnt|werent|died|"
        r"didnt))\b|\b(?:im|am|be|being|feel like|become|just) (?:such )?(?:a|just a|only a) (?:burden|"
        r"waste of space)\b|\bwaste of (?:space|oxygen|air)\b",
    ),
    Phrase(
        "past_attempt",
        "attempt attempted attempts attempting tried try",
        r"\b(?:attempt(?:ed|ing|s)?|tried|try(?:ing)?)<gap> (?:to )?(?:kill <self>|tak(?:e|ing) (?:my|his|her|"
        r"their) (?:own )?li(?:fe|ves)|end (?:it all|my (?:own )?life)|hang <self>|od|overdose|die)\b|"
        r"\b(?:past|previous|last|my|another|an|failed) attempts?\b(?= (?:on my life|to end|to kill|to die)|$)",
    ),
    Phrase(
        "harm_to_others",
        "kill killing murder murdering stab shoot hurt harm strangle",
        r"\b(?:<wish>|<think>|going|gonna|about|how i could|i could|might|might just)<gap> (?:kill|killing|"
        r"murder|murdering|stab|stabbing|shoot|shooting|strangle|hurt|harm) (?:him|her|them|someone|somebody|"
        r"people|everyone|my (?:\w+ )?(?:husband|wife|partner|boyfriend|girlfriend|mother|mum|mom|father|dad|"
        r"brother|sister|baby|kids?|children|son|daughter|boss))\b",
    ),
)


PHRASES: Final = tuple(phrase.in_full for phrase in (*_WRITTEN, *PLAIN_WORDS))
"""Every phrase of the screen."""

_SMALL_WORDS: Final = (
    "about after all and are bad be because been before but cant could day did didnt do does dont feel "
    "feeling felt for from get good got had has have her his how i id if im it its ive just know like more "
    "much my not of or our really she should sleep slept some still than that the them then there they think "
    "this times tired to today very want we week what when who why with work would yesterday you your"
)
ENGLISH: Final = frozenset(_SMALL_WORDS.split())
"""Small words of everyday English: a longer text with hardly any of them is taken for another language."""
