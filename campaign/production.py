"""What a site that others can reach refuses to start with: fail closed."""

import contextlib
import ipaddress
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

LOCAL_KEY = "insecure-local-key-that-production-refuses"
SHORTEST_KEY = 50
FEWEST_CHARACTERS = 10
_REMEDY = (
    "a long random text (python -c 'import secrets; print(secrets.token_urlsafe(50))')"
)


def refuse_weak_key(name: str, key: str) -> None:
    """Refuse a key that can be guessed; raises ImproperlyConfigured."""
    if key == LOCAL_KEY:
        raise ImproperlyConfigured(
            f"DEBUG is 0 and {name} is not set. Set {name} to {_REMEDY} and keep it: "
            "signed links depend on it. On your own machine, set DEBUG=1."
        )
    if len(key) < SHORTEST_KEY or len(set(key)) < FEWEST_CHARACTERS:
        raise ImproperlyConfigured(
            f"{name} is too weak: it needs {SHORTEST_KEY} characters or more, and at "
            f"least {FEWEST_CHARACTERS} different ones. Set it to {_REMEDY}."
        )


def refuse_known_keys(name: str, keys: Iterable[str]) -> None:
    """Refuse, among keys of before, the one that everybody knows."""
    if LOCAL_KEY in keys:
        raise ImproperlyConfigured(
            f"{name} has the key that everybody knows: anybody could make personal "
            "links."
        )


def refuse_plain_http(url: str) -> None:
    """Refuse an address of the site over which others read passwords and links."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return  # campaign.E003 says so
    if parts.scheme == "http" and parts.hostname and not is_loopback(parts.hostname):
        raise ImproperlyConfigured(
            f"BASE_URL is {url!r}: in production it begins with https://. Links and "
            "passwords would travel where everybody reads them."
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine itself is reached by the name or number."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def local_secret(path: Path) -> str:
    """The secret in a file that only its owner reads; made when there is none.

    For one's own machine: production sets its secrets itself.
    """
    if not path.exists():
        # Whole or not at all, and by the first one who comes.
        made = path.with_name(f"{path.name}.{os.getpid()}")
        made.touch(mode=0o600)
        made.write_text(secrets.token_urlsafe(50))
        with contextlib.suppress(FileExistsError):
            os.link(made, path)
        made.unlink()
    return path.read_text().strip()
