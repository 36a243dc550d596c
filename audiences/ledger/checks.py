"""The system checks of the key that signs checkpoints."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning as Caution, register

from . import keys
from .notes import BadNote, VerifierKey


@register(Tags.security)
def check_ledger_key(**kwargs: Any) -> Iterator[CheckMessage]:
    if settings.LEDGER_KEY:
        try:
            keys.parsed(settings.LEDGER_KEY)
        except keys.NoLedgerKey:
            yield Error(
                "LEDGER_KEY is not 32 bytes in base64.",
                hint=keys.REMEDY,
                id="audiences.E005",
            )
    elif not settings.DEBUG:
        yield Caution(
            "LEDGER_KEY is not set: the ledger is sealed, and nobody signs it.",
            hint=keys.REMEDY,
            id="audiences.W005",
        )
    for text in settings.LEDGER_FORMER_KEYS:
        try:
            VerifierKey.of(text)
        except BadNote as error:
            yield Error(
                f"LEDGER_FORMER_KEYS: {error}",
                hint="Write what ledger_checkpoint --public-key printed then.",
                id="audiences.E006",
            )
