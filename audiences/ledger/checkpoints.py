"""Checkpoints: made when there is something new, signed, and kept."""

from django.db import transaction
from django.utils import timezone

from audiences import sql
from audiences.models import ConsentEvent, LedgerCheckpoint, LedgerLeaf

from . import keys, stored_tree
from .notes import Checkpoint, sign
from .sealing import origin


def make() -> tuple[LedgerCheckpoint, bool]:
    """The checkpoint of all that is sealed, and whether it is new.

    Raises NoLedgerKey.
    """
    key = keys.signing_key()
    with transaction.atomic():
        sql.hold("ledger:checkpoint")
        size = stored_tree.size()
        kept = LedgerCheckpoint.objects.filter(size=size).first()
        if kept:
            return kept, False
        root = stored_tree.Proofs(size).root()
        now = timezone.now()
        note = sign(Checkpoint(origin(), size, root, now), key)
        made = LedgerCheckpoint.objects.create(size=size, note=note, made_at=now)
        return made, True


def newest() -> LedgerCheckpoint | None:
    """The checkpoint with the most leaves."""
    return LedgerCheckpoint.objects.order_by("-size").first()


def is_covered(profile_id: int) -> bool:
    """Whether a checkpoint covers anything of a person."""
    checkpoint = newest()
    if checkpoint is None:
        return False
    ids = ConsentEvent.objects.filter(profile_id=profile_id).values("pk")
    sealed = LedgerLeaf.objects.filter(
        kind=LedgerLeaf.Kind.EVENT, source_id__in=ids, id__lt=checkpoint.size
    )
    return sealed.exists()
