"""Where an endpoint may be: on the public internet, unless a setting says otherwise.

A name is resolved once for a call, and the connection goes to the address that was
looked at: a name that answers differently the second time leads nowhere else (OWASP,
Server Side Request Forgery Prevention; the same for redirects, which nobody follows).
"""

import ipaddress
import re
import socket
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

from audiences.refusals import Refused

LONGEST = 500


class NotPublic(Refused):
    """The address is not one of the public internet, or is no web address."""


@dataclass(frozen=True)
class Target:
    """Where a call goes: the address to connect to, and what is asked there."""

    is_secure: bool
    host: str
    port: int
    ip: str
    path: str

    @property
    def named(self) -> str:
        """What stands in the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = 443 if self.is_secure else 80
        return host if self.port == usual else f"{host}:{self.port}"


@dataclass(frozen=True)
class Place:
    """A web address in its parts."""

    is_secure: bool
    host: str
    port: int
    path: str


def read(url: str) -> Place:
    """A web address as it may be called; raises NotPublic, asks no name server."""
    private = settings.ENDPOINTS_ALLOW_PRIVATE
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise NotPublic(f"{url!r} is not a web address: {error}.") from error
    schemes = ("https", "http") if private else ("https",)
    if parts.scheme not in schemes or not parts.hostname or port == 0:
        hint = "" if private else "ENDPOINTS_ALLOW_PRIVATE=1 allows http:// too."
        raise NotPublic(
            "Give the web address of the endpoint, as https://….", hint=hint
        )
    if parts.username or parts.password or parts.fragment:
        raise NotPublic("The web address must have no user name, password or #.")
    if len(url) > LONGEST or not url.isascii() or not url.isprintable() or " " in url:
        raise NotPublic(f"A web address has at most {LONGEST} characters of ASCII.")
    is_secure = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Place(is_secure, parts.hostname, port or (443 if is_secure else 80), path)


# Names that are never on the public internet (RFC 6761, 6762, 8375), beside those of
# one word, which only a network at home answers.
_LOCAL = (".localhost", ".localdomain", ".local", ".internal", ".home.arpa")
# A name of a host, whose last part is no number (RFC 1123, 2.1; a name may have a _).
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?:{_LABEL}\.)*(?=[^.]*[a-z]){_LABEL}")


def refuse_private(url: str) -> None:
    """Refuse what is private by its very text; raises NotPublic, asks no name server.

    Whatever a name stands for is looked at before each call (`resolve`).
    """
    place = read(url)
    if settings.ENDPOINTS_ALLOW_PRIVATE:
        return
    name = place.host.removesuffix(".").lower()
    if (ips := _written_out(name)) is not None:
        is_local = not all(map(is_public, ips))
    elif _NAME.fullmatch(name) and len(name) < 254:
        is_local = "." not in name or name.endswith(_LOCAL)
    else:
        raise NotPublic(f"{place.host!r} is no name of a host.")
    if is_local:
        raise _private(place.host)


def _written_out(name: str) -> list[str] | None:
    """The address that a name is itself, in any notation; None for a name.

    2130706433 is 127.0.0.1, and so is 0x7f.1.
    """
    with suppress(OSError, UnicodeError):
        found = socket.getaddrinfo(name, None, flags=socket.AI_NUMERICHOST)
        return [str(info[4][0]).partition("%")[0] for info in found]
    return None


def _private(host: str) -> NotPublic:
    return NotPublic(
        f"{host} is in a private network.",
        hint="ENDPOINTS_ALLOW_PRIVATE=1 allows that.",
    )


def resolve(url: str) -> Target:
    """Where a call to a web address goes now; raises NotPublic, and OSError for DNS."""
    place = read(url)
    found = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
    ips = [str(info[4][0]).partition("%")[0] for info in found]
    allowed = [ip for ip in ips if settings.ENDPOINTS_ALLOW_PRIVATE or is_public(ip)]
    # One private address among public ones is somebody's trick.
    if not ips or len(allowed) < len(ips):
        raise _private(place.host)
    return Target(place.is_secure, place.host, place.port, ips[0], place.path)


# All of IPv6 that is given out (IANA, IPv6 Global Unicast Address Assignments). Beyond
# it are site-local networks and IPv4 in old clothes: ::127.0.0.1, ::ffff:0:127.0.0.1.
_GIVEN_OUT = ipaddress.ip_network("2000::/3")
# Within it, what leads into an IPv4 network (RFC 3056, 4380), examples (RFC 9637), and
# what is set apart for protocols, of which Python knows more with each release.
_NOT_THERE = [ipaddress.ip_network(n) for n in ("2002::/16", "2001::/23", "3fff::/20")]
_NOT_THERE_4 = [ipaddress.ip_network(n) for n in ("192.0.0.0/24", "192.88.99.0/24")]


def is_public(ip: str) -> bool:
    """Whether an address is one of the public internet."""
    address = ipaddress.ip_address(ip)
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return is_public(str(address.ipv4_mapped))
        if address not in _GIVEN_OUT or any(address in net for net in _NOT_THERE):
            return False
    elif any(address in net for net in _NOT_THERE_4):
        return False
    return address.is_global and not address.is_multicast
