"""The one mechanism for documents, on both sides (docs/decisions/0003-documents-published-whole.md).

Owned     the owner's side: load, compare-and-set, publish whole, note; sweep what a crash left; heal the topic
Mirror    the reader's side in MongoDB: the highest version of each key, whatever comes in whatever order
Table     the same in memory, for small topics read whole
MongoResumeStore   how far a consumer group has come, in the same store as what it covers
"""

from shared.documents.kept import Kept, order_text, stamp
from shared.documents.lists import Page
from shared.documents.mirror import Mirror, Table
from shared.documents.owned import Owned, Written
from shared.documents.record import Facet, Facets, Idempotency
from shared.documents.resume import MongoResumeStore

__all__ = [
    "Facet",
    "Facets",
    "Idempotency",
    "Kept",
    "Mirror",
    "MongoResumeStore",
    "Owned",
    "Page",
    "Table",
    "Written",
    "order_text",
    "stamp",
]
