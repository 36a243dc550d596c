"""What keys change where no history of its own says so: in the console's log.

It stands there beside what operators do, on the same pages, under the key's name.
"""

import json

from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.http import HttpRequest
from django.utils import translation

from audiences.api.callers import caller
from audiences.api_keys import accounts
from audiences.masking import DOTS, masked, masked_text
from audiences.models import Endpoint
from audiences.records import console_log


def added(request: HttpRequest, row: Model) -> None:
    """The key has made the row."""
    _keep(request, row, ADDITION, json.dumps([{"added": {}}]))


def removed(request: HttpRequest, row: Model) -> None:
    """The key has taken it away; the row still knows its number."""
    _keep(request, row, DELETION, "")


def changed(request: HttpRequest, row: Model, names: list[str]) -> None:
    """The key has written these fields of the row; nothing is kept of none."""
    if names:
        with translation.override(None):
            fields = [str(_label(row, name)) for name in names]
        said = json.dumps([{"changed": {"fields": fields}}])
        _keep(request, row, CHANGE, said)


def told(request: HttpRequest, row: Model, text: str, **values: object) -> None:
    """The key has done with the row what the text says, marked with gettext_noop."""
    said = console_log.kept(text, **values) if values else text
    _keep(request, row, CHANGE, said)


def told_of(
    request: HttpRequest, row: Model, text: str, channel: str, address: str
) -> None:
    """The same of an `{address}` of the row, which the log has masked."""
    told(request, row, text, address=masked(channel, address) or DOTS)


def _label(row: Model, name: str) -> object:
    return row._meta.get_field(name).verbose_name  # type: ignore[union-attr]


def _name(row: Model) -> str:
    """What the log calls it. Of people no address; an endpoint is no person's, and the
    number of its host would be taken for one."""
    return str(row) if isinstance(row, Endpoint) else masked_text(str(row))


def _keep(request: HttpRequest, row: Model, flag: int, said: str) -> None:
    LogEntry.objects.create(
        user_id=accounts.of(caller(request).key).pk,
        content_type=ContentType.objects.get_for_model(row),
        object_id=str(row.pk),
        object_repr=_name(row)[:200],
        action_flag=flag,
        change_message=said,
    )
