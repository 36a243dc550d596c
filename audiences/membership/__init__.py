"""Who is in an audience, and how many they are."""

from audiences.membership.lists import add_to_list, check_list, list_of_people
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
    "add_to_list",
    "change_condition",
    "check_condition",
    "check_list",
    "create_with_condition",
    "everyone",
    "find_audience",
    "inlined",
    "list_of",
    "list_of_people",
    "named_by",
    "subscribers",
]
