"""Who may be contacted: profiles, their addresses, consent, services, audiences."""

from .allowances import Allowance
from .api import ApiAnswer, ApiKey, ApiSecret, ApiUse
from .audiences import Audience, AudienceMember
from .bulk_act_people import BulkActPerson
from .consent import ConsentEvent, ConsentEvidence
from .endpoints import Endpoint, EndpointCall, Happening
from .fields import FieldValue, OwnField
from .figures import Figure
from .jobs import BulkAct, ImportContent, ImportReject, ImportRun, Job
from .landing_pages import LandingPage, LandingPageVersion
from .ledger import (
    LedgerCheckpoint,
    LedgerCount,
    LedgerErasure,
    LedgerLeaf,
    LedgerNode,
    LedgerOutlet,
    LedgerRemoval,
    LedgerSalt,
    LedgerStamp,
    LedgerState,
    LedgerWording,
)
from .organisation import Organisation
from .outbox import OutboxMail, RequestCount, SignupRequest, UsedProof
from .page_texts import LandingPageAsset, LandingPageText
from .presence import Lease, Presence
from .privacy import ErasureRun, PrivacyRequest, RetentionRule
from .profiles import Address, AddressStatus, Profile
from .roles import Role
from .services import Service, Subscription
from .sign_ins import SignIn
from .staging import StagedProfile
from .summaries import MorningSummary
from .suppression import Suppression
from .tags import ProfileTag, Tag
from .transactions import Departure
from .wishes import ContactWish, LeavingReason

__all__ = [
    "Address",
    "AddressStatus",
    "Allowance",
    "ApiAnswer",
    "ApiKey",
    "ApiSecret",
    "ApiUse",
    "Audience",
    "AudienceMember",
    "BulkAct",
    "BulkActPerson",
    "ConsentEvent",
    "ConsentEvidence",
    "ContactWish",
    "Departure",
    "Endpoint",
    "EndpointCall",
    "ErasureRun",
    "FieldValue",
    "Figure",
    "Happening",
    "ImportContent",
    "ImportReject",
    "ImportRun",
    "Job",
    "LandingPage",
    "LandingPageAsset",
    "LandingPageText",
    "LandingPageVersion",
    "Lease",
    "LeavingReason",
    "LedgerCheckpoint",
    "LedgerCount",
    "LedgerErasure",
    "LedgerLeaf",
    "LedgerNode",
    "LedgerOutlet",
    "LedgerRemoval",
    "LedgerSalt",
    "LedgerStamp",
    "LedgerState",
    "LedgerWording",
    "MorningSummary",
    "Organisation",
    "OutboxMail",
    "OwnField",
    "Presence",
    "PrivacyRequest",
    "Profile",
    "ProfileTag",
    "RequestCount",
    "RetentionRule",
    "Role",
    "Service",
    "SignIn",
    "SignupRequest",
    "StagedProfile",
    "Subscription",
    "Suppression",
    "Tag",
    "UsedProof",
]
