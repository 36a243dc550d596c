"""Imports in the browser: the only writer of `ImportRun`, over the command's engine.

Upload, look through (a preview that changes nothing), confirm, import. Each chunk and
the run's counts, line and rejects are one transaction: a worker that dies is followed
by another, which goes on at the next line. The uploaded file is removed as soon as the
import has ended or was cancelled.
"""

import contextlib
import logging
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from audiences import files, sql
from audiences.files import DelimitedFile, Problem
from audiences.imports.people import Counts, Listeners, Options, StateChange
from audiences.models import ImportContent, ImportReject, ImportRun
from audiences.refusals import Refused

from . import people, people_rows
from .people_rows import Column, Row

State = ImportRun.State
SILENCE = timedelta(minutes=2)
# A file that nobody confirms is removed after this time.
UNCONFIRMED = timedelta(days=1)
SAMPLE = 20
FIRST_ROWS = 5
logger = logging.getLogger(__name__)


class NotPossible(Refused):
    """The import cannot go on so; the message says what to do."""


class _Cancelled(Exception):
    """Somebody cancelled the run while it was looked through."""


# ------------------------------------------------------------------ beginning
def upload(
    name: str,
    pieces: Iterable[bytes],
    *,
    actor: str,
    ignore_unknown: bool = False,
    allow_opt_in: bool = False,
    note: str = "",
) -> ImportRun:
    """Keep the file and let it be looked through. Raises Refused.

    A file whose columns are not understood is refused at once, with their names.
    """
    if allow_opt_in and not note.strip():
        raise NotPossible(
            _("Opting in needs a note that says how the people asked for it.")
        )
    most = settings.IMPORT_LARGEST_MB * 1_000_000
    with transaction.atomic():
        run = ImportRun.objects.create(
            file_name=Path(name).name[-200:],
            actor=actor,
            ignore_unknown=ignore_unknown,
            allow_opt_in=allow_opt_in,
            note=note.strip(),
        )
        for piece in pieces:
            run.size += len(piece)
            if run.size > most:
                raise NotPossible(
                    _("The file has more than {most} MB. Split it.").format(
                        most=settings.IMPORT_LARGEST_MB
                    )
                )
            ImportContent.objects.create(run=run, data=piece)
        with _opened(run) as (file, columns):
            run.preview = _looks(file, columns)
        run.save(update_fields=["size", "preview"])
        transaction.on_commit(lambda: wake(run), robust=True)
    return run


def _looks(file: DelimitedFile, columns: list[Column | None]) -> dict[str, Any]:
    """How the file was understood, and its first rows."""
    rows: list[list[str]] = []
    for record in file.records():
        if len(rows) == FIRST_ROWS:
            break
        if not record.problem:
            rows.append(record.cells)
    return {
        "encoding": "UTF-8" if file.encoding == "utf-8-sig" else "Windows-1252",
        "delimiter": file.delimiter,
        "columns": [
            {"header": header, "name": _name(column)}
            for header, column in zip(file.header, columns, strict=True)
        ],
        "rows": rows,
    }


def _name(column: Column | None) -> str:
    if column is None:
        return ""
    return column.name if column.number == 1 else f"{column.name}_{column.number}"


@contextlib.contextmanager
def _opened(run: ImportRun) -> Iterator[tuple[DelimitedFile, list[Column | None]]]:
    """The file on this machine's disk, while it is read."""
    with tempfile.TemporaryDirectory(prefix="campaign-import-") as folder:
        path = Path(folder) / "file"
        with path.open("wb") as target:
            for data in run.content.values_list("data", flat=True).iterator():
                target.write(bytes(data))
        try:
            file = files.open_file(path)
            columns = people_rows.read_header(
                file.header, {}, ignore_unknown=run.ignore_unknown
            )
        except Refused as refusal:
            # The name on this disk says nothing to whoever uploaded the file.
            text = str(refusal).replace(str(path), run.file_name)
            raise NotPossible(_in_the_browser(text)) from refusal
        yield file, columns


def _in_the_browser(text: str) -> str:
    return text.replace(
        "Rename it, give its meaning with --map NAME=COLUMN, or leave such columns out "
        "with --ignore-unknown.",
        _("Rename it, or choose to leave out unknown columns."),
    )


def wake(run: ImportRun) -> None:
    # By name: the task's module imports this one.
    current_app.send_task(
        "audiences.tasks.work_off_import",
        [run.pk],
        retry=True,
        retry_policy={"max_retries": 0},
    )


# ------------------------------------------------------------------ deciding
def confirm(run: ImportRun) -> None:
    """Let the import begin that was looked through. Raises NotPossible."""
    begun = ImportRun.objects.filter(pk=run.pk, state=State.CHECKED).update(
        state=State.IMPORTING, done_bytes=0, line=0, counts={}, worked_at=None
    )
    if not begun:
        raise NotPossible(_("Only an import that was looked through can be confirmed."))
    run.rejects.all().delete()
    run.refresh_from_db()
    transaction.on_commit(lambda: wake(run), robust=True)


def cancel(run: ImportRun) -> bool:
    """Forget the file; possible until it is imported."""
    return _end(run, State.CANCELLED, [State.CHECKING, State.CHECKED])


def _end(run: ImportRun, state: str, before: list[str], **facts: Any) -> bool:
    with transaction.atomic():
        ended = ImportRun.objects.filter(pk=run.pk, state__in=before).update(
            state=state, finished_at=timezone.now(), **facts
        )
        if ended:
            # The rows of people are not kept longer than they are needed.
            ImportContent.objects.filter(run=run).delete()
            run.refresh_from_db()
            looks = {
                k: v for k, v in run.preview.items() if k not in ("rows", "sample")
            }
            ImportRun.objects.filter(pk=run.pk).update(preview=looks)
    return bool(ended)


# ------------------------------------------------------------------ working
def work_off(run: ImportRun) -> None:
    """Look the file through, or import it, from where it is.

    Leaves it to whoever is at it already; only one import runs at a time.
    """
    try:
        with sql.process_lock(f"import-run:{run.pk}"):
            run.refresh_from_db()
            if run.state == State.CHECKING:
                _look_through(run)
            elif run.state == State.IMPORTING:
                _import(run)
    except (sql.Locked, _Cancelled):
        return  # the sweep comes back to it
    except Exception as error:
        logger.exception("An import in the browser failed")
        text = str(error) if isinstance(error, Refused) else type(error).__name__
        _end(run, State.FAILED, [*ImportRun.WORKING], error=text[:500])


class _Run(Listeners):
    """What the engine tells, kept for the row of the run."""

    def __init__(self, run: ImportRun) -> None:
        super().__init__(
            on_reject=self.reject,
            on_state_change=self.change,
            on_progress=self.progress,
            on_kept_out=self.keep_out,
            on_chunk=self.chunk,
        )
        self.run = run
        self.before = Counts(**run.counts.get("rows", {}))
        self.changes: Counter[str] = Counter(run.counts.get("changes", {}))
        self.kept_out = int(run.counts.get("kept_out", 0))
        self.sample: list[dict[str, Any]] = []
        self.rejects: list[ImportReject] = []

    def reject(self, row: Row, problem: Problem, outcome: str) -> None:
        self.rejects.append(
            ImportReject(
                run=self.run,
                row=row.line,
                field=problem.field,
                reason=problem.reason,
                outcome=outcome,
            )
        )

    def change(self, change: StateChange) -> None:
        kind = "opt_out" if change.opted_out else "opt_in"
        self.changes[f"{kind}:{change.scope}"] += 1
        if len(self.sample) < SAMPLE:
            self.sample.append(
                {
                    "row": change.line,
                    "external_id": change.external_id,
                    "kind": kind,
                    "scope": str(change.scope),
                }
            )

    def progress(self, done: int) -> None:
        self.run.done_bytes = done

    def keep_out(self, count: int) -> None:
        self.kept_out += count

    def chunk(self, line: int, counts: Counts) -> None:
        """Written with the chunk: what is counted is what is there."""
        ImportReject.objects.bulk_create(self.rejects)
        self.rejects = []
        self.save(line, counts)

    def save(self, line: int, counts: Counts) -> None:
        rows = {
            name: getattr(self.before, name) + value
            for name, value in vars(counts).items()
        }
        self.run.counts = {
            "rows": rows,
            "changes": dict(self.changes),
            "kept_out": self.kept_out,
        }
        going_on = ImportRun.objects.filter(
            pk=self.run.pk, state__in=ImportRun.WORKING
        ).update(
            counts=self.run.counts,
            line=line,
            done_bytes=self.run.done_bytes,
            worked_at=timezone.now(),
        )
        if not going_on:
            raise _Cancelled


def _options(run: ImportRun) -> Options:
    return Options(allow_opt_in=run.allow_opt_in, note=run.note, actor=run.actor)


def _look_through(run: ImportRun) -> None:
    """From the first line: a preview that was interrupted has left nothing."""
    run.counts = {}
    ImportReject.objects.filter(run=run).delete()
    told = _Run(run)
    with _opened(run) as (file, columns):
        options = replace(_options(run), preview=True)
        people.import_profiles(file, columns, options, told)
    sample = told.sample
    ImportRun.objects.filter(pk=run.pk, state=State.CHECKING).update(
        state=State.CHECKED,
        done_bytes=run.size,
        preview={**run.preview, "sample": sample},
        counts=run.counts or {"rows": vars(Counts()), "changes": {}, "kept_out": 0},
    )


def _import(run: ImportRun) -> None:
    told = _Run(run)
    with _opened(run) as (file, columns):
        options = replace(_options(run), after_line=run.line)
        people.import_profiles(file, columns, options, told)
    _end(run, State.DONE, [State.IMPORTING], done_bytes=run.size)


def waits_long(run: ImportRun) -> bool:
    """No worker has taken it, though the sweep must have come by."""
    asked = run.created_at < timezone.now() - SILENCE
    return run.is_working and run.worked_at is None and asked


def forgotten() -> Iterator[ImportRun]:
    """Runs whose worker has not been heard of for a while."""
    for run in ImportRun.objects.filter(state__in=ImportRun.WORKING):
        if run.worked_at is None or run.worked_at < timezone.now() - SILENCE:
            yield run


def clean_up() -> None:
    """Remove files that nobody confirmed, and what is left of old imports."""
    now = timezone.now()
    waiting = ImportRun.objects.filter(
        state=State.CHECKED, created_at__lt=now - UNCONFIRMED
    )
    for run in waiting:
        cancel(run)
    old = now - timedelta(days=settings.IMPORT_DAYS)
    ImportReject.objects.filter(run__finished_at__lt=old).delete()
