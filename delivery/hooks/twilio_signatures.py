"""Twilio signs the address and the fields of its calls: the proof of both webhooks."""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import parse_qs, urlsplit, urlunsplit

from delivery.hooks.signatures import same, same_as_any

_PORTS = {"https": 443, "http": 80}


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
