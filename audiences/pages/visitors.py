"""What is read of a visitor's request: fields, and the device as proof and for caps."""

import ipaddress
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, QueryDict, UnreadablePostError
from django.http.multipartparser import MultiPartParserError

from audiences.consent import Origin

LONGEST_USER_AGENT = 500
LARGEST_BODY = 100_000
_FORMS = ("", "application/x-www-form-urlencoded", "multipart/form-data")


def posted(request: HttpRequest) -> QueryDict | None:
    """The posted fields; None when the body cannot be read as a form.

    A form that was cut off, or is written in another way, has no empty boxes: nobody
    knows what its visitor ticked.
    """
    if request.content_type not in _FORMS or "Transfer-Encoding" in request.headers:
        return None
    if is_too_long(request):
        return None
    try:
        if len(request.body) < body_length(request):
            return None  # the visitor's connection broke: Django would not tell
        return request.POST
    except (MultiPartParserError, UnreadablePostError, SuspiciousOperation):
        return None


class FromElsewhere(Exception):
    """A page of another site made the visitor's browser send this."""


def require_own_page(request: HttpRequest) -> None:
    """Refuse what another site's page made a browser send; raises FromElsewhere.

    Browsers say it in Sec-Fetch-Site (Fetch Metadata); old ones name the page's site in
    Origin (RFC 6454), and there our own pages are anonymous ("null"), because they send
    no referrer. What is not a browser says neither. Never asked for opting out: mail
    clients do that.
    """
    site = request.headers.get("Sec-Fetch-Site", "").strip().lower()
    origin = request.headers.get("Origin", "").strip().lower()
    if site:
        is_own = site in ("same-origin", "none")
    else:
        ours = {request.get_host().lower(), urlsplit(settings.BASE_URL).netloc.lower()}
        is_own = origin in ("", "null") or origin.partition("://")[2] in ours
    if not is_own:
        raise FromElsewhere


def is_led_here(request: HttpRequest) -> bool:
    """Whether a page of ours led the browser here, as far as it says (Fetch Metadata).

    An address that was typed, pasted or opened from a message says "none", and one on
    another site "cross-site".
    """
    site = request.headers.get("Sec-Fetch-Site", "").strip().lower()
    return site in ("", "same-origin")


def is_too_long(request: HttpRequest) -> bool:
    """Whether no form of ours can be so long."""
    return body_length(request) > LARGEST_BODY


def body_length(request: HttpRequest) -> int:
    """How long the body is by its header; 0 when there is none."""
    text = str(request.META.get("CONTENT_LENGTH") or "0")
    return int(text) if text.isdecimal() else 0


def network_address(request: HttpRequest) -> str | None:
    """The visitor's IP address; behind TRUSTED_PROXIES proxies, as they say it.

    Only what our own proxies appended to X-Forwarded-For is believed: the rest is
    written by anyone who asks.
    """
    text = str(request.META.get("REMOTE_ADDR") or "")
    if settings.TRUSTED_PROXIES:
        hops = request.headers.get("X-Forwarded-For", "").split(",")
        enough = len(hops) >= settings.TRUSTED_PROXIES
        text = hops[-settings.TRUSTED_PROXIES] if enough else ""
    try:
        address = ipaddress.ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    return str(getattr(address, "ipv4_mapped", None) or address)


def network(request: HttpRequest) -> str:
    """The visitor's network, /24 or /64, as caps count it.

    Visitors whose address is not known share one, the empty text.
    """
    text = network_address(request)
    if text is None:
        return ""
    length = 64 if ":" in text else 24
    return str(ipaddress.ip_network(f"{text}/{length}", strict=False))


def network_start(request: HttpRequest) -> str | None:
    """The first address of the visitor's network: how sign-ins are counted and kept."""
    return network(request).partition("/")[0] or None


def origin(request: HttpRequest, source: str) -> Origin:
    """Where an act comes from, as evidence: the visitor's address and browser."""
    return Origin(
        source=source, ip=network_address(request), user_agent=user_agent(request)
    )


def user_agent(request: HttpRequest) -> str:
    """The name of the browser as it says it, cut to what can be stored."""
    text = request.headers.get("User-Agent", "")[:LONGEST_USER_AGENT]
    return text.replace("\0", "").encode("utf-8", "replace").decode()
