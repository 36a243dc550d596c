"""Whether `TRUSTED_PROXIES` agrees with the requests that arrive."""

import ipaddress
from typing import Any

from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils.translation import gettext as _

from audiences.background import figures

from .dashboard import Figures, Notice, attention

FIGURE = "proxies"
TOO_FEW, TOO_MANY = "too few", "too many"


def contradiction(request: HttpRequest) -> str:
    """What a request says against TRUSTED_PROXIES; empty when nothing.

    A machine of ours that adds X-Forwarded-For is a proxy. A request that went through
    fewer proxies than we trust names nobody. More of them prove nothing: a visitor may
    send the header too.
    """
    sender = str(request.META.get("REMOTE_ADDR") or "")
    hops = [h for h in request.headers.get("X-Forwarded-For", "").split(",") if h]
    if not sender:
        return ""
    if len(hops) < settings.TRUSTED_PROXIES:
        return TOO_MANY
    return TOO_FEW if hops and not settings.TRUSTED_PROXIES and _is_ours(sender) else ""


def _is_ours(address: str) -> bool:
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_private
    except ValueError:
        return True  # a socket of this machine has no address


def remedy(found: str) -> str:
    """The contradiction in words, in the language of the reader."""
    if found == TOO_FEW:
        return _(
            "A proxy stands before the site, and TRUSTED_PROXIES is 0: all visitors "
            "and operators seem to have one address. Set it to the number of proxies."
        )
    return _(
        "TRUSTED_PROXIES is {number}, and requests come through fewer proxies: no "
        "address is known. Set it to the number of proxies that add X-Forwarded-For."
    ).format(number=settings.TRUSTED_PROXIES)


@attention("auth.change_user")
def contradicts(request: HttpRequest, known: Figures) -> list[Notice]:
    """Administrators are told on the home page, of the very request that asks."""
    found = contradiction(request)
    return [Notice(remedy(found), tone="bad")] if found else []


@receiver(user_logged_in)
def remember(sender: Any, request: HttpRequest, **kwargs: Any) -> None:
    """Keep what a sign-in said, for the check: commands see no requests."""
    if not request.META.get("REMOTE_ADDR"):
        return
    found = contradiction(request)
    told = {"found": found, "trusted": settings.TRUSTED_PROXIES}
    kept = figures.kept(FIGURE)
    if found or kept is not None:
        figures.keep(FIGURE, told)


def as_seen() -> str:
    """What the last sign-in said against the present setting; empty when nothing."""
    kept = figures.kept(FIGURE)
    if kept is None or kept.data.get("trusted") != settings.TRUSTED_PROXIES:
        return ""
    return str(kept.data.get("found", ""))
