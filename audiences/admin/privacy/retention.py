"""Retention: each kind of data with its rule, and what that would do today."""

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext, gettext_lazy as _, gettext_noop

from audiences import roles
from audiences.console.lists import ReadOnlyLog
from audiences.console.pages import Answer, Facts, PlainAdmin, page
from audiences.models import RetentionRule
from audiences.privacy import retention
from audiences.records import console_log
from audiences.refusals import Refused, Sentence

from .forms import MonthsForm

# What is removed by the days of a setting, whatever the rules say.
BY_SETTINGS = {
    "SIGNUP_REQUEST_DAYS": _("sign-ups that nobody confirmed"),
    "PENDING_SUBSCRIPTION_DAYS": _("subscriptions that nobody confirmed"),
    "OUTBOX_DAYS": _("mails of our own"),
    "IMPORT_DAYS": _("rejects of imports"),
    "FEEDBACK_DAYS": _("what came back, once it is dealt with"),
}


@admin.register(RetentionRule)
class RetentionRuleAdmin(ReadOnlyLog):
    """The list is one page with all kinds."""

    def changelist_view(
        self, request: HttpRequest, extra_context: Facts | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        may_change = request.user.has_perm(roles.RETENTION)
        actor = request.user.get_username()
        rows = [
            {
                "standing": standing,
                "form": MonthsForm(
                    initial={"months": standing.rule.months}, prefix=standing.sort.code
                ),
                "waits": bool(standing.rule.months and not standing.is_in_force),
                "may_confirm": may_change and standing.rule.set_by != actor,
            }
            for standing in retention.standings()
        ]
        return self.respond(
            request,
            "admin/audiences/retentionrule/rules.html",
            title=gettext("Retention"),
            rows=rows,
            may_change=may_change,
            by_settings=[
                (label, getattr(settings, name), name)
                for name, label in BY_SETTINGS.items()
            ],
        )


def _list() -> HttpResponse:
    return redirect("admin:audiences_retentionrule_changelist")


@page(RetentionRule, "set", "view", roles.RETENTION, route="set/", method="POST")
def set_rule(own: PlainAdmin, request: HttpRequest) -> Answer:
    """Set for how long a kind is kept; a second person then confirms it."""
    code = request.POST.get("code", "")
    form = MonthsForm(request.POST, prefix=code)
    if not form.is_valid():
        messages.error(request, " ".join(map(str, form.errors.get("months", []))))
        return _list()
    try:
        rule = retention.set_rule(
            code, form.cleaned_data["months"], actor=request.user.get_username()
        )
    except Refused as error:
        messages.error(request, str(error))
        return _list()
    said = Sentence(
        gettext_noop("Months it is kept: {months}"), {"months": rule.months}
    )
    if not rule.months:
        said = Sentence(gettext_noop("It is kept for ever."))
    own.log_change(request, rule, console_log.to_keep(said))
    if rule.months:
        text = gettext("It is set. Another person must confirm it before it counts.")
        messages.success(request, text)
    else:
        messages.success(request, str(said))
    return _list()


@page(
    RetentionRule, "confirm", "view", roles.RETENTION, route="confirm/", method="POST"
)
def confirm(own: PlainAdmin, request: HttpRequest) -> Answer:
    """Put a rule in force that somebody else has set, as it was shown."""
    months = request.POST.get("months", "")
    number = int(months) if months.isascii() and months.isdigit() else 0
    try:
        rule = retention.confirm(
            request.POST.get("code", ""),
            min(number, retention.LONGEST),
            actor=request.user.get_username(),
        )
    except Refused as error:
        messages.error(request, str(error))
    else:
        text = gettext_noop("Confirmed. Months it is kept: {months}")
        own.log_change(request, rule, console_log.kept(text, months=rule.months))
        messages.success(request, gettext("The rule is in force from tonight on."))
    return _list()
