"""Who may be contacted: profiles, their addresses, consent, services, audiences."""

from .allowances import Allowance
from .audiences import Audience, AudienceMember
from .bulk_act_people import BulkActPerson
from .consent import ConsentEvent, ConsentEvidence
from .figures import Figure
from .jobs import BulkAct, ImportContent, ImportReject, ImportRun, Job
from .landing_pages import LandingPage, LandingPageVersion
from .ledger import (
    LedgerCheckpoint,
    LedgerErasure,
    LedgerLeaf,
    LedgerNode,
    LedgerOutlet,
    LedgerSalt,
    LedgerStamp,
    LedgerState,
    LedgerWording,
)
from .organisation import Organisation
from .outbox import OutboxMail, RequestCount, SignupRequest, UsedProof
from .page_texts import LandingPageAsset, LandingPageText
from .privacy import ErasureRun, PrivacyRequest, RetentionRule
from .profiles import Address, AddressStatus, Profile
from .roles import Role
from .services import Service, Subscription
from .sign_ins import SignIn
from .staging import StagedProfile
from .summaries import MorningSummary
from .suppression import Suppression
from .transactions import Departure

__all__ = [
    "Address",
    "AddressStatus",
    "Allowance",
    "Audience",
    "AudienceMember",
    "BulkAct",
    "BulkActPerson",
    "ConsentEvent",
    "ConsentEvidence",
    "Departure",
    "ErasureRun",
    "Figure",
    "ImportContent",
    "ImportReject",
    "ImportRun",
    "Job",
    "LandingPage",
    "LandingPageAsset",
    "LandingPageText",
    "LandingPageVersion",
    "LedgerCheckpoint",
    "LedgerErasure",
    "LedgerLeaf",
    "LedgerNode",
    "LedgerOutlet",
    "LedgerSalt",
    "LedgerStamp",
    "LedgerState",
    "LedgerWording",
    "MorningSummary",
    "Organisation",
    "OutboxMail",
    "PrivacyRequest",
    "Profile",
    "RequestCount",
    "RetentionRule",
    "Role",
    "Service",
    "SignIn",
    "SignupRequest",
    "StagedProfile",
    "Subscription",
    "Suppression",
    "UsedProof",
]
