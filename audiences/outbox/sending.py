"""Outgoing mails and SMS of the public pages: a row first, later sent at most once.

A row is written in the transaction of the request. The queue only wakes a worker; a
sweep each minute finds what was forgotten. The worker takes a row in a short
transaction of its own and then hands the mail over, so that a mail is never sent twice:
one whose hand-over was interrupted says so and is not sent again by itself. Only where
the mail server certainly did not take the mail is it tried again.

What a mail says, and whether there is one at all, decides the composer of its kind
(`composes`). It runs in the worker: whoever asks cannot tell from the time it takes
whether somebody is known.
"""

import logging
import smtplib
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from celery import current_app
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.message import sanitize_address
from django.db import transaction
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.utils import timezone

from audiences.addresses.books import Normalised
from audiences.channels import Channel
from audiences.models import LandingPage, OutboxMail
from audiences.outbox import gateways as sms
from audiences.signals import mail_to_be_sent
from audiences.wording import page_texts
from audiences.wording.markdown import to_html, to_text

Kind = OutboxMail.Kind
Result = OutboxMail.Result

# A worker that has not said in this time what became of its mail has died.
CLAIM_LIFE = timedelta(minutes=10)
# Later nobody waits for the mail any more.
LONGEST_WAIT = timedelta(days=1)
MOST_ATTEMPTS = 6
# The pause after the first attempt; it doubles with each.
FIRST_PAUSE = timedelta(minutes=2)

UNREACHABLE, POSTPONED = "unreachable", "postponed"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Words:
    """A message before it is addressed.

    `text` is Markdown, from which both forms of a mail are made; an SMS is `text` as it
    is, without a subject.
    """

    subject: str
    text: str
    language: str
    headers: dict[str, str] = field(default_factory=dict)


Composer = Callable[[OutboxMail], Words | Result]
_composers: dict[str, Composer] = {}


def composes(kind: Kind) -> Callable[[Composer], Composer]:
    """Register what writes the mails of a kind, or says why there is none."""

    def register(composer: Composer) -> Composer:
        _composers[kind] = composer
        return composer

    return register


def put(
    kind: Kind,
    given: Normalised,
    *,
    language: str,
    context: dict[str, Any],
    network: str,
    found_by: str = LandingPage.ReconciledBy.EMAIL,
    channel: str = Channel.EMAIL,
) -> OutboxMail:
    """Write the row and wake a worker when the caller's transaction commits.

    `context` holds ids and codes only. A queue that is down delays the mail by a
    minute at most and stops nobody.
    """
    mail = OutboxMail.objects.create(
        kind=kind,
        channel=channel,
        found_by=found_by,
        to=given.value,
        key=given.key,
        language=language,
        context=context,
        network=network,
    )
    transaction.on_commit(_wake, robust=True)
    return mail


def _wake() -> None:
    # By name: the task's module imports this one. Tried once: a visitor waits for it.
    current_app.send_task(
        "audiences.tasks.send_outbox", retry=True, retry_policy={"max_retries": 0}
    )


def words(language: str, path: str, **values: object) -> Words:
    """The words of a mail from the texts of a language, such as "mails.link"."""
    code, site = closest_language(language), site_name()
    return Words(
        page_texts.text(code, f"{path}.subject", site=site, **values),
        page_texts.text(code, f"{path}.text", site=site, **values).strip() + "\n",
        code,
    )


def closest_language(language: str) -> str:
    """The language of the texts that a person's language means, or the site's."""
    codes = [code for code, _name in page_texts.languages()]
    wanted = (language, settings.LANGUAGE_CODE, codes[0])
    return next(filter(None, (page_texts.closest(each, codes) for each in wanted)))


def site_name() -> str:
    return str(urlsplit(settings.BASE_URL).hostname or settings.BASE_URL)


def waiting(
    channel: str = Channel.EMAIL, now: datetime | None = None
) -> QuerySet[OutboxMail]:
    """Messages of a channel that are due and that no worker has taken."""
    return OutboxMail.objects.filter(
        result="",
        channel=channel,
        claimed_at__isnull=True,
        due_at__lte=now or timezone.now(),
    )


def send_waiting() -> Counter[str]:
    """Send every mail and SMS that is due; returns how many of each result.

    Any number of workers may do this at once. When the mail server cannot be reached,
    no mail is taken, and the next sweep tries again; the result then counts
    `UNREACHABLE`.
    """
    _give_up_on_the_dead()
    return _send_texts() + _send_mails()


def _send_texts() -> Counter[str]:
    results: Counter[str] = Counter()
    while taken := take_next(Channel.SMS):
        mail, message = taken
        if message is not None:
            hand_over(mail, message)
        results[mail.result or POSTPONED] += 1
    return results


def _send_mails() -> Counter[str]:
    results: Counter[str] = Counter()
    while waiting().exists():
        connection = get_connection()
        try:
            # Before a mail is taken: so far nothing can have been handed over.
            connection.open()
        except (OSError, smtplib.SMTPException) as error:
            logger.warning("The mail server is out of reach: %s", _name(error))
            results[UNREACHABLE] += 1
            return results
        try:
            taken = take_next()
            if taken is None:
                return results
            mail, message = taken
            if message is not None:
                hand_over(mail, message, connection)
        finally:
            with suppress(OSError, smtplib.SMTPException):
                connection.close()
        results[mail.result or POSTPONED] += 1
    return results


Message = EmailMultiAlternatives | str


def take_next(
    channel: str = Channel.EMAIL,
) -> tuple[OutboxMail, Message | None] | None:
    """Take the next message of a channel, in a transaction of its own; None without.

    The row says from then on that somebody has it. Without a message there is nothing
    to hand over, and the row says why.
    """
    with transaction.atomic(durable=True):
        rows = waiting(channel).select_for_update(of=("self",), skip_locked=True)
        mail = rows.order_by("due_at", "pk").first()
        if mail is None:
            return None
        mail.attempts += 1
        mail.claimed_at = timezone.now()
        message = _written(mail)
        _write_down(mail, "attempts", "claimed_at", "due_at", "result")
        return mail, message


def _written(mail: OutboxMail) -> Message | None:
    """The message, or None and a result; an error of ours is tried again later."""
    if timezone.now() - mail.created_at > LONGEST_WAIT:
        mail.result = Result.OUTDATED
        return None
    try:
        with transaction.atomic():
            said = _composers[mail.kind](mail)
            if isinstance(said, Result):
                mail.result = said
            elif _is_vetoed(mail):
                mail.result = Result.DENYLISTED
            elif mail.channel == Channel.SMS:
                return said.text.strip()
            elif not _can_be_addressed(mail.to):
                mail.result = Result.REFUSED
            else:
                return _message(mail, said)
    except Exception as error:  # one bad mail must not stop those behind it
        logger.error("Mail %s could not be written: %s", mail.pk, _name(error))
        _postpone(mail, Result.FAILED)
    return None


def _is_vetoed(mail: OutboxMail) -> bool:
    """Whether a listener forbids the address; a listener's error forbids it too."""
    answers = mail_to_be_sent.send(
        sender=OutboxMail, channel=mail.channel, key=mail.key
    )
    return any(forbids for _listener, forbids in answers)


def _can_be_addressed(address: str) -> bool:
    """Whether Django can send there.

    It turns a local part beyond ASCII into another address (an encoded word), instead
    of asking the server for SMTPUTF8 (RFC 6531): such a mail must not leave.
    """
    try:
        sanitize_address(address, "utf-8")
    except ValueError:
        return False
    return address.rpartition("@")[0].isascii()


def _message(mail: OutboxMail, said: Words) -> EmailMultiAlternatives:
    message = EmailMultiAlternatives(
        said.subject,
        to_text(said.text),
        settings.DEFAULT_FROM_EMAIL,
        [mail.to],
        # RFC 3834, section 5: answering machines keep silent.
        headers={"Auto-Submitted": "auto-generated"} | said.headers,
    )
    html = render_to_string(
        "mails/mail.html",
        {
            "language": said.language,
            "subject": said.subject,
            "html": to_html(said.text),
        },
    )
    message.attach_alternative(html, "text/html")
    message.message()  # what cannot be written shows now
    return message


def hand_over(mail: OutboxMail, message: Message, connection: Any = None) -> None:
    """Give the message to the server or gateway, and write down what became of it.

    Their own refusal is certain. After any other error nobody knows whether they have
    the message: it is not sent again.
    """
    try:
        if isinstance(message, str):
            sms.gateway().send(mail.key, message)
        else:
            message.connection = connection
            message.send()
    except sms.Refused as error:
        _refused(mail, passing=error.passing)
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _text in error.recipients.values()]
        _refused(mail, passing=all(400 <= code < 500 for code in codes))
    except smtplib.SMTPNotSupportedError:
        _refused(mail, passing=False)
    except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
        if 400 <= error.smtp_code < 600:
            _refused(mail, passing=error.smtp_code < 500)
        else:
            mail.result = Result.UNCERTAIN
    except Exception as error:
        logger.error("Hand-over of message %s: %s", mail.pk, _name(error))
        mail.result = Result.UNCERTAIN
    else:
        mail.sent_at, mail.result = timezone.now(), Result.SENT
    _write_down(mail, "claimed_at", "due_at", "sent_at", "result")


def _write_down(mail: OutboxMail, *names: str) -> None:
    """Write these fields, if the row has not been erased with its person meanwhile."""
    values = {name: getattr(mail, name) for name in names}
    OutboxMail.objects.filter(pk=mail.pk).update(**values)


def _refused(mail: OutboxMail, *, passing: bool) -> None:
    """A passing refusal (4xx, RFC 5321 4.2.1) is tried again; others are final."""
    if passing:
        _postpone(mail, Result.REFUSED)
    else:
        mail.result = Result.REFUSED


def _postpone(mail: OutboxMail, at_last: Result) -> None:
    if mail.attempts >= MOST_ATTEMPTS:
        mail.result = at_last
        return
    mail.claimed_at = None
    mail.due_at = timezone.now() + FIRST_PAUSE * 2 ** (mail.attempts - 1)


def _give_up_on_the_dead() -> None:
    """Say of mails whose worker has died that nobody knows whether they left."""
    OutboxMail.objects.filter(
        result="", claimed_at__lt=timezone.now() - CLAIM_LIFE
    ).update(result=Result.UNCERTAIN)


def _name(error: Exception) -> str:
    """What kind of error it was: its words may hold an address."""
    return type(error).__name__


def clean_up(now: datetime | None = None) -> int:
    """Remove rows older than OUTBOX_DAYS, whatever became of them; returns how many."""
    before = (now or timezone.now()) - timedelta(days=settings.OUTBOX_DAYS)
    return OutboxMail.objects.filter(created_at__lt=before).delete()[0]
