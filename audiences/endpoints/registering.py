"""Endpoints: made, changed, their secrets rotated; the only writer of what they are."""

import base64
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from audiences import feed
from audiences.endpoints import networks, words
from audiences.feed import Event
from audiences.models import Endpoint
from audiences.refusals import Refused

# For so long the former secret signs too.
OVERLAP = timedelta(days=1)
State = Endpoint.State


class BadEndpoint(Refused):
    """The endpoint cannot be made so; the message says why."""


class NoSuchEndpoint(Refused):
    """There is no endpoint with this number."""


@dataclass(frozen=True)
class Shown:
    """An endpoint with its secret, which is shown once."""

    endpoint: Endpoint
    secret: str


def create(
    url: str, events: Iterable[str], *, actor: str = "", with_addresses: bool = False
) -> Shown:
    """Make an endpoint that is told what happens from now on; raises Refused.

    What is named is resolved at each call, and not here: a name may come later.
    """
    networks.refuse_private(url)
    secret = _secret()
    made = Endpoint.objects.create(
        url=url,
        events=_events(events),
        with_addresses=with_addresses,
        secret=secret,
        position=str(feed.present()),
        created_by=actor,
    )
    return Shown(made, secret)


def _events(names: Iterable[str]) -> list[str]:
    wanted = set(names)
    unknown = sorted(wanted - {*Event.values})
    if unknown or not wanted:
        what = f"There is no event {unknown[0]!r}." if unknown else "Choose events."
        raise BadEndpoint(f"{what} Events: {', '.join(Event.values)}.")
    return [name for name in Event.values if name in wanted]


def _secret() -> str:
    """As Standard Webhooks writes it: 24 to 64 random bytes, in base64."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"


def find(pk: int) -> Endpoint:
    """The endpoint with a number; raises NoSuchEndpoint."""
    found = Endpoint.objects.filter(pk=pk).first()
    if found is None:
        raise NoSuchEndpoint(f"There is no endpoint {pk}.")
    return found


def change(
    endpoint: Endpoint,
    *,
    url: str | None = None,
    events: Iterable[str] | None = None,
    with_addresses: bool | None = None,
) -> Endpoint:
    """Change where it is or what it is told; raises Refused."""
    with transaction.atomic():
        row = Endpoint.objects.select_for_update().get(pk=endpoint.pk)
        if url is not None:
            networks.refuse_private(url)
            row.url = url
        if events is not None:
            row.events = _events(events)
        if with_addresses is not None:
            row.with_addresses = with_addresses
        row.save(update_fields=["url", "events", "with_addresses"])
    return row


def rotate(endpoint: Endpoint, *, overlap: timedelta = OVERLAP) -> Shown:
    """Give it a new secret; for a while both sign, so that it can go over."""
    with transaction.atomic():
        row = Endpoint.objects.select_for_update().get(pk=endpoint.pk)
        row.former_secret, row.secret = row.secret, _secret()
        row.former_until = timezone.now() + overlap
        row.save(update_fields=["secret", "former_secret", "former_until"])
    return Shown(row, row.secret)


def enable(endpoint: Endpoint, *, enabled: bool = True) -> None:
    """Tell it again, from where it was; or nothing more until somebody enables it."""
    Endpoint.objects.filter(pk=endpoint.pk).update(
        state=State.ACTIVE if enabled else State.DISABLED,
        reason="" if enabled else words.BY_HAND,
        failing_since=None,
        failures=0,
        due_at=timezone.now(),
    )
    if enabled:
        endpoint.calls.filter(state="waiting").update(
            due_at=timezone.now(), first_at=None, attempts=0
        )


def remove(endpoint: Endpoint) -> None:
    """Forget it, and what it was told."""
    endpoint.delete()
