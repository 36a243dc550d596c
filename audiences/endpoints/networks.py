"""Where an endpoint may be: on the public internet, unless a setting says otherwise.

A name is resolved once for a call, and the connection goes to the address that was
looked at: a name that answers differently the second time leads nowhere else (OWASP,
Server Side Request Forgery Prevention; the same for redirects, which nobody follows).
"""

import ipaddress
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
    if parts.scheme not in schemes or not parts.hostname:
        raise NotPublic("Give the web address of the endpoint, as https://….")
    if parts.username or parts.password or parts.fragment:
        raise NotPublic("The web address must have no user name, password or #.")
    if len(url) > LONGEST or not url.isascii() or not url.isprintable() or " " in url:
        raise NotPublic(f"A web address has at most {LONGEST} characters of ASCII.")
    is_secure = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Place(is_secure, parts.hostname, port or (443 if is_secure else 80), path)


# Names that are never on the public internet (RFC 6761, 6762, 9476).
_LOCAL = ("localhost", ".localhost", ".local", ".internal", ".home.arpa")


def refuse_private(url: str) -> None:
    """Refuse what is private by its very text; raises NotPublic, asks no name server.

    Whatever a name stands for is looked at before each call (`resolve`).
    """
    place = read(url)
    if settings.ENDPOINTS_ALLOW_PRIVATE:
        return
    name = place.host.rstrip(".").lower()
    is_local = name == "localhost" or name.endswith(_LOCAL)
    with suppress(OSError, UnicodeError):
        # Numbers in any notation, such as 2130706433 for 127.0.0.1.
        found = socket.getaddrinfo(name, None, flags=socket.AI_NUMERICHOST)
        is_local |= any(not is_public(str(info[4][0])) for info in found)
    if is_local:
        raise _private(place.host)


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
# Within it, what leads into an IPv4 network (RFC 3056, 4380), and examples (RFC 9637).
_NOT_THERE = [ipaddress.ip_network(n) for n in ("2002::/16", "2001::/32", "3fff::/20")]


def is_public(ip: str) -> bool:
    """Whether an address is one of the public internet."""
    address = ipaddress.ip_address(ip)
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return is_public(str(address.ipv4_mapped))
        if address not in _GIVEN_OUT or any(address in net for net in _NOT_THERE):
            return False
    return address.is_global and not address.is_multicast
