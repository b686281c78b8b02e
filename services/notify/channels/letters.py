"""A letter to a patient as an e-mail: text and HTML, light and dark, from the address and under the name they chose."""

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.policy import SMTPUTF8 as SMTPUTF8_POLICY

from jinja2 import Environment

from services.notify.domain import Notice
from services.notify.domain.wording import Words
from shared.gsm7 import one_line


def compose_letter(notice: Notice, words: Words, sender: str, templates: Environment) -> EmailMessage:
    """The message, `multipart/alternative`. It names no patient, and us nowhere but where the sender does.

    The Message-ID is the same for every try. Raises ValueError where the address cannot be written into a header.
    """
    message = EmailMessage(policy=SMTP_POLICY if notice.address.isascii() else SMTPUTF8_POLICY)
    message["From"] = Address(one_line(words.sender), addr_spec=sender)
    message["To"] = Address(addr_spec=notice.address)
    message["Subject"] = one_line(words.subject)
    message["Date"] = notice.written_at
    message["Message-ID"] = f"<{notice.token}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(templates.get_template("letter.txt.j2").render(words=words))
    message.add_alternative(templates.get_template("letter.html.j2").render(words=words), subtype="html")
    return message
