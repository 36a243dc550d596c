"""Twilio: text messages from recipients, and reports about ours.

https://www.twilio.com/docs/messaging/guides/webhook-request (fields) and
https://www.twilio.com/docs/usage/security (signature). The signature has no time in it,
but the numbers of messages are unique, so a repeated call does nothing.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import parse_qs, urlsplit, urlunsplit
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
from .gate import HookCall, Outcome, hook, take_over
from .signatures import require, same, same_as_any

SOURCE = "twilio"
SECRETS = "TWILIO_AUTH_TOKENS"
State = InboundItem.State
_SAYS = {
    "STOP": KeywordAction.OPT_OUT,
    "START": KeywordAction.OPT_IN,
    "HELP": KeywordAction.HELP,
}
_PORTS = {"https": 443, "http": 80}


def _prove(call: HookCall) -> None:
    given = call.header("X-Twilio-Signature")
    require(bool(given.strip()), Outcome.NO_SIGNATURE)
    fields = Envelope("", {"Content-Type": call.header("Content-Type")}, call.body)
    urls = [
        spelled for url in dict.fromkeys(_addresses(call)) for spelled in spellings(url)
    ]
    tokens = settings.TWILIO_AUTH_TOKENS
    require(is_from_twilio(urls, fields.fields(), call.body, given, tokens))


def _addresses(call: HookCall) -> list[str]:
    """The addresses of this hook that Twilio may have been given.

    Behind a proxy the site may not know its own name, but BASE_URL has it.
    ALLOWED_HOSTS limits the name that the call itself gives.
    """
    path = call.request.get_full_path()
    scheme = settings.BASE_URL.partition("://")[0]
    return [settings.BASE_URL + path, f"{scheme}://{call.request.get_host()}{path}"]


def twilio_signature(url: str, params: Mapping[str, Sequence[str]], token: str) -> str:
    """The signature of a call: the address, then all fields sorted by their names.

    https://www.twilio.com/docs/usage/security (HMAC-SHA1, base64).
    """
    signed = url + "".join(
        name + value for name in sorted(params) for value in sorted(set(params[name]))
    )
    digest = hmac.new(token.encode(), signed.encode(errors="replace"), hashlib.sha1)
    return base64.b64encode(digest.digest()).decode()


def is_from_twilio(
    urls: Iterable[str],
    params: Mapping[str, Sequence[str]],
    body: bytes,
    signature: str,
    tokens: Sequence[str],
) -> bool:
    """Whether Twilio has signed this call, for one of the addresses that we may have.

    A body other than a form is signed by its digest in the address, which is required.
    """
    signature = signature.strip()
    if not signature:
        return False
    wanted = []
    for url in urls:
        digests = parse_qs(urlsplit(url).query).get("bodySHA256")
        if digests:
            found = hashlib.sha256(body).hexdigest()
            if len(digests) != 1 or not same(digests[0].lower(), found):
                continue
        signed = {} if digests else params
        wanted += [twilio_signature(url, signed, token) for token in tokens if token]
    return same_as_any(signature, wanted)


def spellings(url: str) -> list[str]:
    """An address with and without the default port of its scheme.

    Proxies add and drop it; Twilio signs the spelling that it was given.
    """
    parts = urlsplit(url)
    port = _PORTS.get(parts.scheme)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    if parts.port not in (None, port):
        return [url]
    return [
        urlunsplit(parts._replace(netloc=netloc)) for netloc in (host, f"{host}:{port}")
    ]


# ------------------------------------------------------------------ the webhooks
@hook(SOURCE, secrets=SECRETS)
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
    # At once, because the answer is the reply.
    reply = inbound_texts.take(text, item)
    take_over(item, is_new)
    message = f"<Message>{escape(reply)}</Message>" if reply else ""
    return HttpResponse(
        f'<?xml version="1.0" encoding="UTF-8"?><Response>{message}</Response>',
        content_type="text/xml; charset=utf-8",
    )


@hook(SOURCE, secrets=SECRETS)
def status(call: HookCall) -> HttpResponse:
    """What became of a message of ours."""
    _prove(call)
    item, is_new = intake.receive(
        SOURCE, pack(call, "status"), channel=Channel.SMS, is_verified=True
    )
    take_over(item, is_new)
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
