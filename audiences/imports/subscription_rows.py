"""From the cells of a file of subscriptions to typed rows, with their problems."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from audiences import addresses, moments
from audiences.files import Problem, UnknownColumns
from audiences.refusals import Refused

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


@dataclass(slots=True)
class Row:
    """One act as the file says it; `who` is a PROFILE as commands name one."""

    line: int
    who: str = ""
    service: str = ""
    action: str = SUBSCRIBE
    at: datetime | None = None
    rejection: Problem | None = None


def _plain(name: str) -> str:
    return re.sub(r"[\s_\-]+", "", name).casefold()


_NAMES = {
    _plain(name): own for own, others in OTHER_NAMES.items() for name in (own, *others)
}


class NotEnoughColumns(Refused):
    """The file does not say who, or which service."""


def read_header(header: Iterable[str], *, service: str = "") -> list[str]:
    """Our name of each column; raises UnknownColumns or NotEnoughColumns.

    `service` is that of every row, for a file that has no such column.
    """
    header = list(header)
    names = [_NAMES.get(_plain(name), "") for name in header]
    known = ", ".join(OTHER_NAMES)
    unknown = [
        given or "(no name)"
        for given, own in zip(header, names, strict=True)
        if not own
    ]
    if unknown:
        raise UnknownColumns(
            f"Unknown column: {', '.join(unknown)}. Rename it or take it out. "
            f"Known names: {known}."
        )
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise UnknownColumns(f"Two columns mean the same: {', '.join(sorted(twice))}.")
    if not set(names) & set(WHO):
        raise NotEnoughColumns(
            f"No column says who: one of {', '.join(WHO)} is needed."
        )
    if "service" not in names and not service:
        raise NotEnoughColumns("No column says which service. Give --service SLUG.")
    if "service" in names and service:
        raise NotEnoughColumns("The file has a column service: leave out --service.")
    return names


def read_row(line: int, cells: list[str], columns: list[str], *, service: str) -> Row:
    """The typed values of one record, with what is wrong in it."""
    given = {
        name: cell.strip()
        for name, cell in zip(columns, cells, strict=True)
        if cell.strip()
    }
    row = Row(line, service=given.get("service", service))
    row.rejection = _unstorable(given)
    if row.rejection:
        return row
    name = next((name for name in WHO if name in given), "")
    if not name:
        row.rejection = Problem("profile", "nothing says who this is")
    elif not row.service:
        row.rejection = Problem("service", "it is empty")
    else:
        row.who = _READINGS.get(name, "") + given[name]
        _read_action(row, given)
        _read_date(row, given)
    return row


_READINGS = {"id": "id:", "external_id": "ext:", "email": "addr:"}


def _unstorable(given: dict[str, str]) -> Problem | None:
    for name, text in given.items():
        if problem := addresses.unstorable(text):
            return Problem(name, problem)
    return None


def _read_action(row: Row, given: dict[str, str]) -> None:
    if "action" not in given:
        return
    action = ACTIONS.get(given["action"].casefold(), "")
    if not action:
        row.rejection = Problem(
            "action",
            f"{given['action'][:50]!r} is neither {SUBSCRIBE} nor {UNSUBSCRIBE}",
        )
    row.action = action


def _read_date(row: Row, given: dict[str, str]) -> None:
    text = given.get("date")
    if text is None or row.rejection:
        return
    try:
        moment = moments.read(text)
    except moments.OutsideCalendar:
        row.rejection = Problem("date", "it is out of range")
        return
    if moment is None:
        row.rejection = Problem(
            "date", f"{text[:50]!r} is no date such as 2026-05-31 or 2026-05-31T14:00"
        )
        return
    row.at = moment.astimezone(UTC)
