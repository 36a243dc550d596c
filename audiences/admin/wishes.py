"""A person's wishes, and why they left, on their page; and ending a wish for them."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime, now
from django.utils.translation import gettext as _, gettext_lazy

from audiences import roles, wishes
from audiences.admin.people import timeline
from audiences.admin.people.history import subject
from audiences.admin.people.pages import TEMPLATE, operator
from audiences.admin.people.panels import SHOWN, Deed, Panel, extensions
from audiences.admin.people.timeline import Entry, Look, Strand
from audiences.admin.people.undo import with_undo
from audiences.console.masking import shown_text
from audiences.console.pages import Answer, PlainAdmin, page
from audiences.models import ContactWish, Profile
from audiences.refusals import Refused
from audiences.selections import ended_wishes
from audiences.suppression.restriction import is_restricted


# ---------------------------------------------------------------- panels
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


def _with_channel(wish: ContactWish) -> str:
    return f"{in_words(wish)} ({wish.get_channel_display()})"


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


# ---------------------------------------------------------------- the timeline
def _expressed(look: Look, strand: Strand) -> Iterable[Entry]:
    for wish in look.newest(wishes.wishes_of(look.profile.pk), strand, "since"):
        meta = [wish.get_source_display(), wish.actor, wish.wording_version]
        yield Entry(
            wish.since,
            wish.pk,
            _("Asked for: {wish}").format(wish=_with_channel(wish)),
            "bad",
            [(text, "") for text in meta if text],
            rank=strand.rank,
        )


def _ended(look: Look, strand: Strand) -> Iterable[Entry]:
    rows = wishes.wishes_of(look.profile.pk).filter(ended_at__isnull=False)
    actor = look.request.user.get_username()
    may = look.request.user.has_perm(roles.OPT_IN)
    for wish in look.newest(rows, strand, "ended_at"):
        meta = [wish.get_ended_source_display(), wish.ended_actor]
        yield Entry(
            wish.ended_at,
            wish.pk,
            _("No longer asked for: {wish}").format(wish=_with_channel(wish)),
            "good",
            [(text, "") for text in meta if text],
            shown_text(look.request, wish.ended_note),
            reverse("admin:audiences_profile_undo_wish", args=[look.profile.pk])
            if may and ended_wishes.can_undo(wish, actor)
            else "",
            strand.rank,
        )


timeline.add(
    Strand("wishes", "consent", 3, _expressed),
    Strand("wishes_ended", "consent", 4, _ended),
)


# ---------------------------------------------------------------- ending one
class EndWishForm(forms.Form):
    """Which wish, and how the person asked for its end; one alone needs no choice."""

    wish = forms.ChoiceField(label=gettext_lazy("Wish"), widget=forms.RadioSelect)
    note = forms.CharField(
        label=gettext_lazy("Note"),
        help_text=gettext_lazy(
            "How the person asked for it. No wish is ended without it."
        ),
    )

    def __init__(self, *args: Any, held: list[ContactWish], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["wish"]
        field.choices = [(str(wish.pk), _with_channel(wish)) for wish in held]
        if len(held) == 1:
            self.initial["wish"] = str(held[0].pk)


def _button(request: HttpRequest, profile: Profile) -> Deed | None:
    if not request.user.has_perm(roles.OPT_IN) or is_restricted(profile.pk):
        return None
    if not wishes.of_person(profile.pk):
        return None
    url = reverse("admin:audiences_profile_end_wish", args=[profile.pk])
    return Deed("end_wish", _("End a wish…"), url)


extensions.deeds.add("end_wish", _button)


@page(
    Profile,
    "end_wish",
    "view",
    roles.OPT_IN,
    title=gettext_lazy("End a wish"),
    template=TEMPLATE,
)
def end_wish(own: PlainAdmin, request: HttpRequest, profile: Profile) -> Answer:
    """End a limit or a pause, with a note that says how the person asked for that."""
    held = wishes.of_person(profile.pk)
    form = EndWishForm(request.POST or None, held=held)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            wish = ended_wishes.end(
                profile.pk, int(given["wish"]), operator(request, given["note"])
            )
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            said = _("No longer asked for: {wish}").format(wish=_with_channel(wish))
            undo_at = reverse("admin:audiences_profile_undo_wish", args=[profile.pk])
            messages.success(request, with_undo(request, said, undo_at, wish.pk))
            return own.go_back(profile)
    facts = {"profile": profile, "button": _("End the wish")}
    if held:
        return facts | {"form": form}
    question = _("The person has asked for no limit and no pause.")
    return facts | {"question": question, "nothing": True}


@page(Profile, "undo_wish", "view", roles.OPT_IN, method="POST")
def undo_wish(own: PlainAdmin, request: HttpRequest, profile: Profile) -> Answer:
    """Let a wish hold again that this operator ended a moment ago."""
    given = request.POST.get("event", "")
    number = int(given) if given.isascii() and given.isdigit() else 0
    try:
        wish = ended_wishes.undo(
            profile.pk, min(number, 2**63 - 1), actor=request.user.get_username()
        )
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        text = _("Undone: {wish} holds again.").format(wish=_with_channel(wish))
        messages.success(request, text)
    return own.go_back(profile)
