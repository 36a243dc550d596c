"""Quarantine in the admin (Q6): find an address, see the evidence, decide."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME as BOX
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _, ngettext

from audiences import addresses
from audiences.console import errors
from audiences.console.downloads import may_export
from audiences.console.lists import OfAddresses
from audiences.console.numbers import grouped
from audiences.console.pages import Facts
from audiences.models import AddressStatus
from audiences.refusals import Refused
from delivery import quarantine
from delivery.admin.quarantine.evidence import SHOWN, timeline
from delivery.admin.quarantine.periods import ErrorPeriod
from delivery.models import QuarantineEntry
from delivery.models.quarantine import ErrorReason
from delivery.roles import RELEASE

SOURCE = "operator"
COMPUTED = (
    *("channel", "key", "type", "error_count", "first_error_at", "last_error_at"),
    *("text", "last_delivery", "releases_at"),
)
_STOPPED = (AddressStatus.QUARANTINE, AddressStatus.DENYLISTED)


class EntryForm(forms.ModelForm[Any]):
    """What an operator decides about an address: its status, why, and a note."""

    reason = forms.ChoiceField(label=_("Reason"), choices=ErrorReason.choices)
    note = forms.CharField(
        label=_("Note"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Kept with the action."),
    )

    # Set for each request by what the operator may do.
    may_release = True

    class Meta:
        model = QuarantineEntry
        fields = ("status", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.initial.get("reason"):
            self.initial["reason"] = ErrorReason.OPERATOR.value
        for name, field in self.fields.items():
            field.show_hidden_initial = name in ("status", "reason")

    def clean_status(self) -> str:
        """Only who may release makes an address reachable that was not."""
        status = str(self.cleaned_data["status"])
        was = self.initial.get("status", "")
        if not self.may_release and was in _STOPPED and status not in _STOPPED:
            raise forms.ValidationError(_("You may not release addresses."))
        return status

    def decided(self, name: str) -> str:
        """What the operator chose; else what is so now, whatever the page showed."""
        chosen = name in self.changed_data or not self.instance.pk
        return str(self.cleaned_data[name] if chosen else self.initial[name])


class NewEntryForm(EntryForm):
    """An address to put into quarantine, whether or not any profile has it (Q1)."""

    address = forms.CharField(label=_("Address"))

    class Meta(EntryForm.Meta):
        fields = ("channel", "status", "reason")  # type: ignore[assignment]

    def clean(self) -> None:
        super().clean()
        channel = self.cleaned_data.get("channel")
        text = self.cleaned_data.get("address")
        if not channel or not text:
            return
        try:
            key = addresses.normalise(channel, text).key
        except addresses.InvalidAddress as error:
            self.add_error("address", str(error))
            return
        held = QuarantineEntry.objects.filter(channel=channel, key=key).first()
        if held:
            message = _("{address} is in the list already: change its entry.")
            refused = Refused(message.format(address=key))
            errors.refuse(self, "address", refused.mended_by("entry", held.pk))


@admin.register(QuarantineEntry)
class QuarantineEntryAdmin(OfAddresses):
    """Everything is written by `delivery.quarantine`, with the operator's name."""

    form = EntryForm
    texts_in = ("text",)
    change_form_template = "admin/delivery/quarantineentry/change_form.html"
    list_display = (
        *("key", "channel", "status", "reason", "error_count"),
        "last_error",
    )
    change_list_template = "admin/delivery/quarantineentry/change_list.html"
    list_filter = ("status", "channel", "reason", "type", ErrorPeriod)
    actions = ("set_to_valid",)

    def has_release_permission(self, request: HttpRequest) -> bool:
        may = request.user.has_perm(RELEASE)
        return bool(may) and self.has_view_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Deleting an entry releases its address."""
        may = super().has_delete_permission(request, obj)
        return may and self.has_release_permission(request)

    @admin.display(description=_("last error"))
    def last_error(self, entry: QuarantineEntry) -> str:
        if entry.last_error_at is None:
            return ""
        return date_format(timezone.localtime(entry.last_error_at), "SHORT_DATE_FORMAT")

    def get_form(
        self,
        request: HttpRequest,
        obj: QuarantineEntry | None = None,
        change: bool = False,
        **kwargs: Any,
    ) -> Any:
        kwargs["form"] = EntryForm if obj else NewEntryForm
        form = super().get_form(request, obj, change, **kwargs)
        form.may_release = self.has_release_permission(request)  # type: ignore[attr-defined]
        return form

    def get_fieldsets(
        self, request: HttpRequest, obj: QuarantineEntry | None = None
    ) -> Any:
        if obj is None:
            fields = ("channel", "address", "status", "reason", "note")
            return ((None, {"fields": fields}),)
        decided = ("status", "reason")
        if self.has_change_permission(request, obj):
            decided += ("note",)  # type: ignore[assignment]
        fieldsets = (
            (None, {"fields": ("channel", "key", *decided)}),
            (_("What the errors say"), {"fields": COMPUTED[2:]}),
        )
        return self.masked_fieldsets(request, fieldsets)

    def get_readonly_fields(
        self, request: HttpRequest, obj: QuarantineEntry | None = None
    ) -> tuple[str, ...]:
        return COMPUTED if obj else ()

    def save_model(
        self, request: HttpRequest, obj: QuarantineEntry, form: Any, change: bool
    ) -> None:
        data = form.cleaned_data
        if change and not form.changed_data:
            return
        entry = quarantine.set_status(
            obj.channel,
            obj.key if change else data["address"],
            form.decided("status"),
            reason=form.decided("reason"),
            text=data["note"].strip(),
            source=SOURCE,
            actor=request.user.get_username(),
        )
        obj.pk = entry.pk
        obj.refresh_from_db()

    def delete_model(self, request: HttpRequest, obj: QuarantineEntry) -> None:
        quarantine.delete(obj, source=SOURCE, actor=request.user.get_username())

    def delete_queryset(
        self, request: HttpRequest, queryset: QuerySet[QuarantineEntry]
    ) -> None:
        for entry in queryset:
            self.delete_model(request, entry)

    @admin.action(description=_("Set to valid"), permissions=["release"])
    def set_to_valid(
        self, request: HttpRequest, queryset: QuerySet[QuarantineEntry]
    ) -> HttpResponse | None:
        """Release the chosen addresses; from the denylist after a question.

        Somebody complained or wrote STOP: that is not undone by a slip of the mouse.
        """
        actor = request.user.get_username()
        chosen = list(queryset.exclude(status=AddressStatus.VALID))
        denied = sum(entry.status == AddressStatus.DENYLISTED for entry in chosen)
        if denied and "post" not in request.POST:
            return self._ask_before_releasing(request, len(chosen), denied)
        for entry in chosen:
            quarantine.set_status(
                entry.channel,
                entry.key,
                AddressStatus.VALID,
                source=SOURCE,
                actor=actor,
            )
            self.log_change(request, entry, [{"changed": {"fields": ["status"]}}])
        text = ngettext(
            "{count} address was set to valid.",
            "{count} addresses were set to valid.",
            len(chosen),
        )
        self.message_user(request, text.format(count=len(chosen)), messages.SUCCESS)
        return None

    def _ask_before_releasing(
        self, request: HttpRequest, count: int, denied: int
    ) -> HttpResponse:
        question = ngettext(
            "Set {count} address to valid?", "Set {count} addresses to valid?", count
        )
        on_denylist = ngettext(
            "{count} is on the denylist: somebody complained, wrote STOP, or was put "
            "there by an operator. Messages can go there again.",
            "{count} are on the denylist: somebody complained, wrote STOP, or was put "
            "there by an operator. Messages can go there again.",
            denied,
        )
        posted = request.POST
        return self.respond(
            request,
            "admin/delivery/quarantineentry/set_to_valid.html",
            title=_("Set to valid"),
            question=question.format(count=grouped(count)),
            on_denylist=on_denylist.format(count=grouped(denied)),
            hidden=[
                ("action", "set_to_valid"),
                ("select_across", posted.get("select_across", "0")),
                *((BOX, pk) for pk in posted.getlist(BOX)),
            ],
            back=request.get_full_path(),
        )

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        context = (extra_context or {}) | {
            "may_release": self.has_release_permission(request),
            "may_export": may_export(request),
        }
        return super().changelist_view(request, context)

    def beside(self, request: HttpRequest, row: QuarantineEntry) -> Facts:
        steps, is_longer = timeline(row)
        holders = addresses.with_key(row.channel, row.key).select_related("profile")
        return super().beside(request, row) | {
            "steps": steps,
            "is_longer": is_longer,
            "holders": holders[:SHOWN],
        }
