"""The people of a list as a file."""

from collections.abc import Callable
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from audiences import roles
from audiences.console.downloads import csv_file
from audiences.console.lists import PlainAdmin
from audiences.imports import exports
from audiences.masking import masked_text
from audiences.models import Profile
from audiences.selections import filters


def may_export(request: HttpRequest) -> bool:
    """The file has whole addresses."""
    return bool(request.user.has_perms([roles.EXPORT, roles.SEE_ADDRESSES]))


def export(admin: PlainAdmin) -> Callable[..., Any]:
    """Everybody of the selection in the address, with the columns of an import.

    Who took whom away is on record, hence a POST.
    """

    @require_POST
    def view(request: HttpRequest) -> Any:
        if not (admin.has_view_permission(request) and may_export(request)):
            raise PermissionDenied
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

    return view
