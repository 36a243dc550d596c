"""The ledger in the console: its checkpoints, whether it is behind, what went wrong."""

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy as _, ngettext

from audiences import ledger
from audiences.console.dashboard import Figures, Notice, attention
from audiences.console.lists import ReadOnlyLog
from audiences.ledger import outlets
from audiences.models import LedgerCheckpoint

VIEW = "audiences.view_ledgercheckpoint"
# So far it may be behind before somebody is told.
LONGEST_LAG = timedelta(minutes=1)


@admin.register(LedgerCheckpoint)
class LedgerCheckpointAdmin(ReadOnlyLog):
    """Signed statements of how many leaves there are, and their root."""

    list_display = ("made_at", "size", "root", "stamped")
    fields = ("made_at", "size", "signed_note", "stamped")
    readonly_fields = ("signed_note", "stamped")

    @admin.display(description=_("root"))
    def root(self, row: LedgerCheckpoint) -> str:
        return row.note.split("\n")[2]

    @admin.display(description=_("signed note"))
    def signed_note(self, row: LedgerCheckpoint) -> SafeString:
        return format_html("<pre>{}</pre>", row.note)

    @admin.display(description=_("stamped"))
    def stamped(self, row: LedgerCheckpoint) -> str:
        return ", ".join(map(str, row.stamps.order_by("pk"))) or "-"

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if self.has_view_permission(request):
            for text in _problems():
                messages.warning(request, text)
        return super().changelist_view(request, extra_context)


@attention(VIEW)
def ledger_problems(request: HttpRequest, figures: Figures) -> list[Notice]:
    """What keeps the ledger from being a proof, for those who answer for it."""
    return [Notice(text) for text in _problems()]


def _problems() -> list[str]:
    found = []
    behind = ledger.lag()
    if behind > LONGEST_LAG:
        minutes = int(behind / timedelta(minutes=1))
        text = ngettext(
            "The ledger is {count} minute behind: no worker seals it, or a transaction "
            "is still open.",
            "The ledger is {count} minutes behind: no worker seals it, or a "
            "transaction is still open.",
            minutes,
        )
        found.append(text.format(count=minutes))
    try:
        ledger.public_key()
    except ledger.NoLedgerKey:
        found.append(gettext("Nobody signs the ledger: LEDGER_KEY is not set."))
    for outlet in outlets.problems():
        text = gettext("A checkpoint could not be sent ({place}): {problem}")
        found.append(text.format(place=outlet.name, problem=outlet.problem))
    return found
