"""What happened to a person, newest first: one line for each, of all kinds together.

Each kind is a strand: it reads its own rows before a moment, as many as a page shows
and one more. So a page costs one statement for each strand, however much there is. The
other app adds its strands, because `audiences` may not import it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy as _

from audiences import consent
from audiences.console.masking import shown_text
from audiences.models import ConsentEvent, LeavingReason, Profile
from audiences.records import console_log
from audiences.registry import Registry
from audiences.selections import undoing

from . import panels
from .history import evidence_of
from .undo import may_undo

ON_A_PAGE = 7


@dataclass(frozen=True)
class Entry:
    """A line: when, what, and what belongs to it, texts with an address or without."""

    at: datetime
    key: int
    what: str
    tone: str = ""
    meta: list[tuple[str, str]] = field(default_factory=list)
    note: str = ""
    # Where a POST takes it back, for the operator who looks.
    undo: str = ""
    rank: int = 0

    @property
    def place(self) -> tuple[datetime, int, int]:
        return (self.at, -self.rank, self.key)

    @property
    def cursor(self) -> str:
        """Where a page goes on that ends with this line."""
        return f"{self.at.isoformat()}~{self.rank}~{self.key}"


@dataclass(frozen=True)
class Cursor:
    """The line after which a page goes on."""

    at: datetime
    rank: int
    key: int

    @classmethod
    def read(cls, text: str) -> "Cursor | None":
        at, _tilde, rest = text.partition("~")
        rank, _tilde, key = rest.partition("~")
        numbers = rank.isdecimal() and key.isdecimal() and len(rank + key) < 20
        try:
            moment = datetime.fromisoformat(at)
        except ValueError:
            return None
        if not numbers or not timezone.is_aware(moment) or moment.year < 1970:
            return None
        return cls(moment, int(rank), int(key))

    def older(self, rank: int, name: str) -> Q:
        """Rows of a strand that come after this line; `name` is their moment.

        At one moment the strands come in their order, and within one the newest first.
        """
        before = Q(**{f"{name}__lt": self.at})
        if rank < self.rank:
            return before
        same = Q(**{name: self.at})
        if rank == self.rank:
            same &= Q(pk__lt=self.key)
        return before | same

    def precedes(self, at: datetime, strand: "Strand", key: int) -> bool:
        """Whether a line of a strand comes after this one."""
        return (at, -strand.rank, key) < (self.at, -self.rank, self.key)


@dataclass(frozen=True)
class Look:
    """Who looks at whom, from where on, and how many lines they see at most."""

    request: HttpRequest
    profile: Profile
    limit: int
    after: Cursor | None = None

    def newest(
        self, rows: QuerySet[Any], strand: "Strand", name: str = "at"
    ) -> list[Any]:
        """The rows that may be on this page, newest first."""
        if self.after:
            rows = rows.filter(self.after.older(strand.rank, name))
        return list(rows.order_by(f"-{name}", "-pk")[: self.limit + 1])


@dataclass(frozen=True)
class Strand:
    """A kind of lines: what the filter calls it, and the permission to see it."""

    code: str
    group: str
    rank: int
    entries: Callable[[Look, "Strand"], Iterable[Entry]]
    permission: str = ""


GROUPS: dict[str, Any] = {
    "consent": _("Consent"),
    "subscriptions": _("Subscriptions"),
    "messages": _("Messages"),
    "exclusions": _("Exclusions"),
    "failures": _("Failures and quarantine"),
    "changes": _("Changes"),
}
_strands: Registry[str, Strand] = Registry("strand of a person's timeline")


def add(*strands: Strand) -> None:
    """Add kinds of lines."""
    for strand in strands:
        _strands.add(strand.code, strand)


@dataclass(frozen=True)
class Timeline:
    """A page of it, where the next one begins, and what it can be filtered by."""

    entries: list[Entry]
    older: str
    group: str
    groups: list[tuple[str, Any]]


def of(request: HttpRequest, profile: Profile) -> Timeline:
    """The page that the address asks for, by `show` and `before`."""
    may = [s for s in _strands.values() if _may_see(request, s)]
    groups = [(code, label) for code, label in GROUPS.items() if _has(may, code)]
    group = request.GET.get("show", "")
    group = group if _has(may, group) else ""
    cursor = Cursor.read(request.GET.get("before", ""))
    look = Look(request, profile, ON_A_PAGE, cursor)
    entries = [
        entry
        for strand in may
        if not group or strand.group == group
        for entry in strand.entries(look, strand)
    ]
    entries.sort(key=lambda entry: entry.place, reverse=True)
    page = entries[:ON_A_PAGE]
    older = page[-1].cursor if len(entries) > ON_A_PAGE else ""
    return Timeline(page, older, group, groups)


def _may_see(request: HttpRequest, strand: Strand) -> bool:
    return not strand.permission or request.user.has_perm(strand.permission)


def _has(strands: list[Strand], group: str) -> bool:
    return any(strand.group == group for strand in strands)


# ------------------------------------------------------------------ our own strands
def _consent(look: Look, strand: Strand) -> Iterable[Entry]:
    flags = Q(channel="") if strand.group == "subscriptions" else ~Q(channel="")
    rows = consent.events_of(look.profile.pk).filter(flags).exclude(kind="erase")
    rows = rows.select_related("service", "evidence", "reason")
    events: list[ConsentEvent] = look.newest(rows, strand)
    actor = look.request.user.get_username()
    for moment in panels.timeline(look.request, events):
        event = moment["event"]
        may = may_undo(look.request, event)
        who = evidence_of(event, "actor")
        meta = [(event.get_source_display(), ""), (who, "")]
        for label, named in (
            (gettext("wording"), moment["wording"]),
            (gettext("delivery"), moment["delivery"]),
        ):
            if named:
                meta.append((f"{label} {named[0]}", named[1]))
        yield Entry(
            event.at,
            event.pk,
            moment["sentence"],
            "bad" if moment["is_out"] else "good",
            [(text, url) for text, url in meta if text],
            " · ".join(filter(None, [moment["note"], _reason(look.request, event)])),
            reverse("admin:audiences_profile_undo", args=[look.profile.pk])
            if may and undoing.can_undo(event, actor)
            else "",
            strand.rank,
        )


def _reason(request: HttpRequest, event: ConsentEvent) -> str:
    """Why the person left, as they said afterwards; empty where they did not."""
    said: LeavingReason | None = getattr(event, "reason", None)
    if said is None:
        return ""
    words = f"“{shown_text(request, said.text)}”" if said.text else ""
    why = ": ".join(filter(None, [said.get_reason_display(), words]))
    return gettext("Why they left: {reason}").format(reason=why)


def _changes(look: Look, strand: Strand) -> Iterable[Entry]:
    """What operators did on the person's pages, but for what has lines of its own."""
    about = ContentType.objects.get_for_model(Profile)
    rows = LogEntry.objects.filter(content_type=about, object_id=str(look.profile.pk))
    for mark in console_log.ABOUT_CONSENT:
        rows = rows.exclude(change_message__startswith=mark)
    rows = rows.select_related("user")
    for row in look.newest(rows, strand, "action_time"):
        yield Entry(
            row.action_time,
            row.pk,
            shown_text(look.request, console_log.in_words(row)),
            meta=[(row.user.get_username(), "")],
            rank=strand.rank,
        )


add(
    Strand("consent", "consent", 1, _consent),
    Strand("subscriptions", "subscriptions", 2, _consent),
    Strand("changes", "changes", 9, _changes),
)
