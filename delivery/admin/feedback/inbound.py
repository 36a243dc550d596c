"""What came back, in the admin: the queue of what waits, and what was done with it."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy as _, gettext_noop

from audiences.console import masking
from audiences.console.lists import Masked, OfAddresses, ReadOnlyLog, about_address
from audiences.console.pages import Answer, Facts, PlainAdmin, page
from audiences.refusals import Refused, Sentence
from audiences.roles import SEE_ADDRESSES
from delivery.admin.deliveries.messages import link_to_message
from delivery.feedback import decisions
from delivery.models import (
    HookCount,
    InboundItem,
    InboundMention,
    Message,
    MessageEvent,
)
from delivery.roles import DECIDE, RELEASE

State = InboundItem.State
# Characters of an item that its page shows.
SHOWN = 20_000
LONGEST_PK = 18
DECIDERS = (DECIDE, SEE_ADDRESSES)


class InboundState(admin.SimpleListFilter):
    """What waits, unless another state is asked for."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [("all", _("All")), *((s.value, s.label) for s in State)]

    def choices(self, changelist: Any) -> Any:
        first, *rest = super().choices(changelist)
        return [{**first, "display": _("Waiting")}, *rest]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value()
        if chosen == "all":
            return queryset
        states = [chosen] if chosen in State.values else InboundItem.WAITING
        return queryset.filter(state__in=states)


@admin.register(InboundItem)
class InboundItemAdmin(Masked, ReadOnlyLog):
    """Decisions go through `delivery.feedback.decisions`, with the operator's name.

    What arrived is full of addresses: without the right to see them nobody reads it as
    it is, nor decides about it.
    """

    addresses_in = ()
    texts_in = ("note",)

    change_form_template = "admin/delivery/inbounditem/change_form.html"
    change_list_template = "admin/delivery/inbounditem/change_list.html"
    list_display = ("received_at", "state_mark", "source", "channel")
    list_filter = (InboundState, "channel")
    search_fields = ("mentions__key",)
    search_help_text = _("An address that it names, in any notation.")
    fields = (
        *("state", "note", "source", "received_at", "size", "is_verified"),
        *("decided_by", "decided_at"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[InboundItem]:
        rows = super().get_queryset(request)
        if request.resolver_match and request.resolver_match.url_name.endswith("list"):  # type: ignore[union-attr]
            rows = rows.defer("raw").prefetch_related("mentions")
        return rows

    def meant_by(self, text: str) -> Q:
        about = InboundMention.objects.filter(about_address(text))
        return Q(pk__in=about.values("item"))

    @admin.display(description=_("state"))
    def state_mark(self, item: InboundItem) -> SafeString:
        bad = " bad" if item.is_waiting else ""
        return format_html(
            '<span class="mark{}">{}</span>', bad, item.get_state_display()
        )

    def heading(self, request: HttpRequest, row: InboundItem) -> str:
        return str(row)

    def get_list_display(self, request: HttpRequest) -> Any:
        @admin.display(description=_("names"))
        def named(item: InboundItem) -> str:
            told = [
                masking.shown(request, mention.channel, mention.key)
                for mention in item.mentions.all()
            ]
            return ", ".join(told[:3]) + (" …" if len(told) > 3 else "")

        @admin.display(description=_("note"))
        def shown_note(item: InboundItem) -> str:
            return masking.shown_text(request, gettext(item.note))

        return (*super().get_list_display(request), named, shown_note)

    def beside(self, request: HttpRequest, row: InboundItem) -> Facts:
        may_see = masking.may_see_addresses(request)
        raw = bytes(row.raw[:SHOWN]).decode("utf-8", "replace") if may_see else ""
        return super().beside(request, row) | {
            "reported": decisions.reported(row) if row.is_waiting else [],
            "may_see_raw": may_see,
            "raw_text": raw,
            "is_shortened": len(row.raw) > SHOWN,
            "item_events": row.events.select_related("message__delivery"),
            "may_decide": request.user.has_perms(DECIDERS) and row.is_waiting,
            "may_release": request.user.has_perm(RELEASE),
            "said": _said(),
        }


def _said() -> list[tuple[str, str]]:
    return [
        ("hard", gettext("a failure for good (hard)")),
        ("soft", gettext("a failure for now (soft)")),
        ("complaint", gettext("a complaint")),
        ("unsubscribe", gettext("a wish to unsubscribe")),
    ]


Act = Callable[[HttpRequest, InboundItem, str], object]


def _act(name: str) -> Callable[[Act], Act]:
    """Make a function something that an operator does with what came back."""

    def keep(act: Act) -> Act:
        @page(InboundItem, name, *DECIDERS, method="POST")
        def decide(own: PlainAdmin, request: HttpRequest, item: InboundItem) -> Answer:
            try:
                act(request, item, request.user.get_username())
            except Refused as error:
                own.message_user(request, str(error), messages.ERROR)
                return own.go_back(item)
            text = gettext_noop("Done. It is now: {state}.")
            state = Sentence.of(InboundItem.State(item.state).label)
            return own.say_done(request, item, Sentence(text, {"state": state}))

        return act

    return keep


@_act("match")
def _match(request: HttpRequest, item: InboundItem, actor: str) -> None:
    given = request.POST.get("message", "").strip()
    usable = given.isascii() and given.isdigit() and len(given) <= LONGEST_PK
    message = Message.objects.filter(pk=int(given)).first() if usable else None
    if message is None:
        raise decisions.CannotDecide(gettext("There is no message with this number."))
    says = request.POST.get("says", "")
    decisions.match_to(item, message, actor=actor, says=says)


@_act("ignore")
def _ignore(request: HttpRequest, item: InboundItem, actor: str) -> None:
    if item.state == State.HELD and not request.user.has_perm(RELEASE):
        raise PermissionDenied  # it ends a hold
    note = request.POST.get("note", "").strip()
    decisions.ignore(item, note=note, actor=actor)


@_act("stop")
def _stop(request: HttpRequest, item: InboundItem, actor: str) -> None:
    decisions.stop(item, actor=actor)


@_act("read_again")
def _read_again(request: HttpRequest, item: InboundItem, actor: str) -> None:
    decisions.read_again(item)


@admin.register(MessageEvent)
class MessageEventAdmin(OfAddresses, ReadOnlyLog):
    texts_in = ("text",)
    list_display = (
        *("at", "kind", "key", "channel", "type", "reason", "status_code"),
        "source",
    )
    list_filter = ("kind", "channel")
    list_select_related = ("message__delivery",)
    fields = (
        *("at", "kind", "channel", "key", "message_link", "type", "reason"),
        *("status_code", "text", "source", "event_id", "item_link"),
    )
    readonly_fields = ("message_link", "item_link")

    def heading(self, request: HttpRequest, row: MessageEvent) -> str:
        address = super().heading(request, row) if row.key else ""
        return f"{row.get_kind_display()}: {address or f'#{row.pk}'}"

    @admin.display(description=_("message"))
    def message_link(self, event: MessageEvent) -> str | SafeString:
        return link_to_message(event.message)

    @admin.display(description=_("inbound item"))
    def item_link(self, event: MessageEvent) -> str | SafeString:
        if event.item is None:
            return ""
        url = reverse("admin:delivery_inbounditem_change", args=[event.item.pk])
        return format_html('<a href="{}">{}</a>', url, event.item)


@admin.register(HookCount)
class HookCountAdmin(ReadOnlyLog):
    list_display = ("day", "provider", "outcome", "count")
    list_filter = ("provider", "outcome")
    ordering = ("-day", "provider", "outcome")
    date_hierarchy = "day"
