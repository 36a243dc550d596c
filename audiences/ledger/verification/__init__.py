"""Whether everything is still what was sealed, and what differs."""

from audiences.ledger.verification.checked_tree import Claim
from audiences.ledger.verification.verifying import Verification, verify

__all__ = ["Claim", "Verification", "verify"]
