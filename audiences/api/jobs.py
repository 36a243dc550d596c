"""Jobs of every kind under one address: each kind says how it is shown.

There is no table of jobs: work in the background has its rows already, and a job is one
of them, named by its kind and number, as `import:12`.
"""

from collections.abc import Callable

from audiences.api.callers import Caller
from audiences.api.shapes import Json
from audiences.feed.facts import said as moment
from audiences.models import Job
from audiences.registry import Registry

# Shows the row with a number; None where there is none.
Show = Callable[[int], Json | None]
kinds: Registry[str, Show] = Registry("kind of job")


def seen_by(who: Caller, job: Json) -> Json:
    """A job as a key sees it: what went wrong may name an address."""
    return {**job, **{n: who.shown(job[n]) for n in ("error", "file") if n in job}}


def of_row(kind: str, row: Job, **facts: object) -> Json:
    """A row of background work as the API shows it."""
    return {
        "id": f"{kind}:{row.pk}",
        "kind": kind,
        "state": row.state,
        "is_finished": not row.is_unfinished,
        "actor": row.actor,
        "created_at": moment(row.created_at),
        "finished_at": moment(row.finished_at) if row.finished_at else None,
        "percent": None,
        "error": row.error,
        "counts": {},
        **facts,
    }
