"""`jobs`: how far the work in the background is."""

from django.http import HttpRequest, HttpResponse

from audiences.api import jobs as registered
from audiences.api.answers import said
from audiences.api.callers import caller
from audiences.api.calls import Resource
from audiences.api.problems import Problem
from audiences.api.shapes import JobOut, Json
from audiences.models import BulkAct, ErasureRun
from audiences.profiles import LARGEST_ID

jobs = Resource("jobs")


@jobs.get("/{job}", JobOut)
def read(request: HttpRequest, job: str) -> HttpResponse:
    """One job, by the id that was answered with 202, such as import:12."""
    kind, _colon, text = job.partition(":")
    show = registered.kinds.get(kind)
    is_number = text.isascii() and text.isdigit() and len(text) < 20
    found = show(min(int(text), LARGEST_ID)) if show and is_number else None
    if found is None:
        raise Problem(
            404,
            "There is no such job.",
            field="job",
            remedy=f"Kinds: {', '.join(registered.kinds)}, as import:12.",
        )
    return said(registered.seen_by(caller(request), found))


def _bulk_act(pk: int) -> Json | None:
    row = BulkAct.objects.filter(pk=pk).first()
    if row is None:
        return None
    counts = {"seen": row.seen, "changed": row.changed}
    return registered.of_row("bulk-change", row, percent=row.percent, counts=counts)


def _erasure(pk: int) -> Json | None:
    row = ErasureRun.objects.filter(pk=pk).first()
    return None if row is None else registered.of_row("erasure", row)


registered.kinds.add("bulk-change", _bulk_act)
registered.kinds.add("erasure", _erasure)
