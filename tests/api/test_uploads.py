"""What an upload must be: one file in one form, and nothing that is passed over."""

import json
from typing import Any

import pytest

from audiences.imports import runs
from audiences.models import ImportRun, Profile

from .conftest import Program

pytestmark = pytest.mark.django_db
BOUND = "cut-here"
ROWS = b"external_id\nA1\n"


def part(
    name: str, body: bytes, file: str | None = None, kind: str = "text/csv"
) -> bytes:
    """One part of a form, as it goes over the wire."""
    about = f'form-data; name="{name}"'
    if file is not None:
        about += f'; filename="{file}"\r\nContent-Type: {kind}'
    head = f"--{BOUND}\r\nContent-Disposition: {about}\r\n\r\n"
    return head.encode() + body + b"\r\n"


def send(
    shop: Program,
    *parts: bytes,
    kind: str = f"multipart/form-data; boundary={BOUND}",
    end: bytes = f"--{BOUND}--\r\n".encode(),
    **headers: str,
) -> Any:
    answer: Any = shop.client.generic(
        "POST",
        "/api/v1/imports",
        b"".join(parts) + end,
        content_type=kind,
        headers={"Authorization": f"Bearer {shop.secret}", **headers},
    )
    answer.data = json.loads(answer.content)
    return answer


def refused(answer: Any, *statuses: int, field: str = "") -> None:
    assert answer.status_code in statuses, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    if field:
        assert answer.data["errors"][0]["field"] == field, answer.data
    assert answer.data["detail"]
    assert not ImportRun.objects.exists()


def test_a_form_with_one_file_is_taken(shop: Program) -> None:
    answer = send(shop, part("file", ROWS, "people.csv"), part("kind", b"people"))
    assert answer.status_code == 202, answer.content
    assert answer.data["file"] == "people.csv"


def test_without_a_file_nothing_is_taken(shop: Program) -> None:
    refused(send(shop, part("kind", b"people")), 422, field="file")
    refused(send(shop), 422, field="file")
    # A field of that name is no file, and another file is none either.
    refused(send(shop, part("file", ROWS)), 422, field="file")
    refused(send(shop, part("data", ROWS, "people.csv")), 422)


def test_two_files_are_refused(shop: Program) -> None:
    one = part("file", ROWS, "one.csv")
    refused(send(shop, one, part("file", ROWS, "two.csv")), 422, field="file")
    refused(send(shop, one, part("more", ROWS, "two.csv")), 422, field="more")


@pytest.mark.parametrize(
    "name", ["kind", "service", "note", "allow_opt_in", "update_only", "encoding"]
)
def test_a_part_that_is_there_twice_is_refused(shop: Program, name: str) -> None:
    twice = [part(name, b"people"), part(name, b"list")]
    answer = send(shop, part("file", ROWS, "people.csv"), *twice)
    refused(answer, 422, field=name)


@pytest.mark.parametrize("name", ["dry_run", "knd", "file2", "", "items"])
def test_a_part_that_no_upload_has_is_refused(shop: Program, name: str) -> None:
    answer = send(shop, part("file", ROWS, "people.csv"), part(name, b"1"))
    if name:
        refused(answer, 422, field=name)
    else:  # Django leaves out what has no name
        assert answer.status_code in (202, 400, 422)


@pytest.mark.parametrize(
    "kind",
    [
        "text/csv",
        "application/json",
        "application/octet-stream",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=other",
        "multipart/mixed; boundary=cut-here",
        "",
    ],
)
def test_what_is_no_form_is_refused(shop: Program, kind: str) -> None:
    refused(send(shop, part("file", ROWS, "people.csv"), kind=kind), 400, 415, 422)


def test_a_form_that_is_cut_off_is_refused(shop: Program) -> None:
    whole = part("file", ROWS * 1_000, "people.csv")
    for cut in (10, 60, len(whole) // 2):
        refused(send(shop, whole[:cut], end=b""), 400, 422)


@pytest.mark.parametrize("body", [b"", b"\n", b"\r\n\r\n", b"\xef\xbb\xbf", b"   "])
def test_an_empty_file_is_refused(shop: Program, body: bytes) -> None:
    refused(send(shop, part("file", body, "people.csv")), 422, field="file")


def test_a_file_that_is_too_large_is_refused(shop: Program, settings: Any) -> None:
    settings.IMPORT_LARGEST_MB = 1
    rows = ROWS + b"A2\n" * 400_000
    refused(send(shop, part("file", rows, "people.csv")), 413, 422, field="file")


def test_fields_that_are_too_large_or_too_many_are_refused(shop: Program) -> None:
    file = part("file", ROWS, "people.csv")
    refused(send(shop, file, part("note", b"x" * 3_000_000)), 413)
    refused(send(shop, file, *[part("map", b"a=b")] * 5_001), 413)
    refused(send(shop, file, *[part(f"f{n}", b"", "x") for n in range(200)]), 413)
    refused(send(shop, file, part("note", b"x" * 2_001)), 422, field="note")
    refused(send(shop, file, part("note", b"a\0b")), 422)
    refused(send(shop, file, part("kind", b"\xff\xfe")), 422, field="kind")


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd.csv", "passwd.csv"),
        ("C:\\\\Users\\\\ann\\\\people.csv", "people.csv"),
        ("/etc/people.csv", "people.csv"),
        ("x" * 5_000 + ".csv", ""),
        ("\u202evsc.people.csv", ""),
        ("a\0b.csv", ""),
        ("a\nb.csv", ""),
        ("..", ""),
        (" ", ""),
        ("<script>.csv", ""),
        ("people.csv%00.exe", ""),
    ],
)
def test_the_name_of_a_file_leads_nowhere(shop: Program, name: str, kept: str) -> None:
    answer = send(shop, part("file", ROWS, name))
    assert answer.status_code in (202, 400, 422), answer.content
    if answer.status_code != 202:
        refused(answer, 400, 422)
        return
    found = ImportRun.objects.get().file_name
    assert len(found) <= 200
    assert found == kept or not kept
    assert found.isprintable()
    assert not {"/", "\\", "\0"} & {*found}


def test_a_form_without_a_file_name_is_no_file(shop: Program) -> None:
    refused(send(shop, part("file", ROWS, "")), 422, field="file")


def test_the_same_form_under_the_same_key_is_one_upload(shop: Program) -> None:
    file = part("file", ROWS, "people.csv")
    headers = {"Idempotency-Key": "one"}
    first = send(shop, file, **headers)
    again = send(shop, file, **headers)
    assert first.data == again.data
    assert again["Idempotency-Replayed"] == "true"
    assert first["Location"] == again["Location"]
    for other in (
        part("file", ROWS + b"B2\n", "people.csv"),
        part("file", ROWS, "others.csv"),
        file + part("note", b"x"),
    ):
        answer = send(shop, other, **headers)
        assert answer.status_code == 422, answer.content
        assert answer.data["errors"][0]["field"] == "Idempotency-Key"
    assert ImportRun.objects.count() == 1


@pytest.mark.parametrize(
    "heading", ["external_id", "first_name", "email", "no_longer_contact_email"]
)
def test_a_cell_with_a_nul_is_not_taken_and_the_other_rows_are(
    shop: Program, heading: str
) -> None:
    """No database keeps one, in what is shown of the file either."""
    rows = f"nr,external_id,{heading}\n1,B1,x\0y\n2,B2,\n"
    if heading == "external_id":
        rows = "nr,external_id\n1,x\0y\n2,B2\n"
    file = part("file", rows.encode(), "people.csv")
    answer = send(shop, file, part("ignore", b"nr"))
    assert answer.status_code == 202, answer.content
    run = ImportRun.objects.get()
    assert run.preview["rows"][0][-1] == "x\ufffdy"
    runs.perform(run)
    assert shop.get(f"imports/{run.pk}/columns").status_code == 200
    assert shop.get(f"imports/{run.pk}/rejects").data["items"]
    assert shop.post(f"imports/{run.pk}/confirm").status_code == 202
    runs.perform(ImportRun.objects.get())
    assert Profile.objects.filter(external_id="B2").exists()
    assert ImportRun.objects.get().state == ImportRun.State.DONE


def test_headings_with_a_nul_are_asked_about_or_refused(shop: Program) -> None:
    for rows in (b"external_id,x\0y\nA,1\n", b"Nr\0,Mail?\n1,ja\n"):
        answer = send(shop, part("file", rows, "people.csv"))
        refused(answer, 422, field="file")
