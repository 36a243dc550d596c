"""The people of a list as a file."""

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from audiences.console.downloads import EXPORTERS, csv_file
from audiences.console.pages import Answer, PlainAdmin, page
from audiences.imports import exports
from audiences.masking import masked_text
from audiences.models import Profile
from audiences.selections import filters


@page(Profile, "export", "view", *EXPORTERS, route="export/", method="POST")
def export(admin: PlainAdmin, request: HttpRequest) -> Answer:
    """Everybody of the selection in the address, with the columns of an import.

    Who took whom away is on record, hence a POST.
    """
    chosen = filters.read(request.GET)
    people, who = filters.select(chosen), filters.in_words(chosen, {})
    LogEntry.objects.create(
        user_id=request.user.pk or 0,
        content_type=ContentType.objects.get_for_model(Profile),
        object_repr=masked_text(_("Export: {who}").format(who=who))[:200],
        action_flag=CHANGE,
    )
    header = exports.columns(people)
    name = f"people-{timezone.localdate():%Y-%m-%d}.csv"
    return csv_file(name, header, exports.rows(people, header))
