"""One-time tokens of providers: used once, or again with the very same content.

A provider that got no answer repeats its call; an attacker who intercepted one may try
its token with other content.
"""

import hashlib
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from delivery.models import UsedHookToken

from .refusals import HookRefused, Outcome


def use(provider: str, token: str, body: bytes) -> None:
    """Mark a token as used; refuse one that was used for other content.

    The caller is in the transaction that stores the call: if that fails, the token is
    not used.
    """
    row = UsedHookToken(
        provider=provider,
        token=hashlib.sha256(token.encode(errors="replace")).hexdigest(),
        body=hashlib.sha256(body).hexdigest(),
        used_at=timezone.now(),
    )
    _forget_old()
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        used = UsedHookToken.objects.get(provider=provider, token=row.token)
        if used.body != row.body:
            raise HookRefused(Outcome.REPLAYED) from None


def _forget_old() -> None:
    """Remove tokens that no fresh call can carry any more."""
    kept = timedelta(seconds=2 * settings.WEBHOOK_FRESH_SECONDS) + timedelta(days=1)
    UsedHookToken.objects.filter(used_at__lt=timezone.now() - kept).delete()
