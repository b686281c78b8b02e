"""What a phrase of the screen is, and the short forms phrases are written with."""

from typing import Final, NamedTuple


class Phrase(NamedTuple):
    """A kind of words, those of its words one of which must be there, and how the whole may run (a regex)."""

    sign: str
    anchors: str
    pattern: str

    @property
    def in_full(self) -> "Phrase":
        """The same with its short forms written out."""
        pattern = self.pattern
        for short, full in _SHORT.items():
            pattern = pattern.replace(short, full)
        return self._replace(pattern=pattern)


_SHORT: Final = {
    "<wish>": (
        r"(?:want(?:ed|ing|s)?|wanna|wish(?:ed|ing|es)?|hop(?:e|ed|ing)|ready|beg(?:ging|ged)?|pray(?:ed|ing)?)"
    ),
    "<think>": r"(?:think(?:ing|s)?|thoughts?|thought|urges?|plan(?:s|ned|ning)?|idea|ideas|dream(?:t|ing|s)?)",
    "<self>": r"(?:my ?self|me ?self|mysel|myslef|himself|herself|themsel(?:f|ves)|yourself)",
    "<not>": r"(?:dont|do not|didnt|did not|doesnt|not|never|no longer|cant|can not|cannot|couldnt|wouldnt)",
    "<more>": r"(?:any ?more|any longer|much longer)",
    "<gap>": r"(?: \w+){0,3}?",
    "<pills>": (
        r"(?:pills?|tablets?|tabs|meds|medications?|medicines?|prescriptions?|painkillers?|paracetamol|tylenol|"
        r"ibuprofen|aspirin|codeine|insulin|antidepressants?|benzos|opioids|opiates|sleepers|doses)"
    ),
    "<them>": (
        r"(?:him|her|them|someone|somebody|people|everyone|everybody|others|(?:my|our|the) (?:\w+ )?(?:husband|wife|"
        r"partner|boyfriend|girlfriend|ex|mother|mum|mummy|mom|mam|ma|father|dad|daddy|parents?|brother|sister|nan|"
        r"gran|grandma|grandad|uncle|aunt|cousin|family|baby|kids?|child|children|son|daughter|boss|neighbou?rs?|"
        r"flatmate|housemate|roommate|friend|teacher|doctor|therapist))"
    ),
    "<errand>": (
        r"(?! (?:to (?:drive|take|use|eat|go (?:out|to|on|by|back)|walk|leave|stop|start|mix|drink|have|travel|try|"
        r"operate|combine|tell|talk|say|share|open|speak|cycle|swim|fly|run|exercise|work|return)|driving|walking|"
        r"travell?ing|going|cycling|eating|taking|online|on (?:the|my|a)(?! own)|in (?:the|my|this|that|a) (?:car|"
        r"streets?|town|area|job|city|crowd|traffic|bus|train)|enough|bet|space|place|side|distance)\b)"
    ),
}
"""What stands for what in the phrases. `<errand>`: what makes `safe` a practical matter."""
