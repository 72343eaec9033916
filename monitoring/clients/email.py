"""E-mail, through Django's backend. One call is one attempt."""

from __future__ import annotations

import smtplib
from collections.abc import Sequence

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.message import BadHeaderError

from monitoring.domain.delivery import Answer, Outcome


def send(*, line: str, body: str, to: Sequence[str], key: str) -> Answer:
    """This will send one message and return what the mail server said. Never raises for the server's part.

    `key` makes the Message-ID, so that a mailbox can tell that a repeated message is one it has.
    """
    identity = "".join(letter if letter.isalnum() or letter in ".-" else "-" for letter in key)
    try:
        message = EmailMessage(
            subject=line, body=body, to=list(to), headers={"Message-ID": f"<{identity}@levqor-portal>"}
        )
        taken = message.send()
    except BadHeaderError as error:
        return Answer(Outcome.REFUSED, str(error))
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        later = any(400 <= code < 500 for code in codes)
        return Answer(Outcome.LATER if later else Outcome.REFUSED, f"recipients refused: {error.recipients}")
    except smtplib.SMTPResponseException as error:
        said = error.smtp_error.decode("utf-8", "replace") if isinstance(error.smtp_error, bytes) else ""
        # 5xx is for good but for the password, which an operator mends.
        final = error.smtp_code >= 500 and not isinstance(error, smtplib.SMTPAuthenticationError)
        return Answer(Outcome.REFUSED if final else Outcome.LATER, f"{error.smtp_code} {said}".strip())
    except ConnectionRefusedError as error:
        return Answer(Outcome.LATER, f"no connection: {error}")
    except (OSError, smtplib.SMTPException) as error:
        # The server may have taken the message before it fell silent.
        return Answer(Outcome.LATER, f"no answer: {error or type(error).__name__}", unclear=True)
    if not taken:
        return Answer(Outcome.REFUSED, f"{settings.EMAIL_BACKEND} sent nothing.")
    return Answer(Outcome.SENT, f"accepted for {len(to)} recipient(s)")
