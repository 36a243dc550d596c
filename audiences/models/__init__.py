"""Who may be contacted: profiles, their addresses, consent, services, audiences."""

from .audiences import Audience, AudienceMember
from .bulk_acts import BulkAct
from .consent import ConsentEvent, ConsentEvidence
from .figures import Figure
from .import_runs import ImportContent, ImportReject, ImportRun
from .jobs import Job
from .landing_pages import LandingPage, LandingPageVersion
from .outbox import OutboxMail, RequestCount, SignupRequest, UsedProof
from .page_assets import LandingPageAsset
from .page_texts import LandingPageText
from .profiles import Address, AddressStatus, Profile
from .roles import Role
from .services import Service, Subscription
from .staging import StagedProfile

__all__ = [
    "Address",
    "AddressStatus",
    "Audience",
    "AudienceMember",
    "BulkAct",
    "ConsentEvent",
    "ConsentEvidence",
    "Figure",
    "ImportContent",
    "ImportReject",
    "ImportRun",
    "Job",
    "LandingPage",
    "LandingPageAsset",
    "LandingPageText",
    "LandingPageVersion",
    "OutboxMail",
    "Profile",
    "RequestCount",
    "Role",
    "Service",
    "SignupRequest",
    "StagedProfile",
    "Subscription",
    "UsedProof",
]
