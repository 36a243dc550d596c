"""Imports in the browser: the only writer of `ImportRun`, over the commands' engine.

Upload, check (a preview that changes nothing), confirm, import. Each chunk and the
run's counts, line and rejects are one transaction: a worker that dies is followed by
another, which goes on at the next line. The uploaded file is removed as soon as the
import has ended or was cancelled.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, TypedDict

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from audiences import sql
from audiences.background import jobs
from audiences.files import Reject
from audiences.models import ImportContent, ImportReject, ImportRun
from audiences.refusals import Refused, Sentence

from . import content, run_columns as meanings
from .content import NotPossible
from .engine import Chunk, Counts, Import
from .kinds import kinds

State = ImportRun.State
# A file that nobody confirms is removed after this time.
UNCONFIRMED = timedelta(days=1)
SAMPLE = 20
logger = logging.getLogger(__name__)


class RunCounts(TypedDict):
    """What is counted of a run: its rows, and opt-outs and opt-ins by channel."""

    rows: Counts
    changes: dict[str, int]
    kept_out: int


class _Cancelled(Exception):
    """Somebody cancelled the run while it was checked."""


# ------------------------------------------------------------------ beginning
def upload(
    name: str,
    pieces: Iterable[bytes],
    *,
    actor: str,
    kind: str = "people",
    ignore_unknown: bool = False,
    allow_opt_in: bool = False,
    note: str = "",
    details: Mapping[str, Any] | None = None,
) -> ImportRun:
    """Keep the file and let it be checked. Raises Refused.

    A file that cannot be read is refused at once. One whose columns are not understood
    waits for their meaning (`give_meaning`), unless somebody has given it for a file
    with the same headings before. `details` are what a kind asks besides, and `map`
    and `ignore`: our names for columns of the file, and columns to leave out.
    """
    with transaction.atomic():
        run = ImportRun.objects.create(
            kind=kind,
            file_name=Path(name).name[-200:],
            actor=actor,
            ignore_unknown=ignore_unknown,
            allow_opt_in=allow_opt_in,
            note=note.strip(),
            details=dict(details or {}),
        )
        content.keep(run, pieces)
        meanings.look(run)
        run.save(update_fields=["size", "preview", "state", "details"])
    if run.state == State.CHECKING:
        _begin(run)
    return run


def give_meaning(run: ImportRun, chosen: list[meanings.Choice]) -> None:
    """Say what each column of the file means, and let it be checked so.

    Raises Refused when the file cannot be read like that, and NotPossible once the
    import has begun.
    """
    with transaction.atomic():
        locked = ImportRun.objects.select_for_update(of=("self",)).get(pk=run.pk)
        if locked.state not in (State.MAPPING, State.CHECKED):
            raise NotPossible(_("The import has begun: its columns stay as they are."))
        meanings.choose(locked, chosen)
        locked.rejects.all().delete()
        locked.state, locked.counts = State.CHECKING, {}
        locked.done_bytes, locked.worked_at = 0, None
        locked.save()
    run.refresh_from_db()
    _begin(run)


def _begin(run: ImportRun) -> None:
    """Work on a small file now, and let a worker do a large one."""
    if run.size <= kinds[run.kind].at_once:
        perform(run)
        run.refresh_from_db()
    else:
        jobs.wake("audiences.tasks.work_off_import", run.pk)


# ------------------------------------------------------------------ deciding
def confirm(run: ImportRun) -> None:
    """Let the import begin that was checked. Raises NotPossible."""
    with transaction.atomic():
        begun = ImportRun.objects.filter(pk=run.pk, state=State.CHECKED).update(
            state=State.IMPORTING, done_bytes=0, line=0, counts={}, worked_at=None
        )
        if not begun:
            raise NotPossible(_("Only an import that was checked can be confirmed."))
        run.rejects.all().delete()
    run.refresh_from_db()
    _begin(run)


def cancel(run: ImportRun) -> bool:
    """Forget the file; possible until it is imported."""
    return _end(run, State.CANCELLED, [State.MAPPING, State.CHECKING, State.CHECKED])


def give_up(run: ImportRun, why: str) -> bool:
    """End an import that has not ended, wherever it is: its file has to go.

    What was imported stays; whoever uploads the file again goes on with the rest.
    """
    unfinished: list[str] = [State.MAPPING, State.CHECKED, *ImportRun.UNFINISHED]
    return _end(run, State.FAILED, unfinished, error=why)


def _end(run: ImportRun, state: str, before: list[str], **facts: Any) -> bool:
    with transaction.atomic():
        ended = jobs.end(run, state, before=before, **facts)
        if ended:
            # The rows of people are not kept longer than they are needed.
            ImportContent.objects.filter(run=run).delete()
            run.refresh_from_db()
            of_people = ("rows", "sample", "samples")
            looks = {k: v for k, v in run.preview.items() if k not in of_people}
            ImportRun.objects.filter(pk=run.pk).update(preview=looks)
    return ended


# ------------------------------------------------------------------ working
def perform(run: ImportRun) -> None:
    """Check the file, or import it, from where it is.

    Leaves it to another worker that is at it already; only one import runs at a time.
    """
    try:
        with sql.process_lock(f"import-run:{run.pk}"):
            run.refresh_from_db()
            if run.state == State.CHECKING:
                _check(run)
            elif run.state == State.IMPORTING:
                _import(run)
    except (sql.Locked, _Cancelled):
        return  # the sweep comes back to it
    except Exception as error:
        logger.exception("An import in the browser failed")
        text = str(error) if isinstance(error, Refused) else type(error).__name__
        _end(run, State.FAILED, [*ImportRun.UNFINISHED], error=text[:500])


class _Record:
    """What the engine tells, kept in the row of the run."""

    def __init__(self, run: ImportRun) -> None:
        self.run = run
        self.before: Counts = run.counts.get("rows", {})
        self.changes: Counter[str] = Counter(run.counts.get("changes", {}))
        self.kept_out = int(run.counts.get("kept_out", 0))
        self.sample: list[dict[str, Any]] = []

    def progress(self, done: int) -> None:
        self.run.done_bytes = done

    def chunk(self, chunk: Chunk, counts: Counts) -> None:
        """Written with the chunk: what is counted is what is there."""
        ImportReject.objects.bulk_create(
            _stored(self.run, reject) for reject in chunk.rejects
        )
        for change in chunk.state_changes:
            kind = "opt_out" if change.opted_out else "opt_in"
            self.changes[f"{kind}:{change.scope}"] += 1
            if len(self.sample) < SAMPLE:
                self.sample.append(
                    {
                        "row": change.line,
                        "external_id": change.external_id,
                        "profile": change.profile_id,
                        "name": change.name,
                        "kind": kind,
                        "scope": str(change.scope),
                    }
                )
        self.kept_out += chunk.kept_out
        self.save(chunk.line, counts)

    def save(self, line: int, counts: Counts) -> None:
        rows = {name: self.before.get(name, 0) + n for name, n in counts.items()}
        self.run.counts = self.counts(rows)
        if not jobs.beat(
            self.run, counts=self.run.counts, line=line, done_bytes=self.run.done_bytes
        ):
            raise _Cancelled

    def counts(self, rows: Counts) -> RunCounts:
        return {"rows": rows, "changes": dict(self.changes), "kept_out": self.kept_out}


def _stored(run: ImportRun, reject: Reject) -> ImportReject:
    problem = reject.problem
    reason = problem.reason
    told: dict[str, Any] = (
        reason.as_json() if isinstance(reason, Sentence) else {"text": reason}
    )
    return ImportReject(
        run=run,
        row=reject.line,
        field=problem.field,
        reason=told["text"],
        values=told.get("values", {}),
        outcome=reject.outcome,
    )


def _check(run: ImportRun) -> None:
    """From the first line: a preview that was interrupted has left nothing."""
    run.counts = {}
    ImportReject.objects.filter(run=run).delete()
    record = _Record(run)
    with content.opened(run) as (file, importer):
        counts = Import(
            file=file,
            importer=importer,
            preview=True,
            on_chunk=record.chunk,
            on_progress=record.progress,
        ).run()
    ImportRun.objects.filter(pk=run.pk, state=State.CHECKING).update(
        state=State.CHECKED,
        done_bytes=run.size,
        preview={**run.preview, "sample": record.sample},
        counts=record.counts(counts),
    )


def _import(run: ImportRun) -> None:
    record = _Record(run)
    with content.opened(run) as (file, importer):
        Import(
            file=file,
            importer=importer,
            after_line=run.line,
            on_chunk=record.chunk,
            on_progress=record.progress,
        ).run()
    _end(run, State.DONE, [State.IMPORTING], done_bytes=run.size)


def clean_up() -> None:
    """Remove files that nobody confirmed, and what is left of old imports."""
    now = timezone.now()
    waiting = ImportRun.objects.filter(
        state__in=[State.MAPPING, State.CHECKED], created_at__lt=now - UNCONFIRMED
    )
    for run in waiting:
        cancel(run)
    old = now - timedelta(days=settings.IMPORT_DAYS)
    ImportReject.objects.filter(run__finished_at__lt=old).delete()
