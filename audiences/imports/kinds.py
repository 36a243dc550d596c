"""The kinds of files that operators may import in the console.

Another app registers its own: `audiences` does not know what a quarantine is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _, gettext_lazy

from audiences import roles
from audiences.files import DelimitedFile
from audiences.models import ImportRun

from . import people, subscriptions
from .engine import Importer
from .subscription_rows import Remedies


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What a file is about, and who may import it.

    `importer` reads the file of a run; it raises Refused when it is not understood.
    """

    code: str
    label: str | Promise
    importer: Callable[[DelimitedFile, ImportRun], Importer[Any]]
    # What rows come to, by the name of its count, as the console says it.
    counts: Mapping[str, str | Promise]
    # Those of them that are a change.
    changing: tuple[str, ...]
    permissions: tuple[str, ...]
    # A file of at most this many bytes waits for no worker.
    at_once: int = 0


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    if kind.code in _kinds:
        raise ValueError(f"The kind of import {kind.code} is registered twice.")
    _kinds[kind.code] = kind


def find(code: str) -> Kind:
    return _kinds[code]


def all_kinds() -> list[Kind]:
    return list(_kinds.values())


# ------------------------------------------------------------------ our own
def _people(file: DelimitedFile, run: ImportRun) -> people.PeopleImporter:
    how = people.Options(
        ignore_unknown=run.ignore_unknown,
        remedy=_("Rename it, or choose to leave out unknown columns."),
        allow_opt_in=run.allow_opt_in,
        note=run.note,
        actor=run.actor,
    )
    return people.PeopleImporter(file, how)


def _subscriptions(
    file: DelimitedFile, run: ImportRun
) -> subscriptions.SubscriptionsImporter:
    how = subscriptions.Options(
        service=run.details.get("service", ""),
        revive="revive" in run.details,
        note=run.note,
        actor=run.actor,
        remedies=Remedies(
            no_service=_("Choose the service of all rows."),
            two_services=_("choose no service."),
            ended=_("only an import that may revive subscribes it again"),
        ),
    )
    return subscriptions.SubscriptionsImporter(file, how)


register(
    Kind(
        code="people",
        label=gettext_lazy("People"),
        importer=_people,
        counts={
            "created": gettext_lazy("new people"),
            "updated": gettext_lazy("changed"),
            "unchanged": gettext_lazy("unchanged"),
            "rejected": gettext_lazy("rejected rows"),
            "bad_values": gettext_lazy("bad values"),
        },
        changing=people.PeopleImporter.changing,
        permissions=(roles.IMPORT, roles.SEE_ADDRESSES),
    )
)
register(
    Kind(
        code="subscriptions",
        label=gettext_lazy("Subscriptions"),
        importer=_subscriptions,
        counts={
            "subscribed": gettext_lazy("new subscriptions"),
            "unsubscribed": gettext_lazy("ended subscriptions"),
            "unchanged": gettext_lazy("unchanged"),
            "rejected": gettext_lazy("rejected rows"),
        },
        changing=subscriptions.SubscriptionsImporter.changing,
        permissions=(
            *(roles.IMPORT, roles.SEE_ADDRESSES),
            *("audiences.add_subscription", "audiences.change_subscription"),
        ),
    )
)
