"""The ways to people: e-mail by SMTP, SMS by a provider's HTTP API, and the small chart an e-mail may carry."""

from services.notify.channels.charts import Charts, no_chart
from services.notify.channels.email import EmailChannel, SmtpServer
from services.notify.channels.failover import Failover
from services.notify.channels.govuk import GovUkNotify
from services.notify.channels.outward import outward
from services.notify.channels.sms import SmsChannel, SmsProvider, Twilio
from services.notify.channels.webhook import AppriseChannel, WebhookChannel
from services.notify.channels.words import sms_text

__all__ = [
    "AppriseChannel",
    "Charts",
    "EmailChannel",
    "Failover",
    "GovUkNotify",
    "SmsChannel",
    "SmsProvider",
    "SmtpServer",
    "Twilio",
    "WebhookChannel",
    "no_chart",
    "outward",
    "sms_text",
]
