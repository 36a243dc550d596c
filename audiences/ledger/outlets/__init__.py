"""Places outside that get checkpoints, and the service that stamps them."""

from audiences.ledger.outlets.sending import problems, send

__all__ = ["problems", "send"]
