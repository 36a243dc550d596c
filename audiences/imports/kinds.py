"""The kinds of files that operators may import in the console.

Another app adds its own: `audiences` does not know what a quarantine is.
"""

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from audiences import roles
from audiences.registry import Registry

from .engine import Importer
from .people import PeopleImporter
from .subscriptions import SubscriptionsImporter


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What a file is about, what reads it, and who may import it."""

    label: str | Promise
    importer: type[Importer[Any]]
    permissions: tuple[str, ...]
    # What a key of the API needs besides imports:write.
    scope: str = ""
    # What is asked with a file of this kind, and what of it cannot be left out.
    options: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    # A file of at most this many bytes waits for no worker.
    at_once: int = 0


kinds = Registry[str, Kind]("kind of import")
kinds.add(
    "people",
    Kind(
        label=_("People"),
        importer=PeopleImporter,
        permissions=(roles.IMPORT, roles.SEE_ADDRESSES),
        options=(
            *("ignore_unknown", "all_opted_out", "update_only"),
            *("allow_opt_in", "note"),
        ),
    ),
)
kinds.add(
    "subscriptions",
    Kind(
        label=_("Subscriptions"),
        importer=SubscriptionsImporter,
        permissions=(
            *(roles.IMPORT, roles.SEE_ADDRESSES),
            *("audiences.add_subscription", "audiences.change_subscription"),
        ),
        scope="subscriptions:write",
        options=("ignore_unknown", "service", "revive", "note"),
    ),
)
