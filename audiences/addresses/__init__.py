"""The addresses of a profile: comparing, attaching and removing them."""

from audiences.addresses.address_book import (
    AddressBook,
    attach,
    books,
    detach,
    lock,
    make_primary,
    save,
    sharing,
    with_key,
)
from audiences.addresses.keys import (
    InvalidAddress,
    Normalised,
    accept,
    normalise,
    readings,
    unstorable,
)

__all__ = [
    "AddressBook",
    "InvalidAddress",
    "Normalised",
    "accept",
    "attach",
    "books",
    "detach",
    "lock",
    "make_primary",
    "normalise",
    "readings",
    "save",
    "sharing",
    "unstorable",
    "with_key",
]
