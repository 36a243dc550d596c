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
    longest,
    normalise,
    normalise_all,
    readings,
    unstorable,
)
from audiences.addresses.outgoing import as_sent

__all__ = [
    "AddressBook",
    "InvalidAddress",
    "Normalised",
    "accept",
    "as_sent",
    "attach",
    "books",
    "detach",
    "lock",
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
