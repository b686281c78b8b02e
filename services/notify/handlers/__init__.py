"""notify's use cases: `Reconciler` on the bus, `Dispatcher` on the due times, `Desk` behind HTTP."""

from services.notify.handlers.carrying import Carrier
from services.notify.handlers.contacts import Contacts
from services.notify.handlers.desk import BY_LINK, Desk, Shown, Trail
from services.notify.handlers.dispatching import Dispatcher
from services.notify.handlers.gauges import keep_showing, show
from services.notify.handlers.handing_over import HandingOver, Messenger
from services.notify.handlers.letterbox import Letterbox, Letters, Together
from services.notify.handlers.messages import Messages
from services.notify.handlers.pacing import Pacing
from services.notify.handlers.post import Post
from services.notify.handlers.receiving import Receiving
from services.notify.handlers.reconciling import OWN, SUBSCRIPTIONS, TABLES, OpenAlerts, Reconciler
from services.notify.handlers.verifying import Verifying
from services.notify.handlers.writing import Writing

__all__ = [
    "BY_LINK",
    "OWN",
    "SUBSCRIPTIONS",
    "TABLES",
    "Carrier",
    "Contacts",
    "Desk",
    "Dispatcher",
    "HandingOver",
    "Letterbox",
    "Letters",
    "Messages",
    "Messenger",
    "OpenAlerts",
    "Pacing",
    "Post",
    "Receiving",
    "Reconciler",
    "Shown",
    "Together",
    "Trail",
    "Verifying",
    "Writing",
    "keep_showing",
    "show",
]
