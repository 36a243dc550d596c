"""Outgoing mails and SMS of the public pages: first a row, later sent at most once.

A row is written in the transaction of the request. The worker takes a row in a short
transaction of its own and then hands the mail over, so that a mail is never sent twice:
one whose hand-over was interrupted says so and is not sent again automatically. It is
tried again only when the mail server certainly did not take it.

The composer of its kind (`composes`) decides what a mail says, and whether there is one
at all. It runs in the worker, so that the time a request takes does not reveal whether
a person is known.
"""

import logging
import smtplib
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from typing import Any

from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.message import sanitize_address
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from audiences import suppression
from audiences.addresses import trial
from audiences.addresses.outgoing import as_sent
from audiences.channels import Channel
from audiences.models import OutboxMail
from audiences.outbox.composing import Result, Words, composers
from audiences.refusals import Refused
from audiences.signals import mail_to_be_sent

from . import gateways
from .letters import letter
from .queue import is_asked_for, waiting

# A worker that has not reported on its mail within this time has died.
CLAIM_LIFE = timedelta(minutes=10)
# After this time nobody expects the mail any more.
LONGEST_WAIT = timedelta(days=1)
MOST_ATTEMPTS = 6
# The pause after the first attempt; it doubles with each.
FIRST_PAUSE = timedelta(minutes=2)

UNREACHABLE, POSTPONED = "unreachable", "postponed"

logger = logging.getLogger(__name__)


def send_waiting() -> Counter[str]:
    """Send every mail and SMS that is due; returns how many of each result.

    Any number of workers may do this at once. When the mail server cannot be reached,
    no mail is taken, and the next sweep tries again; the result then counts
    `UNREACHABLE`.
    """
    _give_up_on_the_dead()
    return _send_texts() + _send_mails()


def _give_up_on_the_dead() -> None:
    """Mark mails whose worker has died: nobody knows whether they left."""
    OutboxMail.objects.filter(
        result="", claimed_at__lt=timezone.now() - CLAIM_LIFE
    ).update(result=Result.UNCERTAIN)


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
    """Take the next message of a channel in a transaction of its own, if there is one.

    From then on the row is marked as taken. If the message is None there is nothing to
    hand over, and the row says why.
    """
    with transaction.atomic(durable=True):
        rows = waiting(channel).select_for_update(of=("self",), skip_locked=True)
        mail = rows.order_by("due_at", "pk").first()
        if mail is None:
            return None
        mail.attempts += 1
        mail.claimed_at = timezone.now()
        message = _written(mail)
        _write_down(mail, "attempts", "claimed_at", "due_at", "result", "to")
        return mail, message


def _written(mail: OutboxMail) -> Message | None:
    """The message, or None and a result; an error of our own is tried again later."""
    if timezone.now() - mail.created_at > LONGEST_WAIT:
        mail.result = Result.OUTDATED
        return None
    try:
        with transaction.atomic():
            said = composers[mail.kind](mail)
            if isinstance(said, Result):
                mail.result = said
                return None
            mail.to = as_sent(mail.channel, said.to or mail.to, mail.key)
            if forbidden := _why_forbidden(mail):
                mail.result = forbidden
            elif mail.channel == Channel.SMS:
                # A text begins with who sends it, where that is known.
                return said.text.strip().removeprefix(": ")
            elif not _can_be_addressed(mail.to):
                mail.result = Result.REFUSED
            else:
                return _message(mail, said)
    except Exception as error:  # one bad mail must not stop those behind it
        logger.error("Mail %s could not be written: %s", mail.pk, _name(error))
        _postpone(mail, Result.FAILED)
    return None


def _why_forbidden(mail: OutboxMail) -> str:
    """The result that is wanted instead; a listener's error forbids it too.

    On a site that is on trial nobody else than those of its list gets anything. To an
    address that is suppressed goes only what can lift it: the request to confirm that
    its owner has just asked for.
    """
    if not trial.allows(mail.channel, mail.to):
        return Result.TRIAL
    name = (mail.channel, mail.key)
    if not is_asked_for(mail) and suppression.met([name]):
        return Result.SUPPRESSED
    answers = mail_to_be_sent.send(
        sender=OutboxMail,
        channel=mail.channel,
        key=mail.key,
        is_asked_for=is_asked_for(mail),
    )
    return next((why for _listener, why in answers if why), "")


def _can_be_addressed(address: str) -> bool:
    """Whether Django can send there; the domain is ASCII already.

    It turns a non-ASCII local part into a different address (an encoded word) instead
    of asking the server for SMTPUTF8 (RFC 6531): such a mail must not leave.
    """
    try:
        sanitize_address(address, "utf-8")
    except ValueError:
        return False
    return address.rpartition("@")[0].isascii()


def _message(mail: OutboxMail, said: Words) -> EmailMultiAlternatives:
    message = letter(said, mail.to)
    message.message()  # an error in writing it shows now
    return message


def hand_over(mail: OutboxMail, message: Message, connection: Any = None) -> None:
    """Give the message to the server or gateway, and record the result.

    Only their own refusal is certain. After any other error they may have the message,
    so it is not sent again.
    """
    try:
        if isinstance(message, str):
            gateways.gateway().send(mail.to, message)
        else:
            message.connection = connection
            message.send()
    except gateways.NotTaken as error:
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
    """Write these fields, unless the row was erased with its person meanwhile."""
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


def _name(error: Exception) -> str:
    """The kind of error; its message may contain an address."""
    return type(error).__name__


# ---------------------------------------------------------------- an operator's act
def why_not_again(mail: OutboxMail) -> str:
    """Why an operator cannot have the mail sent again; empty when it can be."""
    if mail.result != Result.UNCERTAIN:
        return _("Only a mail whose hand-over was interrupted can be sent again.")
    if timezone.now() - mail.created_at > LONGEST_WAIT - timedelta(minutes=5):
        return _("It is too old: the visitor has to ask again.")
    return ""


def send_again(mail: OutboxMail) -> None:
    """Put a mail of which nobody knows whether it left back into the queue, once.

    The person may get it twice: that is for an operator to decide. The sweep sends it
    within a minute. Raises Refused.
    """
    reason = why_not_again(mail)
    if not reason:
        uncertain = OutboxMail.objects.filter(pk=mail.pk, result=Result.UNCERTAIN)
        if uncertain.update(result="", claimed_at=None, due_at=timezone.now()):
            return
        reason = _("Somebody else has had it sent again meanwhile.")
    raise Refused(reason)
