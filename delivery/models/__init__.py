"""What is sent, to whom, and what came back."""

from .approvals import Approval
from .contents import ContentVariant
from .deliveries import Analysis, AnalysisChunk, Delivery
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
from .preparations import PreparationRequest
from .quarantine import AddressError, QuarantineAction, QuarantineEntry
from .senders import Seed, Sender
from .sending import Dispatch, Sending
from .staging import StagedContender, StagedHolder, StagedKey
from .typologies import Typology, TypologyRule, TypologyRuleUse

__all__ = [
    "AddressError",
    "Analysis",
    "AnalysisChunk",
    "Approval",
    "ContentVariant",
    "Delivery",
    "Dispatch",
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
    "Seed",
    "Sender",
    "Sending",
    "StagedContender",
    "StagedHolder",
    "StagedKey",
    "Typology",
    "TypologyRule",
    "TypologyRuleUse",
    "UnprovenEffect",
    "UsedHookToken",
]
