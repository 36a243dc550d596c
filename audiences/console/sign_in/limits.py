"""Guessing passwords is slowed, for each name and for each network, never for ever.

django-axes refuses one name from one network after a few wrong passwords. Whoever tries
many names, or one name from many places, is held by two slow allowances besides. A
browser in which somebody has signed in before has one of its own, so nobody keeps an
operator out by guessing at their name or from their office.
"""

import secrets
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from audiences.console.allowances import Bucket, Scope
from audiences.models import Allowance

COOKIE = "known_browser"
_SALT = "audiences.console.known_browser"
_DAYS = 90
SCOPES = (Scope.SIGN_IN_NAME, Scope.SIGN_IN_NETWORK, Scope.SIGN_IN_BROWSER)


def _bucket(scope: Scope) -> Bucket:
    from_network = scope == Scope.SIGN_IN_NETWORK
    most = settings.SIGN_IN_PER_NETWORK if from_network else settings.SIGN_IN_PER_NAME
    return Bucket(scope, most)


def code_bucket() -> Bucket:
    """Codes of the second factor that somebody may try."""
    return _bucket(Scope.CODE)


def _counted(request: HttpRequest, name: str) -> list[tuple[Bucket, str]]:
    """What a try counts for: the browser if it is known, else the name and network."""
    if browser := _known_browser(request, name):
        return [(_bucket(Scope.SIGN_IN_BROWSER), browser)]
    network = getattr(request, "axes_ip_address", None) or ""
    return [
        (_bucket(Scope.SIGN_IN_NETWORK), network),
        (_bucket(Scope.SIGN_IN_NAME), name.casefold()),
    ]


class SlowedHandler(AxesDatabaseHandler):  # type: ignore[misc]
    """What django-axes asks whether somebody may try, and tells what came of it."""

    def is_allowed(
        self, request: HttpRequest, credentials: dict[str, Any] | None = None
    ) -> bool:
        """Count a try before it is known to be wrong: many at once get no further."""
        if not super().is_allowed(request, credentials):
            return False
        taken: list[tuple[Bucket, str]] = []
        for bucket, subject in _counted(
            request, (credentials or {}).get("username", "")
        ):
            if not bucket.spend(subject):
                request.__dict__["sign_in_wait"] = bucket.wait(subject)
                _give_back(taken)
                return False
            taken.append((bucket, subject))
        request.__dict__["sign_in_counted"] = taken
        return True

    def user_logged_in(
        self, sender: Any, request: HttpRequest, user: Any, **kwargs: Any
    ) -> None:
        super().user_logged_in(sender, request, user, **kwargs)
        # Not the network's: an account of one's own must not open it for guessing.
        _bucket(Scope.SIGN_IN_NAME).forget(user.get_username().casefold())

    def reset_attempts(
        self,
        *,
        ip_address: str | None = None,
        username: str | None = None,
        ip_or_username: bool = False,
    ) -> int:
        """What an administrator lifts with the commands of django-axes."""
        if username:
            _bucket(Scope.SIGN_IN_NAME).forget(username.casefold())
        if ip_address:
            _bucket(Scope.SIGN_IN_NETWORK).forget(ip_address)
        if not username and not ip_address:
            Allowance.objects.filter(scope__in=SCOPES).delete()
        return int(
            super().reset_attempts(
                ip_address=ip_address,
                username=username,
                ip_or_username=ip_or_username,
            )
        )


def was_right(request: HttpRequest) -> None:
    """The password was right: the try counts for nothing."""
    _give_back(request.__dict__.pop("sign_in_counted", []))


def _give_back(taken: list[tuple[Bucket, str]]) -> None:
    for bucket, subject in taken:
        bucket.give_back(subject)


def seconds_to_wait(request: HttpRequest) -> int:
    """How long a refused try has to wait."""
    pause = int(settings.AXES_COOLOFF_TIME.total_seconds())
    return int(request.__dict__.get("sign_in_wait", pause))


# ------------------------------------------------------------------ known browsers
def remember_browser(request: HttpRequest, answer: HttpResponse, name: str) -> None:
    """Let the browser prove that this operator has signed in with it before."""
    browser = _known_browser(request, name) or f"{secrets.token_hex(12)}:{name}"
    answer.set_signed_cookie(
        COOKIE,
        browser,
        salt=_SALT,
        max_age=_DAYS * 24 * 3600,
        path=settings.SESSION_COOKIE_PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )


def _known_browser(request: HttpRequest, name: str) -> str:
    """The number of a browser in which this name has signed in; else empty."""
    try:
        value = request.get_signed_cookie(COOKIE, salt=_SALT, max_age=_DAYS * 24 * 3600)
    except (KeyError, signing.BadSignature):
        return ""
    return value if value and value.partition(":")[2] == name else ""
