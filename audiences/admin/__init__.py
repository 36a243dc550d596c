"""The operators' admin for profiles, consent, services and audiences."""

from . import addresses, audiences, consent, profiles, services

__all__ = ["addresses", "audiences", "consent", "profiles", "services"]
