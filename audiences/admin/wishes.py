"""What a person wished, and why they left, on their page: panels of the profile."""

from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.timezone import localtime, now
from django.utils.translation import gettext as _

from audiences import wishes
from audiences.admin.people.history import subject
from audiences.admin.people.panels import SHOWN, Panel, extensions
from audiences.console.masking import shown_text
from audiences.models import ContactWish, Profile


def _wishes(request: HttpRequest, profile: Profile) -> Panel | None:
    """The person's own limits and pauses, the newest first, also what has ended."""
    found = wishes.wishes_of(profile.pk)[:SHOWN]
    rows = [
        [
            in_words(wish),
            wish.get_channel_display(),
            _when(wish.since),
            wish.get_source_display() + (f" · {wish.actor}" if wish.actor else ""),
            _until(wish),
        ]
        for wish in found
    ]
    columns = [_("wish"), _("channel"), _("since"), _("source"), _("holds")]
    return Panel(_("What the person asked for"), columns, rows) if rows else None


def in_words(wish: ContactWish) -> str:
    """One wish as a sentence."""
    if wish.paused_until:
        until = date_format(localtime(wish.paused_until), "SHORT_DATE_FORMAT")
        return _("No messages before {date}").format(date=until)
    return _("At most {count} a month").format(count=wish.per_month)


def _until(wish: ContactWish) -> str:
    if wish.ended_at:
        ended = _("until {moment}").format(moment=_when(wish.ended_at))
        by = f" · {wish.ended_actor}" if wish.ended_actor else ""
        return f"{ended} · {wish.get_ended_source_display()}{by}"
    if wish.paused_until and wish.paused_until <= now():
        return _("over")
    return _("now")


def _reasons(request: HttpRequest, profile: Profile) -> Panel | None:
    """Why the person left, each time that they said so."""
    rows = [
        [
            f"{reason.event.get_kind_display()}: {subject(reason.event)}",
            reason.get_reason_display(),
            shown_text(request, reason.text),
            _when(reason.at),
        ]
        for reason in wishes.reasons_of(profile.pk)[:SHOWN]
    ]
    columns = [_("act"), _("reason"), _("in their own words"), _("when")]
    return Panel(_("Why they left"), columns, rows) if rows else None


def _when(moment: object) -> str:
    return date_format(localtime(moment), "SHORT_DATETIME_FORMAT")  # type: ignore[arg-type]


extensions.panels.add("wishes", _wishes)
extensions.panels.add("reasons", _reasons)
