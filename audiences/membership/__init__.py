"""Who is in an audience, and how many they are."""

from audiences.membership.members import (
    change_condition,
    check_condition,
    create_with_condition,
    everyone,
    find_audience,
    ids,
    inlined,
    list_of,
    profiles,
    subscribers,
)

__all__ = [
    "change_condition",
    "check_condition",
    "create_with_condition",
    "everyone",
    "find_audience",
    "ids",
    "inlined",
    "list_of",
    "profiles",
    "subscribers",
]
