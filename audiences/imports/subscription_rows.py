"""From the cells of a file of subscriptions to acts: columns, values, problems."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext, gettext_noop as _

from audiences.files import (
    BadCell,
    Problem,
    TableFile,
    UnknownColumns,
    cleaning,
    moment_cell,
    names_of,
)
from audiences.refusals import Refused, Sentence

from .columns import Reading, read_columns
from .columns.action_words import SUBSCRIBE, UNSUBSCRIBE, action_of, why_none

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


@dataclass(slots=True)
class Row:
    """One act as the file says it; `who` is a PROFILE as commands name one.

    `remark` is about a value without which the act is done.
    """

    line: int
    who: str
    service: str
    action: str
    at: datetime | None
    remark: Problem | None = None


name_of = names_of(OTHER_NAMES)
_IF_ENDED = Sentence(_("--revive with --note subscribes it again"))
IN_FUTURE = Sentence(_("it is in the future"))
_READINGS = {"id": "id:", "external_id": "ext:", "email": "addr:"}


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to import; `service` is the slug for a file without such a column.

    The remedies say what to do about a refusal, in the words of the command line. Who
    has unsubscribed after `since` is not revived: the file is older.
    """

    reading: Reading = field(default_factory=Reading)
    revive: bool = False
    note: str = ""
    actor: str = ""
    service: str = ""
    if_no_service: str = "Give --service SLUG."
    if_two_services: str = "leave out --service."
    if_ended: Sentence = _IF_ENDED
    since: datetime = field(default_factory=timezone.now)


def read_header(
    file: TableFile, options: Options
) -> tuple[list[str | None], list[str]]:
    """Our name of each column, and those that are left out; raises UnknownColumns."""
    is_own = {"profile", "external_id", "address", "code", "label"} == set(file.header)
    found = read_columns(
        file, name_of, options.reading, known=OTHER_NAMES, passes_over=is_own
    )
    names = found.meanings
    if not set(names) & set(WHO):
        who = ", ".join(WHO)
        text = gettext("No column says who: one of {names} is needed.")
        raise UnknownColumns(text.format(names=who))
    if "service" not in names and not options.service:
        text = gettext("No column says which service.")
        raise Refused(f"{text} {options.if_no_service}")
    if "service" in names and options.service:
        text = gettext("The file has a column service:")
        raise Refused(f"{text} {options.if_two_services}")
    return names, found.passed_over


def naming(names: Sequence[str | None]) -> Callable[[str, str], str]:
    """How a cell of a file with these columns names a person, as PROFILE.

    Beside an external id, a profile is its id: so our own exports say it.
    """
    readings = dict(_READINGS)
    if "external_id" in names:
        readings["profile"] = "id:"

    def who(name: str, text: str) -> str:
        if name == "profile" and not text.isdigit():
            return text
        return readings.get(name, "") + text

    return who


def column_of_who(given: dict[str, str]) -> str:
    """The column of a row that says who it is about; raises BadCell."""
    for name in WHO:
        if name in given and not cleaning.says_nothing(given[name]):
            return name
    raise BadCell("profile", _("nothing says who this is"))


def read_row(
    line: int,
    given: dict[str, str],
    who: Callable[[str, str], str],
    read_moment: Callable[[str], datetime | None],
    options: Options,
    *,
    leaving: bool = False,
) -> Row:
    """The act that a row asks for, by the cells that it gives. Raises BadCell.

    `leaving`: the heading of the action says that a yes leaves.
    """
    name = column_of_who(given)
    service = given.get("service", options.service)
    if not service:
        raise BadCell("service", _("it is empty"))
    text = given.get("action", "" if leaving else SUBSCRIBE)
    action = action_of(text, leaving=leaving)
    if not action:
        why = why_none(text, leaving=leaving)
        raise BadCell("action", why, text=repr(text[:50]))
    no_date = _("{text} is no date such as 2026-05-31 or 2026-05-31T14:00")
    at, remark = None, None
    try:
        at = moment_cell(given, "date", no_date, read_moment)
    except BadCell as bad:
        # Who leaves, leaves, whenever that was.
        if action == SUBSCRIBE:
            raise
        remark = bad.problem
    return Row(line, who(name, given[name]), service, action, at, remark)


def by_now(row: Row, now: datetime) -> Row:
    """The row without a date that is still to come, if it unsubscribes."""
    if row.action == UNSUBSCRIBE and row.at and row.at > now:
        return replace(row, at=None, remark=Problem("date", IN_FUTURE))
    return row
