"""The rows of mails and SMS to send: written by requests, removed after some days."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from audiences.addresses import Normalised
from audiences.background import jobs
from audiences.channels import Channel
from audiences.models import ConsentEvent, LandingPage, OutboxMail
from audiences.outbox.composing import Kind
from audiences.sql.many import among


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
    mail = OutboxMail(
        kind=kind,
        channel=channel,
        found_by=found_by,
        to=given.value,
        key=given.key,
        language=language,
        context=context,
        network=network,
    )
    put_all([mail])
    return mail


def put_all(mails: Sequence[OutboxMail]) -> None:
    """`put` for rows that the caller has made."""
    if mails:
        OutboxMail.objects.bulk_create(mails)
        jobs.wake("audiences.tasks.send_outbox")


def is_asked_for(mail: OutboxMail) -> bool:
    """Whether the owner of the address has just asked for this very message on a page.

    That is a sign-up or an added address, which the visitor gives as their own, the
    request of somebody whom a personal link has identified, and the answer to a privacy
    request. A lost link can be asked for by anyone who knows an address, and nobody has
    asked for the messages that only tell.
    """
    if mail.kind == Kind.REQUEST:
        return bool(mail.context.get("asked_by") == ConsentEvent.Source.LANDING_PAGE)
    return mail.kind in (Kind.SIGNUP, Kind.ADDRESS, Kind.PRIVACY)


# Within this time the same request is a button that was pressed twice.
DOUBLE_CLICK = timedelta(minutes=1)


def is_on_its_way(kind: Kind, key: str, context: dict[str, Any]) -> bool:
    """Whether the same message was put here a moment ago: by a double click."""
    return (key, context) in on_their_way(kind, [key])


def on_their_way(kind: Kind, keys: Sequence[str]) -> list[tuple[str, dict[str, Any]]]:
    """What was put here a moment ago for these addresses: keys with contexts."""
    since = timezone.now() - DOUBLE_CLICK
    rows = OutboxMail.objects.filter(among("key", keys), kind=kind)
    recent = rows.filter(created_at__gte=since)
    return list(recent.values_list("key", "context"))


def keep_answer(mail: OutboxMail) -> None:
    """Write down that the button behind the message was pressed."""
    context = {**mail.context, "answered": True}
    OutboxMail.objects.filter(pk=mail.pk).update(context=context)


def is_answered(mail: OutboxMail) -> bool:
    """Whether the button behind the message has been pressed."""
    return bool(mail.context.get("answered"))


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


def clean_up(now: datetime | None = None) -> int:
    """Remove rows older than OUTBOX_DAYS, whatever became of them; returns how many."""
    before = (now or timezone.now()) - timedelta(days=settings.OUTBOX_DAYS)
    return OutboxMail.objects.filter(created_at__lt=before).delete()[0]
