"""Changes of many people: choose, see how many, confirm; then what became of it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _, gettext_lazy, ngettext

from audiences.admin.people.forms import BulkActForm
from audiences.background import jobs
from audiences.console import exact, masking
from audiences.console.lists import LogWithPages, estimated_rows
from audiences.console.masking import shown_text
from audiences.console.numbers import grouped
from audiences.console.pages import Answer, Facts, PlainAdmin, page
from audiences.masking import masked_text
from audiences.models import BulkAct, Profile, Service
from audiences.refusals import Refused
from audiences.registry import Registry
from audiences.selections import acts, bulk_acts, filters, undoing
from audiences.selections.acts import Act
from audiences.selections.reversals import Reverse

# A confirmation counts up to here; afterwards the exact number is known.
COUNTED = 250_000
# How many of those whom an undoing left are on the page of a change, and on a page.
LEFT_SHOWN = 10
LEFT_ON_A_PAGE = 200


def allowed_acts(request: HttpRequest) -> list[Act]:
    return [a for a in acts.acts() if request.user.has_perm(a.permission)]


def address_of(act: Act, chosen: filters.Chosen) -> str:
    """The page that asks whether the act is meant."""
    query = urlencode({**chosen, "act": act.code})
    return f"{reverse('admin:audiences_profile_bulk')}?{query}"


@dataclass(frozen=True)
class Elsewhere:
    """What can be done for many on a page of its own, `view`."""

    code: str
    label: Any
    permission: str
    view: str

    def url(self, chosen: filters.Chosen) -> str:
        return f"{reverse(self.view)}?{urlencode(chosen)}"


# Rooms beside this one add to it.
elsewhere: Registry[str, Elsewhere] = Registry("act on a page of its own")


def list_actions(request: HttpRequest) -> dict[str, Any]:
    """What the list of profiles offers for those who are chosen in it."""
    found: dict[str, Any] = {
        act.code: (action(partial(address_of, act)), act.code, act.label)
        for act in allowed_acts(request)
    }
    for other in elsewhere.values():
        if request.user.has_perm(other.permission):
            found[other.code] = (action(other.url), other.code, other.label)
    return found


def action(
    url_of: Callable[[filters.Chosen], str],
) -> Callable[..., HttpResponse | None]:
    """An action of the list that leads to the page that asks."""

    def chosen_rows(
        admin_: PlainAdmin, request: HttpRequest, queryset: Any
    ) -> HttpResponse | None:
        if request.POST.get("select_across") == "1":
            chosen = filters.read(request.GET)
        else:
            ids = request.POST.getlist(ACTION_CHECKBOX_NAME)
            chosen = {filters.IDS: ",".join(i for i in ids if i.isdigit())}
        return redirect(url_of(chosen))

    return chosen_rows


def how_many(chosen: filters.Chosen) -> str:
    """How many people that is; above a bound it is not counted on."""
    count = filters.select(chosen).order_by()[: COUNTED + 1].count()
    if count <= COUNTED:
        text = ngettext("{count} person", "{count} people", count)
    elif chosen:
        text, count = _("more than {count} people"), COUNTED
    else:
        text, count = _("about {count} people"), estimated_rows(Profile)
    return text.format(count=grouped(count))


def service_labels() -> dict[str, str]:
    """How operators know the services, by slug."""
    return dict(Service.objects.values_list("slug", "label"))


@page(Profile, "bulk", "view", route="bulk/", title=gettext_lazy("Change many people"))
def ask(profile_admin: PlainAdmin, request: HttpRequest) -> Answer:
    """What to do for everybody in a selection; the second step asks for confirmation.

    The selection and the act stand in the address, so that a look is a GET.
    """
    exact.only(request, *filters.FILTERS, "act")
    allowed = allowed_acts(request)
    chosen = filters.read(request.GET)
    masking.count_search(request, chosen.get("q", ""))
    code = request.GET.get("act", "")
    act = next((a for a in allowed if a.code == code), None)
    if not allowed or (code and act is None):
        raise PermissionDenied
    facts: Facts = {"title": act.label} if act else {}
    form = BulkActForm(request.POST or None, act=act) if act else None
    if form and request.method == "POST" and form.is_valid():
        done = form.begin(chosen, actor=request.user.get_username())
        if done is not None:
            return redirect("admin:audiences_bulkact_change", done.pk)
    return facts | {
        "acts": [(each, address_of(each, chosen)) for each in allowed],
        "act": act,
        "form": form,
        "who": filters.in_words(chosen, service_labels()),
        "people": how_many(chosen),
        "back": f"{_list()}?{urlencode(chosen)}",
    }


def _back_to(request: HttpRequest, act: BulkAct) -> str:
    """The list of those people, where its address gives no address away."""
    words = filters.in_words(act.chosen, {})
    is_whole = shown_text(request, words) == words
    return f"{_list()}?{urlencode(act.chosen)}" if is_whole else _list()


def _list() -> str:
    return reverse("admin:audiences_profile_changelist")


@admin.register(BulkAct)
class BulkActAdmin(LogWithPages):
    """Every change of many people: by whom, whom, how far it is and what it did."""

    page_template = "admin/audiences/bulkact/page.html"
    list_display = ("actor", "created_at", "state", "how_many")
    list_filter = ("state",)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Those who make such changes see what became of them."""
        return super().has_view_permission(request, obj) or bool(allowed_acts(request))

    def get_list_display(self, request: HttpRequest) -> Any:
        labels = service_labels()

        @admin.display(description=gettext_lazy("what"))
        def what(act: BulkAct) -> str:
            return acts.in_words(act, labels)

        @admin.display(description=gettext_lazy("people"))
        def whom(act: BulkAct) -> str:
            # Seen also by those who may not see addresses: somebody may look for one.
            return masked_text(filters.in_words(act.chosen, labels))

        return (what, whom, *self.list_display)

    @admin.display(description=gettext_lazy("changed"))
    def how_many(self, act: BulkAct) -> str:
        return grouped(act.changed)

    def beside(self, request: HttpRequest, row: BulkAct) -> Facts:
        labels = service_labels()
        return {
            "title": acts.in_words(row, labels),
            "act": row,
            "who": shown_text(request, filters.in_words(row.chosen, labels)),
            "changed": grouped(row.changed),
            "unchanged": grouped(row.unchanged),
            "note": shown_text(request, row.note),
            "back": _back_to(request, row),
            "waits_long": jobs.waits_long(row),
            "may_stop": row.is_unfinished and _is_allowed(request, row),
            "undoing": row.undoings.first(),
            **_undoing(request, row),
        }


def _undoing(request: HttpRequest, act: BulkAct) -> Facts:
    """What can be taken back, and whom an undoing has left as they are."""
    first = act.undoes or act
    kept = list(undoing.left(first).select_related("profile")[: LEFT_SHOWN + 1])
    figures = undoing.figures(first) if first.keeps_people else {}
    of = undoing.Outcome
    return {
        "may_undo": _may_undo(request, act) and not undoing.refusal(act),
        "undone": grouped(figures.get(of.UNDONE, 0)),
        "was_undone": sum(figures.values()) > figures.get(of.NOT_UNDONE, 0),
        "left_count": grouped(
            figures.get(of.CHANGED_SINCE, 0) + figures.get(of.NOT_ALLOWED, 0)
        ),
        "left": kept[:LEFT_SHOWN],
        "left_is_longer": len(kept) > LEFT_SHOWN,
    }


def _is_allowed(request: HttpRequest, act: BulkAct) -> bool:
    return act.code in [allowed.code for allowed in allowed_acts(request)]


def _may_undo(request: HttpRequest, act: BulkAct) -> bool:
    """Taking back needs the permission for what it does: an opt-in, for an opt-out."""
    return (of := _reverse(act)) is not None and request.user.has_perm(of.permission)


def _reverse(act: BulkAct) -> Reverse | None:
    return {each.code: each.reverse for each in acts.acts()}.get(act.code)


@page(
    BulkAct,
    "undo",
    "view",
    title=gettext_lazy("Undo a change of many"),
    template="admin/audiences/bulkact/undo.html",
)
def undo(own: PlainAdmin, request: HttpRequest, act: BulkAct) -> Answer:
    """Ask, with what will happen; a POST takes the change back for all it can."""
    if not _may_undo(request, act):
        raise PermissionDenied
    if request.method == "POST":
        try:
            reversal = bulk_acts.undo(act, actor=request.user.get_username())
        except Refused as refusal:
            messages.error(request, str(refusal))
            return own.go_back(act)
        return redirect("admin:audiences_bulkact_change", reversal.pk)
    return {
        "act": act,
        "what": acts.in_words(act, service_labels()),
        "people": grouped(act.changed),
        "refusal": undoing.refusal(act),
        "stays": of.stays if (of := _reverse(act)) else (),
    }


@page(
    BulkAct,
    "left",
    "view",
    title=gettext_lazy("Left as they are"),
    template="admin/audiences/bulkact/left.html",
)
def left(own: PlainAdmin, request: HttpRequest, act: BulkAct) -> Answer:
    """Whom an undoing has left, by name: a page after the other by their numbers."""
    exact.only(request, "after")
    after = request.GET.get("after", "")
    number = int(after) if after.isascii() and after.isdigit() else 0
    rows = undoing.left(act, min(number, 2**63 - 1)).select_related("profile")
    kept = list(rows[: LEFT_ON_A_PAGE + 1])
    return {
        "act": act,
        "left": kept[:LEFT_ON_A_PAGE],
        "next": kept[LEFT_ON_A_PAGE - 1].profile_id
        if len(kept) > LEFT_ON_A_PAGE
        else "",
    }


@page(BulkAct, "stop", "view", method="POST")
def stop(own: PlainAdmin, request: HttpRequest, act: BulkAct) -> Answer:
    """Leave it at what is done."""
    if not _is_allowed(request, act):
        raise PermissionDenied
    if bulk_acts.stop(act):
        messages.success(request, _("The change was stopped."))
    else:
        messages.info(request, _("The change had ended already."))
    return own.go_back(act)
