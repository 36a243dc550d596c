"""Who calls: the key, its scope, its limit, and what histories call it."""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from django.http import HttpRequest
from ninja.security import HttpBearer

from audiences import api_keys
from audiences.api.problems import Problem
from audiences.api_keys import Allowed, accounts
from audiences.api_keys.scopes import SEES_ADDRESSES
from audiences.consent import Origin, Source
from audiences.files.cleaning import says_something
from audiences.masking import masked_text
from audiences.models import ApiKey
from audiences.pages.visitors import network_address

# What reported an error has room for so much.
_SHORT = 50


@dataclass
class Caller:
    """Who calls, and what is left of its limit."""

    key: ApiKey
    allowed: Allowed
    ip: str | None
    # Many of a thousand acts come from the same place.
    _origins: dict[tuple[Any, ...], Origin] = field(default_factory=dict)

    @property
    def actor(self) -> str:
        """What histories call it."""
        return accounts.name_of(self.key)

    @property
    def source(self) -> str:
        """The same where little fits: of a long name how it begins, and a part of its
        hash, so that two that begin alike are still two."""
        if len(self.actor) <= _SHORT:
            return self.actor
        digest = sha256(self.actor.encode()).hexdigest()[:12]
        return f"{self.actor[: _SHORT - 1 - len(digest)]}~{digest}"

    @property
    def sees_addresses(self) -> bool:
        return api_keys.allows(self.key, SEES_ADDRESSES)

    def shown(self, text: str) -> str:
        """A text that may name an address, as this key may see it."""
        return text if self.sees_addresses else masked_text(text)

    def require(self, scope: str, *, field: str = "") -> None:
        """Refuse what needs this scope too; raises Problem (403)."""
        if not api_keys.allows(self.key, scope):
            raise Problem(
                403,
                f"The key has no scope {scope}.",
                code="scope_missing",
                field=field,
                remedy=f"Use a key that has the scope {scope} too.",
            )

    def origin(
        self, *, note: str = "", source: str = "", wording: str = "", at: Any = None
    ) -> Origin:
        """Where an act comes from: this key, and where the person asked for it."""
        name = (note, source, wording, at)
        if made := self._origins.get(name):
            return made
        said = f"{source}: {note}" if source and note else source or note
        self._origins[name] = made = Origin(
            source=Source.API,
            note=said,
            actor=self.actor,
            wording_version=wording,
            at=at,
            says_only_where=not says_something(note),
        )
        return made


@dataclass(frozen=True)
class Acting:
    """A key where somebody's rights are asked: those of its scopes were asked before.

    What reaches opted-out people is approved by a person, whoever made or changed it.
    """

    who: Caller

    def has_perm(self, perm: str, /) -> bool:
        return True

    def get_username(self) -> str:
        return self.who.actor


def caller(request: HttpRequest) -> Caller:
    """Who makes this call."""
    found: Caller = request.auth  # type: ignore[attr-defined]
    return found


class KeyAuth(HttpBearer):
    """The key, asked before anything of the body is read."""

    def __init__(self, scope: str) -> None:
        self.scope = scope
        super().__init__()

    def __call__(self, request: HttpRequest) -> Any:
        kind, _space, secret = request.headers.get("Authorization", "").partition(" ")
        ip = network_address(request)
        key = None
        if kind.lower() == "bearer" and secret.strip():
            key = api_keys.identify(secret.strip(), ip)
        if key is None:
            raise Problem(
                401,
                "No key, or one that does not count here.",
                remedy="Send Authorization: Bearer KEY; administrators make keys.",
                headers={"WWW-Authenticate": 'Bearer realm="api"'},
            )
        allowed = api_keys.count(key)
        made = Caller(key, allowed, ip)
        request.auth = made  # type: ignore[attr-defined]
        if not allowed.is_allowed:
            raise Problem(
                429,
                f"The key may make {allowed.most} requests a minute.",
                code="too_many_requests",
                remedy=f"Try again in {allowed.seconds} seconds.",
                headers={"Retry-After": str(allowed.seconds)},
            )
        if "HTTP_TRANSFER_ENCODING" in request.META:
            # Its body would be taken for none: a server in front may pass it on so.
            raise Problem(
                411,
                "The request does not say how long its body is.",
                field="Content-Length",
                remedy="Send Content-Length, and not Transfer-Encoding: chunked.",
            )
        if not api_keys.allows(key, self.scope):
            raise Problem(
                403,
                f"The key has no scope {self.scope}.",
                code="scope_missing",
                remedy=f"Use a key that has the scope {self.scope}.",
            )
        return made

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        raise NotImplementedError  # `__call__` does it all
