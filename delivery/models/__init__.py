"""What is sent, to whom, and what came back."""

from .deliveries import Analysis, AnalysisChunk, Delivery, PreparationRequest
from .messages import Message
from .outcomes import Outcome, OutcomeWarning, StagedHolder
from .quarantine import AddressError, QuarantineAction, QuarantineEntry
from .typologies import Typology, TypologyRule, TypologyRuleUse

__all__ = [
    "AddressError",
    "Analysis",
    "AnalysisChunk",
    "Delivery",
    "Message",
    "Outcome",
    "OutcomeWarning",
    "PreparationRequest",
    "QuarantineAction",
    "QuarantineEntry",
    "StagedHolder",
    "Typology",
    "TypologyRule",
    "TypologyRuleUse",
]
