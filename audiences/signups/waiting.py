"""Requests of visitors that wait: whose they are, and sending an uncertain mail again.

Reading, and one act of an operator; what visitors and workers do is in `requesting`
and `outbox`.
"""

from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from audiences import outbox
from audiences.channels import Channel
from audiences.models import OutboxMail, Profile, SignupRequest
from audiences.refusals import Refused

Result = OutboxMail.Result


class NotSentAgain(Refused):
    """The mail may not be sent again; the message says why."""


def open_signups() -> QuerySet[SignupRequest]:
    """Sign-ups that can still be confirmed, newest first."""
    return SignupRequest.objects.filter(
        confirmed_at__isnull=True, expires_at__gt=timezone.now()
    ).order_by("-id")


def signups_of(profile: Profile) -> QuerySet[SignupRequest]:
    """Open sign-ups with an email address of the profile: by the person, or not."""
    emails = profile.addresses.filter(channel=Channel.EMAIL)
    return open_signups().filter(key__in=emails.values("key"))


def why_not_again(mail: OutboxMail) -> str:
    """Why an operator cannot have the mail sent again; empty when it can be."""
    if mail.result != Result.UNCERTAIN:
        return _("Only a mail whose hand-over was interrupted can be sent again.")
    if timezone.now() - mail.created_at > outbox.LONGEST_WAIT - timedelta(minutes=5):
        return _("It is too old: the visitor has to ask again.")
    return ""


def send_again(mail: OutboxMail) -> None:
    """Put a mail of which nobody knows whether it left back into the queue, once.

    The person may get it twice: that is for an operator to decide. The sweep sends it
    within a minute. Raises NotSentAgain.
    """
    reason = why_not_again(mail)
    if not reason:
        uncertain = OutboxMail.objects.filter(pk=mail.pk, result=Result.UNCERTAIN)
        if uncertain.update(result="", claimed_at=None, due_at=timezone.now()):
            return
        reason = _("Somebody else has had it sent again meanwhile.")
    raise NotSentAgain(reason)
