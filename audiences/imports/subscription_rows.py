"""From the cells of a file of subscriptions to typed rows, with their problems."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from audiences.files import (
    BadCell,
    UnknownColumns,
    moment_cell,
    named_cells,
    names_of,
    read_headings,
)

SUBSCRIBE, UNSUBSCRIBE = "subscribe", "unsubscribe"

# What a column may be called besides our own name. Letter case, spaces, hyphens and
# underscores do not count.
OTHER_NAMES: dict[str, tuple[str, ...]] = {
    "profile": ("profiel", "person", "persoon"),
    "id": ("profile_id", "profiel_id"),
    "external_id": (
        *("externe_id", "extern_id", "extern_nummer"),
        *("klantnummer", "relatienummer"),
    ),
    "email": ("e_mail", "emailadres", "email_address", "mailadres"),
    "service": ("dienst", "nieuwsbrief", "newsletter"),
    "action": ("actie", "status"),
    "date": ("datum", "at", "when", "wanneer"),
}
# Which column names the person, the surest first.
WHO = ("id", "external_id", "profile", "email")
ACTIONS: dict[str, str] = {
    **dict.fromkeys(
        ("subscribe", "subscribed", "aanmelden", "aangemeld", "in", "1", "yes", "ja"),
        SUBSCRIBE,
    ),
    **dict.fromkeys(
        (
            *("unsubscribe", "unsubscribed", "afmelden", "afgemeld"),
            *("out", "0", "no", "nee"),
        ),
        UNSUBSCRIBE,
    ),
}


@dataclass(frozen=True, slots=True)
class Remedies:
    """What to do about a refusal, in the words of the command line."""

    no_service: str = "Give --service SLUG."
    two_services: str = "leave out --service."
    ended: str = "--revive with --note subscribes it again"


@dataclass(frozen=True, slots=True)
class Row:
    """One act as the file says it; `who` is a PROFILE as commands name one."""

    line: int
    who: str
    service: str
    action: str
    at: datetime | None


_name_of = names_of(OTHER_NAMES)


def read_header(
    header: Sequence[str], *, service: str, remedies: Remedies
) -> list[str | None]:
    """Our name of each column; raises UnknownColumns.

    `service` is that of every row, for a file that has no such column.
    """
    names = read_headings(
        header,
        _name_of,
        unknown="Unknown column: {unknown}. Rename it or take it out. "
        f"Known names: {', '.join(OTHER_NAMES)}.",
    )
    if not set(names) & set(WHO):
        raise UnknownColumns(f"No column says who: one of {', '.join(WHO)} is needed.")
    if "service" not in names and not service:
        raise UnknownColumns(f"No column says which service. {remedies.no_service}")
    if "service" in names and service:
        raise UnknownColumns(f"The file has a column service: {remedies.two_services}")
    return names


def read_row(
    line: int, cells: list[str], columns: Sequence[str | None], *, service: str
) -> Row:
    """The typed values of one record. Raises BadCell."""
    given = named_cells(columns, cells)
    name = next((name for name in WHO if name in given), "")
    if not name:
        raise BadCell("profile", "nothing says who this is")
    service = given.get("service", service)
    if not service:
        raise BadCell("service", "it is empty")
    who = _READINGS.get(name, "") + given[name]
    action = _action(given)
    at = moment_cell(
        given, "date", "{text} is no date such as 2026-05-31 or 2026-05-31T14:00"
    )
    return Row(line, who, service, action, at)


_READINGS = {"id": "id:", "external_id": "ext:", "email": "addr:"}


def _action(given: dict[str, str]) -> str:
    text = given.get("action", SUBSCRIBE)
    action = ACTIONS.get(text.casefold())
    if not action:
        raise BadCell(
            "action", f"{text[:50]!r} is neither {SUBSCRIBE} nor {UNSUBSCRIBE}"
        )
    return action
