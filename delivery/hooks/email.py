"""Email providers: their reports, and mails that they pass on.

Each report is also sent as django-anymail's signal (`anymail.signals.tracking`) for
other listeners; our own listener says which event it is.
"""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from anymail.signals import AnymailInboundEvent, AnymailTrackingEvent, inbound, tracking
from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpResponse
from django.utils import timezone

from delivery.feedback import intake
from delivery.feedback.events import FeedbackEvent
from delivery.feedback.intake import Findings
from delivery.feedback.mails import provider_reports
from delivery.feedback.mails.reader import read_item
from delivery.models import InboundItem, UsedHookToken

from .email_providers import PROVIDERS, EmailProvider, reader
from .envelope import pack, unpack
from .gate import LARGEST_MAIL, HookCall, HookRefused, Outcome, View, hook, take_over

State = InboundItem.State


def views() -> list[tuple[str, View]]:
    """The hooks of all providers, by their path below /hooks/anymail/."""
    found = []
    for provider in PROVIDERS:
        found.append((f"{provider.name}/tracking", _view(provider, "tracking")))
        if provider.inbound:
            found.append((f"{provider.name}/inbound", _view(provider, "inbound")))
    return found


def _view(provider: EmailProvider, kind: str) -> View:
    # A call with its head must fit into what the intake keeps.
    largest = min(settings.FEEDBACK_LARGEST, LARGEST_MAIL) - 5_000

    def take(call: HookCall) -> HttpResponse:
        token = provider.prove(call)
        with transaction.atomic():
            if token:
                _use_once(provider.name, token, call.body)
            # The signature proves who passed the mail on, not what the mail says.
            item, is_new = intake.receive(
                provider.name, pack(call, kind), is_verified=kind == "tracking"
            )
        take_over(item, is_new)
        return HttpResponse(status=200)

    return hook(provider.name, secrets=provider.secrets, largest=largest)(take)


def _use_once(provider: str, token: str, body: bytes) -> None:
    """Mark a one-time token as used; refuse one that was used for other content.

    A provider that got no answer repeats its call; an attacker who intercepted one may
    try its token with other content. The caller is in the transaction that stores the
    call: if that fails, the token is not used.
    """
    row = UsedHookToken(
        provider=provider,
        token=hashlib.sha256(token.encode(errors="replace")).hexdigest(),
        body=hashlib.sha256(body).hexdigest(),
        used_at=timezone.now(),
    )
    # No fresh call can carry an older one any more.
    kept = timedelta(seconds=2 * settings.WEBHOOK_FRESH_SECONDS) + timedelta(days=1)
    UsedHookToken.objects.filter(used_at__lt=row.used_at - kept).delete()
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        used = UsedHookToken.objects.get(provider=provider, token=row.token)
        if used.body != row.body:
            raise HookRefused(Outcome.REPLAYED) from None


def reader_of(provider: EmailProvider) -> Callable[[InboundItem], Findings]:
    """The reader of all calls of a provider."""

    def read(item: InboundItem) -> Findings:
        envelope = unpack(bytes(item.raw))
        if envelope.kind == "inbound" and provider.inbound:
            mails = reader(provider.inbound).parse_events(envelope.request())
            return _mails(mails, provider)
        reports = reader(provider.tracking).parse_events(envelope.request())
        return _reports(reports, provider)

    return read


def _reports(reports: list[AnymailTrackingEvent], provider: EmailProvider) -> Findings:
    events: list[FeedbackEvent] = []
    for report in reports:
        answers = tracking.send(
            sender=provider.tracking, event=report, esp_name=provider.name
        )
        events += [a for _listener, a in answers if isinstance(a, FeedbackEvent)]
    kinds = sorted({str(report.event_type) for report in reports})
    return Findings(events=tuple(events), note="" if events else ", ".join(kinds))


def event_of_report(
    sender: object, event: AnymailTrackingEvent, esp_name: str, **kwargs: Any
) -> FeedbackEvent | None:
    """Listener of anymail's `tracking`: what the report says about an address."""
    return provider_reports.event_of(event, esp_name)


def _mails(mails: list[AnymailInboundEvent], provider: EmailProvider) -> Findings:
    """Mails that a provider passes on are read like those in a mailbox."""
    found = []
    for mail in mails:
        inbound.send(sender=provider.inbound, event=mail, esp_name=provider.name)
        if mail.message is not None:
            raw = mail.message.as_bytes()
            found.append(read_item(InboundItem(raw=raw)))
    if not found:
        return Findings(otherwise=State.UNREADABLE, note="no message in it")
    return Findings(
        events=tuple(event for one in found for event in one.events),
        otherwise=found[0].otherwise,
        note=", ".join(dict.fromkeys(one.note for one in found if one.note)),
        mentions=tuple(named for one in found for named in one.mentions),
    )
