"""Long lists in pages: a cursor says where to go on, and nothing is skipped."""

from collections.abc import Callable
from typing import Annotated, Any

from django.db.models import QuerySet
from pydantic import Field

from audiences.api.problems import Problem
from audiences.profiles import LARGEST_ID

Limit = Annotated[int, Field(ge=1, le=1_000, description="Rows of a page.")]
Cursor = Annotated[
    str, Field(max_length=100, description="The `cursor` of the page before.")
]


def page(
    rows: QuerySet[Any],
    cursor: str,
    limit: int,
    shown: Callable[[Any], Any],
    *,
    name: str = "pk",
    newest_first: bool = False,
) -> dict[str, Any]:
    """A page of rows by their ids, and the cursor of the next one (null: the end)."""
    if cursor:
        after = number(cursor)
        rows = rows.filter(**{f"{name}__{'lt' if newest_first else 'gt'}": after})
    found = list(rows.order_by(f"-{name}" if newest_first else name)[: limit + 1])
    more = len(found) > limit
    last = getattr(found[limit - 1], name) if more else None
    return {
        "items": [shown(row) for row in found[:limit]],
        "cursor": str(last) if more else None,
    }


def number(cursor: str) -> int:
    """The id that a cursor names."""
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 20):
        raise Problem(
            422,
            "This is no cursor of this list.",
            field="cursor",
            remedy="Take the cursor of an answer, or leave it out to begin.",
        )
    return min(int(cursor), LARGEST_ID)
