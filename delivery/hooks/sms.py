"""Any other provider of text messages: a form or a JSON object, signed with a secret.

Headers: `X-Campaign-Timestamp` (seconds since 1970) and `X-Campaign-Signature`
(`sha256=` and HMAC-SHA256 of timestamp, the name of the hook and body, with full stops
between them, as hexadecimal digits). Without the name in it, a signature counts where
the signed fields say which hook the call is for: else one that was overheard could be
sent to the other.
The fields are in docs/webhooks.md. `id` is the provider's own number of the call, which
counts once.
"""

import json
from typing import Any

from django.conf import settings
from django.http import HttpResponse, JsonResponse

from audiences import moments
from audiences.channels import Channel
from delivery.feedback import intake
from delivery.feedback.intake import Findings
from delivery.feedback.text_messages import inbound as inbound_texts, reports
from delivery.feedback.text_messages.inbound import InboundText
from delivery.models import InboundItem

from .envelope import Envelope, pack, unpack
from .gate import HookCall, Outcome, hook, take_over
from .signatures import is_signed_by, require, require_fresh

SOURCE = "sms"
SECRETS = "SMS_WEBHOOK_SECRETS"
State = InboundItem.State


def _prove(call: HookCall, kind: str) -> None:
    given = call.header("X-Campaign-Signature")
    timestamp = call.header("X-Campaign-Timestamp")
    require(bool(given.strip() and timestamp.strip()), Outcome.NO_SIGNATURE)
    secrets = settings.SMS_WEBHOOK_SECRETS
    named = f"{kind}.".encode() + call.body
    require(
        is_signed_by(timestamp, named, given, secrets)
        or (is_signed_by(timestamp, call.body, given, secrets) and _may_be(kind, call))
    )
    require_fresh(timestamp)


def _may_be(kind: str, call: HookCall) -> bool:
    """Whether the fields of a call are not those of the other hook."""
    fields = _fields(unpack(pack(call, kind)))
    if any(fields.get(name) for name in ("status", "error", "receipt")):
        return kind == "status"
    return kind == "inbound" or not ("from" in fields and "text" in fields)


@hook(SOURCE, secrets=SECRETS)
def inbound(call: HookCall) -> HttpResponse:
    """A text message from a recipient; the answer holds the reply to send, if any."""
    _prove(call, "inbound")
    raw = pack(call, "inbound")
    text = _text(unpack(raw))
    item, is_new = _keep(raw, "inbound", text.event_id if text else "")
    # At once, because the answer holds the reply.
    reply = inbound_texts.take(text, item) if text else ""
    if item.state == State.NEW:
        intake.process(item)
    return _answered(item, is_new, reply=reply)


@hook(SOURCE, secrets=SECRETS)
def status(call: HookCall) -> HttpResponse:
    """What became of a message of ours."""
    _prove(call, "status")
    raw = pack(call, "status")
    item, is_new = _keep(raw, "status", _fields(unpack(raw)).get("id", ""))
    return _answered(item, is_new)


def _keep(raw: bytes, kind: str, number: str) -> tuple[InboundItem, bool]:
    return intake.receive(
        SOURCE,
        raw,
        external_id=f"{kind}:{number}" if number else "",
        channel=Channel.SMS,
        is_verified=True,
    )


def _answered(item: InboundItem, is_new: bool, **more: str) -> HttpResponse:
    take_over(item, is_new)
    return JsonResponse({"item": item.pk, "state": item.state, **more})


def _fields(envelope: Envelope) -> dict[str, str]:
    """The fields of a form or of a JSON object; anything else has none."""
    found: Any = {name: values[-1] for name, values in envelope.fields().items()}
    if not found:
        try:
            found = json.loads(envelope.body)
        except (ValueError, RecursionError):
            return {}
    if not isinstance(found, dict):
        return {}
    return {
        str(name): str(value).replace("\0", " ")
        for name, value in found.items()
        if isinstance(value, str | int) and not isinstance(value, bool)
    }


def _text(envelope: Envelope) -> InboundText | None:
    fields = _fields(envelope)
    if not (fields.get("id") and fields.get("from") and "text" in fields):
        return None
    return InboundText(
        number=fields["from"],
        to=fields.get("to", ""),
        text=fields["text"],
        event_id=fields["id"],
        at=moments.read_with_zone(fields.get("at", "")),
    )


def read(item: InboundItem) -> Findings:
    """Read what this hook has taken in."""
    envelope = unpack(bytes(item.raw))
    if envelope.kind == "inbound":
        text = _text(envelope)
        if text is None:
            return Findings(otherwise=State.UNREADABLE, note="id, from or text")
        return inbound_texts.findings(text, item)
    return _report(_fields(envelope))


def _report(fields: dict[str, str]) -> Findings:
    receipt = reports.read_receipt(fields.get("receipt", ""))
    status = fields.get("status") or receipt.get("stat", "")
    error = fields.get("error") or receipt.get("err", "")
    codes = fields.get("codes", "smpp").lower()
    address = fields.get("to", "")
    if not (fields.get("id") and address and (status or error)):
        return Findings(otherwise=State.UNREADABLE, note="id, to or status")
    if codes not in reports.LISTS:
        return Findings(otherwise=State.UNREADABLE, note=f"codes: {codes}"[:100])
    event = reports.event_of(
        codes=codes,
        status=status,
        error=error,
        address=address,
        source=SOURCE,
        provider_id=fields.get("message_id") or receipt.get("id", ""),
        event_id=f"status:{fields['id']}"[:255],
        text=fields.get("text", ""),
        at=moments.read_with_zone(fields.get("at", "")),
    )
    return Findings(
        events=(event,) if event else (), note="" if event else status[:100]
    )
