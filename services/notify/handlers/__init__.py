"""notify's use cases: `Reconciler` on the bus, `Dispatcher` on the due times, `Desk` and `ByLink` behind HTTP."""

from services.notify.handlers.auditing import Auditor, Reconciliation
from services.notify.handlers.by_link import ByLink, Shown
from services.notify.handlers.by_sms import BySms, Reply
from services.notify.handlers.carrying import Carrier
from services.notify.handlers.contacts import Contacts
from services.notify.handlers.deciding import Deciding
from services.notify.handlers.desk import Desk, Trail
from services.notify.handlers.dispatching import Dispatcher
from services.notify.handlers.figures import Figures
from services.notify.handlers.gauges import keep_showing, show
from services.notify.handlers.handing_over import HandingOver, Messenger
from services.notify.handlers.holding import Holding
from services.notify.handlers.letterbox import Letterbox, Letters, Together
from services.notify.handlers.messages import Messages
from services.notify.handlers.own_read import OwnRead, caught_up
from services.notify.handlers.pacing import Pacing
from services.notify.handlers.post import Post
from services.notify.handlers.receiving import Receiving
from services.notify.handlers.reconciling import OWN, SUBSCRIPTIONS, TABLES, OpenAlerts, Reconciler
from services.notify.handlers.verifying import Verifying
from services.notify.handlers.writing import Writing

__all__ = [
    "OWN",
    "SUBSCRIPTIONS",
    "TABLES",
    "Auditor",
    "ByLink",
    "BySms",
    "Carrier",
    "Contacts",
    "Deciding",
    "Desk",
    "Dispatcher",
    "Figures",
    "HandingOver",
    "Holding",
    "Letterbox",
    "Letters",
    "Messages",
    "Messenger",
    "OpenAlerts",
    "OwnRead",
    "Pacing",
    "Post",
    "Receiving",
    "Reconciler",
    "Reconciliation",
    "Reply",
    "Shown",
    "Together",
    "Trail",
    "Verifying",
    "Writing",
    "caught_up",
    "keep_showing",
    "show",
]
