"""The guards of the ledger's own tables: what is sealed stays as it is."""

from audiences.consent import guards
from audiences.models import (
    LedgerCheckpoint,
    LedgerLeaf,
    LedgerNode,
    LedgerRemoval,
    LedgerWording,
)

guards.register(
    *(
        guards.Guard(model, "The ledger is append-only")
        for model in (
            LedgerLeaf,
            LedgerNode,
            LedgerCheckpoint,
            LedgerRemoval,
            LedgerWording,
        )
    )
)
