"""Files that are made while they are sent: no cell of them is a formula.

A file of people has whole addresses, so it is for those who may export and see them.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.http import HttpRequest, StreamingHttpResponse

from audiences import roles
from audiences.files import safe_cells

EXPORTERS = (roles.EXPORT, roles.SEE_ADDRESSES)


def may_export(request: HttpRequest) -> bool:
    return bool(request.user.has_perms(EXPORTERS))


class _Line:
    """A file for the csv writer that hands back each line."""

    def write(self, text: str) -> str:
        return text


def csv_file(
    name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]
) -> StreamingHttpResponse:
    """A CSV file to download, streamed row by row."""
    response = StreamingHttpResponse(
        _lines(header, rows), content_type="text/csv; charset=utf-8"
    )
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _lines(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield str(writer.writerow(header))
    for row in rows:
        yield str(writer.writerow(safe_cells(row)))
