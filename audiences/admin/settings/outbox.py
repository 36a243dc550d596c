"""What visitors without a personal link set in motion: mails, and open sign-ups.

Read-only, but for a mail of which nobody knows whether it left: an operator may have it
sent again. Addresses are masked for those who may not see them.
"""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy as _, gettext_noop

from audiences import outbox
from audiences.addresses import readings
from audiences.channels import Channel
from audiences.console.lists import ReadOnlyLog
from audiences.console.masking import may_see_addresses
from audiences.console.pages import Answer, Facts, PlainAdmin, page
from audiences.masking import DOTS, masked
from audiences.models import OutboxMail, SignupRequest
from audiences.refusals import Refused

Result = OutboxMail.Result
WAITING = "waiting"
SEND_AGAIN = "audiences.change_outboxmail"


class WithAddresses(ReadOnlyLog):
    """Rows with an address, which is masked for those without the right.

    `columns` and `details` name the address as `address`.
    """

    columns: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    search_fields = ("key",)
    search_help_text = _("An address in any notation, or a customer number.")

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        return _for(request, self.columns)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return _for(request, self.details)

    def get_readonly_fields(
        self, request: HttpRequest, obj: Any = None
    ) -> tuple[str, ...]:
        return self.get_fields(request, obj)

    def meant_by(self, text: str) -> Q:
        return Q(key__in={key for _channel, key in readings(text)} | {text})


def _for(request: HttpRequest, names: tuple[str, ...]) -> tuple[str, ...]:
    shown = "address" if may_see_addresses(request) else "masked_address"
    return tuple(shown if name == "address" else name for name in names)


class ResultFilter(admin.SimpleListFilter):
    """By what became of the mail; those without a result wait."""

    title = _("what became of it")
    parameter_name = "result"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [(WAITING, _("Waits")), *Result.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value == WAITING:
            return queryset.filter(result="")
        return queryset.filter(result=value) if value in Result.values else queryset


@admin.register(OutboxMail)
class OutboxMailAdmin(WithAddresses):
    columns = ("created_at", "kind", "address", "became", "attempts")
    details = (
        *("kind", "became", "found_by", "address", "language", "network"),
        *("created_at", "due_at", "attempts", "claimed_at", "sent_at"),
    )
    list_filter = (ResultFilter, "kind")

    @admin.display(description=_("given"))
    def address(self, mail: OutboxMail) -> str:
        return mail.to

    @admin.display(description=_("given"))
    def masked_address(self, mail: OutboxMail) -> str:
        return masked(mail.found_by, mail.to) or DOTS

    @admin.display(description=_("what became of it"))
    def became(self, mail: OutboxMail) -> str | SafeString:
        if mail.result == Result.UNCERTAIN:
            return format_html(
                '<span class="mark bad">{}</span>', mail.get_result_display()
            )
        if mail.result:
            return str(mail.get_result_display())
        return gettext("A worker has it") if mail.claimed_at else gettext("Waits")

    # ------------------------------------------------------------------ sending again
    def beside(self, request: HttpRequest, row: OutboxMail) -> Facts:
        if row.result != Result.UNCERTAIN or not request.user.has_perm(SEND_AGAIN):
            return {}
        reason = outbox.why_not_again(row)
        return {"may_send_again": not reason, "why_not_again": reason}


@page(OutboxMail, "send_again", "view", SEND_AGAIN, title=_("Send again"))
def send_again(own: PlainAdmin, request: HttpRequest, mail: OutboxMail) -> Answer:
    """Ask whether the mail is to go again; a POST puts it back into the queue."""
    if request.method == "POST":
        try:
            outbox.send_again(mail)
        except Refused as error:
            messages.error(request, str(error))
        else:
            own.log_change(request, mail, gettext_noop("Sent again."))
            messages.success(request, gettext("It is sent within a minute."))
        return own.go_back(mail)
    return {"mail": mail, "reason": outbox.why_not_again(mail)}


class SignupState(admin.SimpleListFilter):
    """Open sign-ups, unless others are asked for."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [("confirmed", _("Confirmed")), ("expired", _("Expired"))]

    def choices(self, changelist: Any) -> Any:
        for number, choice in enumerate(super().choices(changelist)):
            yield {**choice, "display": _("Open")} if number == 0 else choice

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "confirmed":
            return queryset.filter(confirmed_at__isnull=False)
        rows = queryset.filter(confirmed_at__isnull=True)
        now = timezone.now()
        if self.value() == "expired":
            return rows.filter(expires_at__lte=now)
        return rows.filter(expires_at__gt=now)


@admin.register(SignupRequest)
class SignupRequestAdmin(WithAddresses):
    """What was asked for; a confirmed one has nothing personal any more."""

    columns = ("created_at", "address", "version", "expires_at", "confirmed_at")
    details = (*columns, "language")
    list_filter = (SignupState,)
    list_select_related = ("version",)

    @admin.display(description=_("email address"))
    def address(self, request: SignupRequest) -> str:
        return request.email

    @admin.display(description=_("email address"))
    def masked_address(self, request: SignupRequest) -> str:
        return masked(Channel.EMAIL, request.email)
