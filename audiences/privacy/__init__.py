"""A person's own rights: access, erasure and requests; and data that is not kept."""

from audiences.privacy.access import zip_of
from audiences.privacy.answers import fetched
from audiences.privacy.erasure import clean_up, erase, erase_all, plan
from audiences.suppression.restriction import Restricted

__all__ = [
    "Restricted",
    "clean_up",
    "erase",
    "erase_all",
    "fetched",
    "plan",
    "zip_of",
]
