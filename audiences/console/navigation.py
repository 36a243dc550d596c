"""The console's menu: what operators do, not how the tables are called.

Each app adds its own entries; the other one fills `delivery`'s sections, because
`audiences` may not import it. An entry is shown to those who may open its page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from audiences.registry import Registry


class Section(IntEnum):
    """The sections in their order; what is only read now and then comes last."""

    PEOPLE = 1
    SERVICES = 2
    DELIVERIES = 3
    QUARANTINE = 4
    FEEDBACK = 5
    SETTINGS = 6
    LOGS = 7


LABELS = {
    Section.PEOPLE: _("People"),
    Section.SERVICES: _("Services and pages"),
    Section.DELIVERIES: _("Deliveries"),
    Section.QUARANTINE: _("Quarantine"),
    Section.FEEDBACK: _("What came back"),
    Section.SETTINGS: _("Settings"),
    Section.LOGS: _("Logs"),
}


@dataclass(frozen=True)
class Entry:
    """A line of the menu. `view` is a URL's name, `permissions` any of which opens it.

    It is the present page below its own address, so that the page of one row belongs
    to its list.
    """

    section: Section
    label: str | Promise
    view: str
    permissions: Sequence[str]
    position: int = 50


_entries: Registry[str, Entry] = Registry("entry of the menu")


def add(*entries: Entry) -> None:
    """Put entries into the menu."""
    for entry in entries:
        _entries.add(entry.view, entry)


def of_model(
    section: Section, label: str | Promise, model: str, position: int = 50
) -> Entry:
    """The entry of a model's list; `model` is written as `app.model`."""
    app, name = model.split(".")
    may = [f"{app}.{verb}_{name}" for verb in ("view", "change")]
    return Entry(section, label, f"admin:{app}_{name}_changelist", may, position)


def menu(request: HttpRequest) -> list[dict[str, Any]]:
    """The sections and entries that this operator may open.

    `is_here` is the page that the operator is on or below; a folded section is open
    while the operator is in it.
    """
    may = [
        (entry, reverse(entry.view))
        for entry in sorted(_entries.values(), key=lambda e: (e.section, e.position))
        if any(request.user.has_perm(name) for name in entry.permissions)
    ]
    # An entry may lie below another one: the nearest is where somebody is.
    above = [url for _entry, url in may if request.path.startswith(url)]
    here = max(above, key=len, default="")
    lines: dict[Section, list[dict[str, Any]]] = {}
    for entry, url in may:
        line = {"label": entry.label, "url": url, "is_here": url == here}
        lines.setdefault(entry.section, []).append(line)
    return [
        {
            "label": LABELS[section],
            "entries": entries,
            "is_folded": section is Section.LOGS,
            "is_open": any(line["is_here"] for line in entries),
        }
        for section, entries in lines.items()
    ]
