"""What is sent, to whom, and what came back."""

from .deliveries import Analysis, AnalysisChunk, Delivery, PreparationRequest
from .hooks import HookCount, UsedHookToken
from .inbound import (
    InboundClue,
    InboundItem,
    InboundMention,
    MailboxPosition,
    UnprovenEffect,
)
from .keywords import Keyword
from .message_events import EventKind, MessageEvent
from .messages import Message
from .outcomes import Outcome, OutcomeWarning
from .quarantine import AddressError, QuarantineAction, QuarantineEntry
from .staging import StagedHolder
from .typologies import Typology, TypologyRule, TypologyRuleUse

__all__ = [
    "AddressError",
    "Analysis",
    "AnalysisChunk",
    "Delivery",
    "EventKind",
    "HookCount",
    "InboundClue",
    "InboundItem",
    "InboundMention",
    "Keyword",
    "MailboxPosition",
    "Message",
    "MessageEvent",
    "Outcome",
    "OutcomeWarning",
    "PreparationRequest",
    "QuarantineAction",
    "QuarantineEntry",
    "StagedHolder",
    "Typology",
    "TypologyRule",
    "TypologyRuleUse",
    "UnprovenEffect",
    "UsedHookToken",
]
