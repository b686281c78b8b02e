"""The watch's own ways to an operator, by a real mail server and a real webhook's answer."""

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx

from deploy.native.ports import free_port
from services.watch import WatchSettings
from services.watch.alarms import raise_alarm
from tests.providers import MailServer

ROOT = Path(__file__).parents[2]
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


async def test_a_way_that_is_badly_set_up_does_not_keep_the_other_back() -> None:
    """An address that is none is a way that did not take it; and the mail says where to look."""
    async with MailServer() as mail, httpx.AsyncClient() as http:
        mailed = WatchSettings(
            alarm_url="http://[",
            alarm_smtp_host=mail.host,
            alarm_smtp_port=mail.port,
            alarm_smtp_tls="none",
            alarm_mail_to="operator@ops.example",
        )
        took = await raise_alarm(mailed, http, [REASON])
        (message,) = mail.to("operator@ops.example")

    headings = re.findall(r"(?m)^## (.+)$", (ROOT / "docs/runbook.md").read_text())

    assert took == ["mail"]
    assert message.text.rstrip().partition("#")[2] in {heading.lower().replace(" ", "-") for heading in headings}


def test_one_round_by_hand_says_what_was_wrong_and_fails() -> None:
    """As it can be done within the watch's container, without the rest of the repository."""
    away = f"http://127.0.0.1:{free_port()}"
    environment = os.environ | {"WATCH_GATEWAY": away, "WATCH_SERVICES": away}
    command = [sys.executable, "-m", "services.watch", "--once"]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "the gateway did not answer: ConnectError" in done.stderr
    assert f"{away.removeprefix('http://')} does not answer" in done.stderr
