"""The phrases of the screen, in words of our own, by what kind of words they are. A change counts SCREEN up.

They are matched on text in small letters, without apostrophes, its words parted by one space: "don't" is `dont`. A
phrase is tried where one of its anchors is among the words. A negation is kept as a hit on purpose: who writes that
they do not want to die has thought of it, and a human reads it either way.
"""

from typing import Final, NamedTuple


class Phrase(NamedTuple):
    """A kind of words, those of its words one of which must be there, and how the whole may run (a regex)."""

    sign: str
    anchors: str
    pattern: str


STEMS: Final = (
    "suicid", "sucid", "suicde", "suiside", "suisid", "suacid", "suiced", "siucid", "suizid", "suicied", "unaliv",
    "sewerslide", "parasuicid",
)  # fmt: skip
"""Parts of words that name suicide, misspelt ones and those of some other languages among them."""

_NOT: Final = r"(?:dont|do not|didnt|did not|doesnt|not|never|no longer|cant|can not|cannot|couldnt|wouldnt)"
_WISH: Final = r"(?:want(?:ed|ing|s)?|wanna|wish(?:ed|ing|es)?|hop(?:e|ed|ing)|ready|beg(?:ging|ged)?|pray(?:ed|ing)?)"
_THINK: Final = r"(?:think(?:ing|s)?|thoughts?|thought|urges?|plan(?:s|ned|ning)?|idea|ideas|dream(?:t|ing|s)?)"
_SELF: Final = r"(?:my ?self|me ?self|mysel|myslef|himself|herself|themsel(?:f|ves)|yourself)"
_GAP: Final = r"(?: \w+){0,3}?"
_MORE: Final = r"(?:any ?more|any longer|much longer)"

PHRASES: Final = (
    Phrase("wish_to_die", "die dead dying death",
           rf"{_WISH}{_GAP} (?:to )?(?:just )?(?:die|be dead|was dead|were dead|am dead|death)\b"),
    Phrase("wish_to_die", "die dead dying death",
           rf"{_THINK} (?:\w+ )?(?:about|of|on) (?:\w+ ){{0,2}}?(?:dying|(?<!after )death|being dead|my death|how to die)\b"),
    Phrase("wish_to_die", "die dead", rf"(?:i|id|ill|im|me) {_GAP}(?:should|could|rather|might|may|better|might as "
           r"well|deserve to|feel like i) (?:\w+ ){0,2}?(?:die|be dead)\b"),
    Phrase("wish_to_die", "die dead dying",
           r"\b(?:rather (?:die|be dead)|feel like dying|better (?:off )?dead|if i (?:just )?(?:die|died|was dead|were "
           r"dead)|when im dead|let me die|ready to die|live or die|dead or alive|im better off dead|want death)\b"),
    Phrase("wish_to_die", "death", r"\b(?:death wish|wish(?:ing)? for death|welcome death|peaceful death|my own "
           r"death|painless death|crave death|craving death)\b"),
    Phrase("wish_to_die", "live living alive life exist existing existence",
           rf"\b{_NOT} (?:\w+ ){{0,2}}?(?:want|wanna|wish|like|deserve|care|see|feel like)(?: to| if| about| myself|"
           rf" i|s)*{_GAP} (?:live|living|be alive|being alive|life|exist|existing|go on living|keep living)\b"),
    Phrase("wish_to_die", "live living alive life exist existing existence lives",
           r"\b(?:tired|sick|done|over|weary|fed up|exhausted) (?:of|with|by) (?:\w+ )?(?:living|life|being alive|"
           r"existing|existence|this life)\b"),
    Phrase("wish_to_die", "alive exist existing born",
           r"\bwish(?:ed|ing|es)? (?:\w+ ){0,2}?(?:wasnt|wasn|werent|was not|were not|was never|were never|had never|"
           r"never|didnt|did not|not|hadnt|am not)(?: been| be)? (?:alive|born|exist|existing|here)\b"),
    Phrase("wish_to_die", "exist existing alive breathing", r"\b(?:cease to exist|stop (?:existing|being alive|"
           r"breathing)|why am i (?:still )?(?:alive|here|breathing)|still be(?:ing)? alive|forced to exist|not exist "
           rf"{_MORE}|wasnt alive|werent alive)\b"),
    Phrase("wish_to_die", "wake waking woke",
           r"\b(?:not|never|dont|didnt|wouldnt|wont|without|didn|couldnt)(?: \w+){0,2} (?:wak(?:e|ing)|woke)(?: back)? "
           r"up\b(?! (?:in time|early|late|on time|until|till|at|before|refreshed|feeling))"),
    Phrase("wish_to_die", "disappear vanish", r"\b(?:want|wanna|wish|could|just|should|rather|hope)(?: \w+){0,3} "
           r"(?:disappear|vanish)\b"),
    Phrase("wish_to_die", "sleep", r"\b(?:sleep forever|eternal sleep|go to sleep (?:forever|and (?:never|not))|sleep "
           r"and (?:never|not) wak)"),
    Phrase("wish_to_die", "here around", r"\b(?:(?:dont|do not|didnt|no longer|not) (?:want|wanna|deserve|belong)"
           rf"(?: \w+){{0,2}}? (?:be )?(?:here|around)\b(?: {_MORE})?|shouldnt (?:even )?be here\b|should not be "
           r"here\b|(?:when|once|if) (?:im|i am|i was|i were|i) (?:not|no longer|wasnt|werent) (?:here|around)\b|"
           r"not be here (?:any ?more|tomorrow))"),
    Phrase("wish_to_die", "world earth planet", r"\b(?:not|leave|leaving|out of|off|without me in|exit) (?:in |being "
           r"in |on )?(?:this|the) (?:world|earth|planet)\b(?! war)"),
    Phrase("wish_to_die", "end ending ended ends", r"\b(?:end(?:ing|ed)? (?:it all|my (?:own )?life|my (?:pain|"
           r"suffering|misery|existence)|everything|myself)|(?:want|wanna|wish|going|ready|need|could|just|make|should)"
           r"(?: \w+){0,2}? (?:it|this|everything|life)(?: \w+)? (?:to end|ends?|over with|be over)|thinking (?:of|"
           r"about) ending (?:it|things|everything)|end (?:it|things) (?:tonight|today|now|soon|for good))\b"),
    Phrase("plan_or_means", "kill killing killed kms kys kill", rf"\bkill(?:ed|ing|s)? (?:\w+ )?(?:{_SELF}|me off)\b|"
           r"\bkms\b|\bkys\b"),
    Phrase("plan_or_means", "life lives live", r"\b(?:tak(?:e|en|ing)|took|finish(?:ing)?) (?:my|his|her|their|your) "
           r"own li(?:fe|ves)\b|\b(?:tak(?:e|ing)|took|finish(?:ing)?) my life\b(?! (?:back|seriously|in|to|into|over|"
           r"for|one|day))"),
    Phrase("plan_or_means", "hang hanging hung hanged noose rope", rf"\b(?:hang(?:ing|ed)?|hung) (?:{_SELF}|from)\b|"
           r"\bnoose\b|\brope (?:around|round) (?:my|the) neck\b|\b(?:buy|bought|buying|got|get) (?:a|some|the) rope\b"),
    Phrase("plan_or_means", "overdose overdosed overdosing od oding odd pills tablets meds pill paracetamol tylenol",
           r"\boverdos|\b(?:to|and|will|of|gonna|could) od\b|\b(?:take|taking|took|swallow(?:ed|ing)?|down|eat|save|"
           r"saving|hoard(?:ed|ing)?|stash(?:ed|ing)?)(?: \w+){0,2}? (?:all|whole|handful|bottle|too many|lots?|every|"
           r"enough)(?: \w+){0,4}? (?:pills?|tablets|meds|medication|paracetamol|tylenol)\b"),
    Phrase("plan_or_means", "jump jumping jumped leap leaping",
           r"\b(?:jump(?:ing|ed)?|leap(?:ing|t)?) (?:\w+ )?(?:off|from|out|in front|into traffic|under)\b|\b(?:want to|"
           r"wanna|about to|going to|gonna) jump\b(?! (?:in|on|for|ship|to))"),
    Phrase("plan_or_means", "traffic front train bus lorry truck tube oncoming",
           r"\b(?:walk(?:ing)?|step(?:ping)?|throw(?:ing)"
           r"? my ?self|run(?:ning)?) (?:\w+ )?(?:in front of|into|under) (?:a |the |oncoming |on coming )*(?:traffic|"
           r"car|cars|train|bus|lorry|truck|tube)\b"),
    Phrase("plan_or_means", "crash crashing drive driving slam wreck steer train bus hit",
           r"\b(?:crash|driv(?:e|ing)|slam|wreck|steer)(?:ing)? (?:my |the )?"
           r"(?:car|truck|bike)(?: \w+)? (?:off|into)\b|\b(?:slam|wreck) my (?:car|truck)\b|\bhit by (?:a|the) (?:train|"
           r"bus)\b|\b(?:i|me)(?: \w+){0,2}? hit by (?:a|the) (?:car|truck|lorry)\b"),
    Phrase("plan_or_means", "bridge roof cliff ledge balcony tracks railway", r"\b(?:off|from|on) (?:a|the|my|that) "
           r"(?:\w+ )?(?:bridge|roof|cliff|ledge|balcony)\b(?= (?:and|or|to|so|because|today|tonight|now)|$)|"
           r"\b(?:lie|lay|lying|stand|standing) (?:down )?(?:on|at|by) the (?:railway|train|tracks)"),
    Phrase("plan_or_means", "shoot shooting shot gun stab stabbing drown drowning suffocate suffocating electrocute "
           "electrocuting poison gas brains", rf"\b(?:shoot|shooting|shot|stab|stabbing|drown|drowning|suffocat(?:e|ing)|"
           rf"electrocut(?:e|ing)|poison(?:ing)?|gas|gassing) {_SELF}\b(?! (?:in|with) (?:work|anger|sorrow|my))|\bgun to my\b|\bblow(?:ing)? my brains?\b"),
    Phrase("plan_or_means", "note will belongings possessions plan planned means way ways method", r"\b(?:suicide|"
           r"goodbye|farewell|final) (?:note|letter|message)s?\b|\bgiv(?:e|en|ing) away (?:all )?(?:my|of my|everything)"
           r"(?: \w+)?|\bexit plan\b|\b(?:ways?|method|means|how|plan(?:ned|ning)?|easiest|quickest|painless)(?: \w+){0,2}"
           r"? to (?:die|end it|end my|do it|go)(?= painless| quick|$|\b(?! (?:to|on|out|back|about|for|through|with)))"),
    Phrase("plan_or_means", "die dying", r"\b(?:going to|gonna|about to|will|ill) die (?:today|tonight|by my|soon by)|"
           r"\b(?:drink|starve|starving|drinking|smoke|bleed|cry)(?:ing)? my ?self to (?:death|die)|how to die\b"),
    Phrase("plan_or_means", "death", r"\b(?:drink|drinking|starve|starving|bleed|bleeding|freeze|burn)(?:ing)? (?:my ?"
           r"self |out )?to death\b"),
    Phrase("plan_or_means", "myself self selves mysel myslef something stupid", r"\bdo (?:something|anything) (?:stupid|"
           r"drastic|permanent|bad|silly) ?(?:to my ?self)?|\b(?:do|did|done|doing)(?: \w+){0,2}? (?:away with|in) "
           r"my ?self\b"),
    Phrase("self_harm", "harm harming harmed harms selfharm selfharming selfharmed sh", r"\bself ?harm|\bharm(?:ed|ing|"
           rf"s)? {_SELF}|\bself injur|\bharm to my ?self"),
    Phrase("self_harm", "injure injuring injured injury injurious mutilate mutilating mutilation mutilated",
           rf"\binjur(?:e|ing|ed) {_SELF}|\bself injur|\bmutilat"),
    Phrase("self_harm", "hurt hurting hurts hurted", rf"\bhurt(?:s|ing|ed)? {_SELF}\b"),
    Phrase("self_harm", "cut cuts cutting cutted cutter slit slitting slash slashing slice slicing carve carved wrist "
           "wrists", rf"\b(?:cut|cuts|cutting|slit(?:ting)?|slash(?:ed|ing)?|slic(?:e|ed|ing)|carv(?:e|ed|ing)|stab(?:"
           rf"bed|bing)?)(?: \w+)? (?:{_SELF}|(?:my|his|her|their) (?:\w+ )?(?:wrists?|arms?|legs?|thighs?|skin|stomach"
           r"|body|throat|veins?))\b|\b(?:urges?|want|wanna|wanted|need|started|start|stopped|stop|used|addicted|back|"
           r"relapsed|been|keep|quit|clean from) (?:to |from |with )?(?:cut|cutting)\b(?! (?:it|him|her|them|ties|off|"
           r"down|back|out|contact|my|the|people|all|things|everyone|someone|a|this|that))|\bcutting again\b|\bself cut"),
    Phrase("self_harm", "burn burning burned burnt bite biting hit hitting punch punching punched scratch scratching scratched "
           "choke choking pick picking wound wounding starve starving strangle bang banging",
           rf"\b(?:burn(?:ed|t|ing)?|bit|bite|biting|hit|hitting|punch(?:ed|ing)?|scratch(?:ed|ing)?|chok(?:e|ed|ing)|"
           rf"wound(?:ed|ing)?|starv(?:e|ed|ing)|strangl(?:e|ed|ing)) (?:{_SELF}|my (?:own )?(?:arms?|legs?|skin|wrists?"
           r"|thighs?|face|neck))\b|\b(?:bang(?:ed|ing)?|hit|hitting|smash(?:ed|ing)?) my head\b|\bpick(?:ed|ing)? (?:at "
           r")?my skin\b"),
    Phrase("goodbye", "goodbye goodbyes farewell bye forgive", r"\b(?:this is|final|last|my|say(?:ing)?|said)(?: \w+)"
           r"{0,2}? (?:goodbyes|farewell|final goodbye)\b|\b(?:this is|final|last|a) goodbye\b|\bgoodbye (?:everyone|"
           r"everybody|all|world|forever|cruel)\b|\bforgive me for what im\b"),
    Phrase("goodbye", "gone miss missed notice", r"\b(?:when|once|after|if) (?:im|i am|i was|i were) gone\b|\b(?:no ?"
           r"one|nobody|wouldnt|would not|will|wont)(?: \w+){0,2}? (?:miss|notice)(?: \w+)? (?:me|if i|when i|i was)\b"),
    Phrase("goodbye", "funeral ashes eulogy", r"\b(?:my (?:own )?funeral|my ashes|at my funeral)\b"),
    Phrase("goodbye", "last", r"\b(?:my last|be my last) (?:day|night|message|words|christmas|birthday)\b|\bthis is the "
           r"last (?:time|message) (?:you|youll|i|ill)\b"),
    Phrase("hopeless_trapped", "reason point purpose nothing worth left", r"\b(?:no|any|not a|without|little|see the|see"
           r"(?:ing)? no|see any|whats the|what is the|what be the|isnt any|isnt a)(?: \w+)? (?:reasons?|point|purpose|"
           r"use)(?: \w+){0,4}? (?:live|living|life|alive|going on|go on|existing|exist|carry on|carrying on|wake|here|"
           rf"{_MORE})\b|\bnothing (?:left )?to live for\b|\bnothing (?:left )?(?:to lose|for me here)\b|\b(?:life|it|"
           r"living) (?:is|isnt|is not|be|feels|seems|not)(?: \w+){0,2}? worth (?:living|it any ?more)\b|\bnot worth "
           r"living\b"),
    Phrase("hopeless_trapped", "pointless meaningless over shit hell unbearable", r"\b(?:my )?(?:life|existence|living) "
           r"(?:is|has become|feels|seems|was|be)(?: \w+)? (?:pointless|meaningless|over|unbearable|useless)\b(?! (?:\w+)?"
           r"(?:ly|th))"),
    Phrase("hopeless_trapped", "anymore more longer go take cope do handle carry", r"\b(?:cant|cannot|can not|couldnt|"
           rf"dont know how (?:much|long)|not able to|unable to)(?: \w+)? (?:go on|take|do|cope|handle|carry on|bear|live"
           rf"|stand|face)(?: \w+){{0,3}}? {_MORE}|\b(?:cant|cannot|can not|dont want to|couldnt|dont think i can) "
           r"(?:go on|carry on|keep going)\b(?! (?:like|with|a|the|to|living like|dates?|holiday|vacation))|"
           r"\bcant (?:take|do|live with) (?:this|the) (?:pain|life)\b"),
    Phrase("hopeless_trapped", "way escape exit", r"\b(?:no|only|any|see|isnt a|is there a) (?:other )?(?:way out|way to "
           r"(?:escape|end|stop the pain))\b|\bonly (?:escape|exit)\b"),
    Phrase("hopeless_trapped", "edge ledge rope crisis safe", r"\b(?:on the ledge|end of my (?:rope|tether)|im "
           r"not safe|not (?:feeling|feel) safe (?:with|from|around) my ?self|dont feel safe (?:with|alone)|safe from "
           r"my ?self|not safe (?:with|from|around) my ?self|in (?:a )?crisis\b(?! of)|scared of (?:what i might|my ?self)"
           r"|crisis (?:line|hotline|text))\b"),
    Phrase("hopeless_trapped", "give giving gave given", r"\b(?:giv(?:e|en|ing)|gave) up on (?:life|living|everything|"
           r"my ?self|my life)\b|\b(?:want|ready|about|going|just wanna|close) (?:to )?giv(?:e|ing) up\b(?! (?:my|the|on |"
           r"smoking|drinking|alcohol|work|meat|a|his|her))"),
    Phrase("hopeless_trapped", "will", r"\bno will to (?:live|go on)\b|\blost (?:the|my|all) will\b"),
    Phrase("burden", "without burden waste", r"\b(?:better|happier|easier)(?: off)?(?: \w+)? (?:without me|if i (?:was|"
           r"were|wasnt|werent|died|didnt))\b|\b(?:im|am|be|being|feel like|become|just) (?:such )?(?:a|just a|only a) "
           r"(?:burden|waste of space)\b|\bwaste of (?:space|oxygen|air)\b"),
    Phrase("past_attempt", "attempt attempted attempts attempting tried try", r"\b(?:attempt(?:ed|ing|s)?|tried|try(?:ing"
           rf")?)(?: \w+){{0,3}}? (?:to )?(?:kill {_SELF}|tak(?:e|ing) (?:my|his|her|their) (?:own )?li(?:fe|ves)|end (?:it "
           rf"all|my (?:own )?life)|hang {_SELF}|od|overdose|die)\b|\b(?:past|previous|last|my|another|an|failed) attempts?"
           r"\b(?= (?:on my life|to end|to kill|to die)|$)"),
    Phrase("harm_to_others", "kill killing murder murdering stab shoot hurt harm strangle", rf"\b(?:{_WISH}|{_THINK}|"
           r"going|gonna|about|how i could|i could|might|might just)(?: \w+){0,3}? (?:kill|killing|"
           r"murder|murdering|stab|stabbing|shoot|shooting|strangle|hurt|harm) (?:him|her|them|someone|somebody|people|"
           r"everyone|my (?:\w+ )?(?:husband|wife|partner|boyfriend|girlfriend|mother|mum|mom|father|dad|brother|sister|"
           r"baby|kids?|children|son|daughter|boss))\b"),
)  # fmt: skip

ENGLISH: Final = frozenset(
    "the and my to of it its that have had with not you your but this for are be been feel feeling dont cant didnt "
    "what how when she they them there about because just like think know want would could should do does did im ive "
    "id i her his our we who why if or from more very really some then than good bad day today yesterday week work "
    "slept tired felt much all get got has after before times still sleep".split()
)
"""Small words of everyday English: a longer text with hardly any of them is taken for another language."""
