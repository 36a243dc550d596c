"""Erasures of many people: who asked, who must confirm, how far they are."""

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.translation import gettext, gettext_lazy as _, gettext_noop

from audiences import roles
from audiences.background import jobs
from audiences.console.lists import LogWithPages
from audiences.console.masking import shown_text
from audiences.console.numbers import grouped
from audiences.console.pages import Answer, Facts, PlainAdmin, page
from audiences.models import ErasureRun
from audiences.privacy import many
from audiences.refusals import Refused
from audiences.suppression import ErasedFor

State = ErasureRun.State


@admin.register(ErasureRun)
class ErasureRunAdmin(LogWithPages):
    """Each with a page, on which a second person confirms it."""

    page_template = "admin/audiences/erasurerun/page.html"
    list_display = ("actor", "created_at", "state", "how_many", "confirmed_by")
    list_filter = ("state",)

    @admin.display(description=_("erased"))
    def how_many(self, run: ErasureRun) -> str:
        return grouped(run.erased)

    def beside(self, request: HttpRequest, row: ErasureRun) -> Facts:
        may_erase = request.user.has_perm(roles.ERASE)
        is_asked = row.state == State.ASKED
        is_own = request.user.get_username() == row.actor
        return {
            "title": gettext("Erasure of many {run}").format(run=row),
            "run": row,
            "note": shown_text(request, row.note),
            "reason": ErasedFor(row.reason).label,
            "left": grouped(len(row.people)),
            "erased": grouped(row.erased),
            "waits_long": jobs.waits_long(row),
            "may_confirm": may_erase and is_asked and not is_own,
            "is_own": is_asked and is_own,
            "may_stop": may_erase and (is_asked or row.is_unfinished),
        }


@page(ErasureRun, "confirm", "view", roles.ERASE, method="POST")
def confirm(own: PlainAdmin, request: HttpRequest, run: ErasureRun) -> Answer:
    """The second person lets it begin."""
    try:
        many.confirm(run, actor=request.user.get_username())
    except Refused as error:
        messages.error(request, str(error))
    else:
        own.log_change(request, run, gettext_noop("Confirmed."))
        messages.success(request, gettext("It begins now."))
    return own.go_back(run)


@page(ErasureRun, "stop", "view", roles.ERASE, method="POST")
def stop(own: PlainAdmin, request: HttpRequest, run: ErasureRun) -> Answer:
    """Leave it at what is done."""
    if many.stop(run):
        own.log_change(request, run, gettext_noop("Stopped."))
        messages.success(request, gettext("It was stopped."))
    else:
        messages.info(request, gettext("It had ended already."))
    return own.go_back(run)
