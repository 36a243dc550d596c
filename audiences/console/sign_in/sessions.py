"""Where operators are signed in, and whether a session may open the console."""

from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from django.conf import settings
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db.models import QuerySet
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from audiences.models import SignIn

from . import second_factor

_NUMBER = "sign_in"
LONGEST_BROWSER = 500


class State(Enum):
    """What a session may do."""

    OUT = "out"
    MUST_ENROL = "must enrol"
    IN = "in"


def state_of(request: HttpRequest) -> State:
    """Signed in, ended meanwhile, or waiting for a second factor to be set up.

    Who has a second factor is in only with a session that proved it. Asked once for
    each request.
    """
    known: State | None = request.__dict__.get("_sign_in_state")
    if known is None:
        known = request.__dict__["_sign_in_state"] = _state_of(request)
    return known


def _state_of(request: HttpRequest) -> State:
    user: Any = request.user
    if not (user.is_active and user.is_staff and this(request).exists()):
        return State.OUT
    if getattr(user, "otp_device", None) is not None:
        return State.IN
    if second_factor.has_one(user):
        return State.OUT
    return State.MUST_ENROL if second_factor.is_needed_by(user) else State.IN


def this(request: HttpRequest) -> QuerySet[SignIn]:
    """The sign-in of this session; none once it was ended."""
    number = request.session.get(_NUMBER, "")
    return SignIn.objects.filter(number=number, user_id=request.user.pk or 0)


def of_user(user: Any, now: datetime | None = None) -> QuerySet[SignIn]:
    """Where somebody is signed in, newest first."""
    return SignIn.objects.filter(user=user, at__gt=_oldest(now))


def end_all(user: Any) -> int:
    """Sign somebody out everywhere; returns of how many sessions."""
    return SignIn.objects.filter(user=user).delete()[0]


def end_others(request: HttpRequest) -> int:
    """Sign out everywhere but here."""
    others = SignIn.objects.filter(user_id=request.user.pk or 0)
    return others.exclude(number=request.session.get(_NUMBER, "")).delete()[0]


def clean_up(now: datetime | None = None) -> int:
    """Remove what has ended by its time; returns how many rows."""
    return SignIn.objects.filter(at__lte=_oldest(now)).delete()[0]


def _oldest(now: datetime | None) -> datetime:
    return (now or timezone.now()) - timedelta(seconds=settings.SESSION_COOKIE_AGE)


@receiver(user_logged_in)
def begin(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    """Keep where somebody signed in, and let the session name it."""
    browser = request.headers.get("User-Agent", "").replace("\0", "")
    row = SignIn.objects.create(
        user=user,
        at=timezone.now(),
        network=getattr(request, "axes_ip_address", None) or "",
        browser=browser[:LONGEST_BROWSER],
    )
    request.session[_NUMBER] = row.number


@receiver(user_logged_out)
def ended(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    if user is not None:
        SignIn.objects.filter(number=request.session.get(_NUMBER, "")).delete()
