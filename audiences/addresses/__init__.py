"""The addresses of a profile: comparing, attaching and removing them."""

from audiences.addresses.address_book import (
    AddressBook,
    attach,
    books,
    detach,
    make_primary,
    save,
    sharing,
    with_key,
)
from audiences.addresses.keys import (
    InvalidAddress,
    Normalised,
    accept,
    longest,
    normalise,
    normalise_all,
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
    "longest",
    "make_primary",
    "normalise",
    "normalise_all",
    "readings",
    "save",
    "sharing",
    "unstorable",
    "with_key",
]
