"""The ledger: an outsider can check that nothing in the history was altered."""

from audiences.ledger.checkpoints import is_covered, make as make_checkpoint, newest
from audiences.ledger.keys import NoLedgerKey, known_keys, public_key
from audiences.ledger.sealing import introduce, lag, seal, seal_all, unsealed
from audiences.ledger.subjects import forget
from audiences.ledger.verification import Claim, verify

__all__ = [
    "Claim",
    "NoLedgerKey",
    "forget",
    "introduce",
    "is_covered",
    "known_keys",
    "lag",
    "make_checkpoint",
    "newest",
    "public_key",
    "seal",
    "seal_all",
    "unsealed",
    "verify",
]
