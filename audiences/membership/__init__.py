"""Who is in an audience, and how many they are."""

from audiences.membership.members import (
    Members,
    change_condition,
    check_condition,
    create_with_condition,
    everyone,
    find_audience,
    inlined,
    list_of,
    named_by,
    subscribers,
)

__all__ = [
    "Members",
    "change_condition",
    "check_condition",
    "create_with_condition",
    "everyone",
    "find_audience",
    "inlined",
    "list_of",
    "named_by",
    "subscribers",
]
