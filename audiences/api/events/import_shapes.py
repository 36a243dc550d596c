"""`imports`, as it is answered, and an example of what is sent."""

from typing import Annotated

from ninja import Schema
from pydantic import Field

from audiences.api.shapes import JobOut

Number = Annotated[int, Field(ge=1, le=2**63 - 1)]
_EXAMPLE = {
    "file": "external_id;email\n1001;ann@example.org\n",
    "kind": "people",
    "update_only": True,
}
FORM = {"content": {"multipart/form-data": {"example": _EXAMPLE}}}


class PreviewColumn(Schema):
    """A column, and what it means; empty where it is left out."""

    column: str
    name: str


class PreviewChange(Schema):
    """A consent that would change; without the person for keys that see nobody."""

    row: int
    kind: str
    scope: str
    profile: int | None = None
    external_id: str | None = None
    name: str


class Preview(Schema):
    """How the file was understood, and what would change."""

    encoding: str = ""
    delimiter: str = ""
    system: str = ""
    columns: list[PreviewColumn] = []
    left_out: list[str] = []
    notes: list[str] = []
    # What is in the way, where it waits for the meaning of its columns.
    asked: str = ""
    unknown: list[str] = []
    # The first changes of somebody's consent.
    sample: list[PreviewChange] = []


class ImportOut(JobOut):
    """A file that is imported, and how far that is."""

    file: str
    file_kind: str


class ImportWhole(ImportOut):
    """With how it was understood."""

    preview: Preview


class Imports(Schema):
    items: list[ImportOut]
    cursor: str | None = None


class RejectOut(Schema):
    row: int
    field: str
    reason: str
    outcome: str


class Rejects(Schema):
    items: list[RejectOut]
    cursor: str | None = None
