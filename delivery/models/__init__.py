"""What is sent, to whom, and what came back."""

from .deliveries import Analysis, Delivery
from .messages import Message
from .outcomes import Outcome
from .quarantine import AddressError, QuarantineAction, QuarantineEntry
from .typologies import TypologyRule

__all__ = [
    "AddressError",
    "Analysis",
    "Delivery",
    "Message",
    "Outcome",
    "QuarantineAction",
    "QuarantineEntry",
    "TypologyRule",
]
