"""Who may be contacted: profiles, their addresses, consent, services, audiences."""

from .audiences import Audience, AudienceMember
from .consent import ConsentEvent, ConsentEvidence
from .profiles import Address, AddressStatus, Profile
from .services import Service, Subscription
from .staging import StagedProfile

__all__ = [
    "Address",
    "AddressStatus",
    "Audience",
    "AudienceMember",
    "ConsentEvent",
    "ConsentEvidence",
    "Profile",
    "Service",
    "StagedProfile",
    "Subscription",
]
