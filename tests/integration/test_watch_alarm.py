"""The watch's own ways to an operator, by a real mail server and a real webhook's answer."""

import httpx

from services.watch import WatchSettings
from services.watch.alarms import raise_alarm
from tests.providers import MailServer

REASON = "synthetic clinic: no alert was opened within 60 s"


async def test_an_operator_is_mailed_by_a_server_of_the_watch_s_own_and_told_by_its_webhook() -> None:
    """Both say why; a way that is down does not keep the other back, and is not said to have taken it."""
    told: list[bytes] = []

    def webhook(request: httpx.Request) -> httpx.Response:
        told.append(request.content)
        return httpx.Response(204)

    async with MailServer() as mail, httpx.AsyncClient(transport=httpx.MockTransport(webhook)) as http:
        settings = WatchSettings(
            alarm_url="http://operator",
            alarm_smtp_host=mail.host,
            alarm_smtp_port=mail.port,
            alarm_smtp_tls="none",
            alarm_mail_to="operator@ops.example",
        )
        both = await raise_alarm(settings, http, [REASON])
        (message,) = mail.to("operator@ops.example")
        await mail.down()
        one = await raise_alarm(settings, http, [REASON])
        none = await raise_alarm(WatchSettings(), http, [REASON])

    assert (both, one, none) == (["webhook", "mail"], ["webhook"], [])
    assert REASON in message.text
    assert len(told) == 2
