"""Who may be contacted: profiles, their addresses, consent, services, audiences."""

from .audiences import Audience, AudienceMember
from .consent import ConsentEvent, ConsentEvidence
from .figures import Figure
from .landing_pages import (
    LandingPage,
    LandingPageAsset,
    LandingPageText,
    LandingPageVersion,
)
from .outbox import OutboxMail, RequestCount, SignupRequest, UsedProof
from .profiles import Address, AddressStatus, Profile
from .roles import Role
from .services import Service, Subscription
from .staging import StagedProfile

__all__ = [
    "Address",
    "AddressStatus",
    "Audience",
    "AudienceMember",
    "ConsentEvent",
    "ConsentEvidence",
    "Figure",
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
