"""Questionnaires as data, one file each, and what their answers add up to."""

from services.mood.domain.instruments.catalogue import INSTRUMENTS, instrument_named, instruments_of
from services.mood.domain.instruments.codes import coded, read_codes
from services.mood.domain.instruments.declaration import Band, Cut, Instrument, Item, Licence, Prorating, Wording
from services.mood.domain.instruments.gad7 import GAD7
from services.mood.domain.instruments.phq9 import PHQ9
from services.mood.domain.instruments.scoring import Scoring, prorate, score_answers
from services.mood.domain.instruments.showing import Showing, WordingShown, read_pack, wording_of

__all__ = [
    "GAD7",
    "INSTRUMENTS",
    "PHQ9",
    "Band",
    "Cut",
    "Instrument",
    "Item",
    "Licence",
    "Prorating",
    "Scoring",
    "Showing",
    "Wording",
    "WordingShown",
    "coded",
    "instrument_named",
    "instruments_of",
    "prorate",
    "read_codes",
    "read_pack",
    "score_answers",
    "wording_of",
]
