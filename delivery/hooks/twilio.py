"""Twilio: text messages from recipients, and reports about ours.

https://www.twilio.com/docs/messaging/guides/webhook-request (fields) and
https://www.twilio.com/docs/usage/security (signature). The signature has no time in it,
but the numbers of messages are unique, so a repeated call does nothing.
"""

from xml.sax.saxutils import escape

from django.conf import settings
from django.http import HttpResponse

from audiences.channels import Channel
from delivery.feedback import intake
from delivery.feedback.intake import Findings
from delivery.feedback.text_messages import inbound as inbound_texts, reports
from delivery.feedback.text_messages.inbound import InboundText
from delivery.feedback.text_messages.keywords import KeywordAction
from delivery.models import InboundItem

from .envelope import Envelope, pack, unpack
from .gate import HookCall, count_taken, hook
from .refusals import Outcome
from .signatures import require
from .twilio_signatures import is_from_twilio, spellings

SOURCE = "twilio"
State = InboundItem.State
_SAYS = {
    "STOP": KeywordAction.OPT_OUT,
    "START": KeywordAction.OPT_IN,
    "HELP": KeywordAction.HELP,
}


def _secrets() -> list[str]:
    found: list[str] = settings.TWILIO_AUTH_TOKENS
    return found


def _prove(call: HookCall) -> None:
    given = call.header("X-Twilio-Signature")
    require(bool(given.strip()), Outcome.NO_SIGNATURE)
    fields = Envelope("", {"Content-Type": call.header("Content-Type")}, call.body)
    urls = [
        spelled for url in dict.fromkeys(_addresses(call)) for spelled in spellings(url)
    ]
    require(is_from_twilio(urls, fields.fields(), call.body, given, _secrets()))


def _addresses(call: HookCall) -> list[str]:
    """The addresses of this hook that Twilio may have been given.

    Behind a proxy the site may not know its own name, but BASE_URL has it.
    ALLOWED_HOSTS limits the name that the call itself gives.
    """
    path = call.request.get_full_path()
    scheme = settings.BASE_URL.partition("://")[0]
    return [settings.BASE_URL + path, f"{scheme}://{call.request.get_host()}{path}"]


@hook(SOURCE, secrets=_secrets)
def inbound(call: HookCall) -> HttpResponse:
    """A text message from a recipient; the answer is the reply to it."""
    _prove(call)
    raw = pack(call, "inbound")
    text = _text(unpack(raw))
    item, is_new = intake.receive(
        SOURCE,
        raw,
        external_id=f"inbound:{text.event_id}" if text.event_id else "",
        channel=Channel.SMS,
        is_verified=True,
    )
    reply = inbound_texts.take(text, item)
    count_taken(item, is_new)
    message = f"<Message>{escape(reply)}</Message>" if reply else ""
    return HttpResponse(
        f'<?xml version="1.0" encoding="UTF-8"?><Response>{message}</Response>',
        content_type="text/xml; charset=utf-8",
    )


@hook(SOURCE, secrets=_secrets)
def status(call: HookCall) -> HttpResponse:
    """What became of a message of ours."""
    _prove(call)
    item, is_new = intake.receive(
        SOURCE, pack(call, "status"), channel=Channel.SMS, is_verified=True
    )
    if item.state == State.NEW:
        intake.process(item)
    count_taken(item, is_new)
    return HttpResponse(status=204)


def _fields(envelope: Envelope) -> dict[str, str]:
    return {
        name: values[-1].replace("\0", " ")
        for name, values in envelope.fields().items()
    }


def _text(envelope: Envelope) -> InboundText:
    fields = _fields(envelope)
    return InboundText(
        number=fields.get("From", ""),
        to=fields.get("To", ""),
        text=fields.get("Body", ""),
        event_id=fields.get("MessageSid") or fields.get("SmsSid", ""),
        provider_says=_SAYS.get(fields.get("OptOutType", "").upper()),
    )


def read(item: InboundItem) -> Findings:
    """Read any call of Twilio."""
    envelope = unpack(bytes(item.raw))
    if envelope.kind == "inbound":
        return inbound_texts.findings(_text(envelope), item)
    fields = _fields(envelope)
    number = fields.get("MessageSid") or fields.get("SmsSid", "")
    state = fields.get("MessageStatus") or fields.get("SmsStatus", "")
    address = fields.get("To", "")
    if not (number and state and address):
        return Findings(otherwise=State.UNREADABLE, note="MessageSid, status or To")
    event = reports.event_of(
        codes="twilio",
        status=state,
        error=fields.get("ErrorCode", ""),
        address=address,
        source=SOURCE,
        provider_id=number,
        event_id=f"{number}:{state.lower()}"[:255],
        text=fields.get("ErrorMessage", ""),
    )
    return Findings(events=(event,) if event else (), note="" if event else state[:100])
