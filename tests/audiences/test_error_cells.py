"""A cell that holds an error of a spreadsheet is not blank, in any kind of file."""

import csv
import io
import zipfile
from datetime import date
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from audiences.files import error_in, named_cells, open_file
from audiences.files.cell_errors import ERRORS, NO_RESULT
from audiences.files.table import UnreadableFile
from audiences.files.xls_cells import _of_rk
from audiences.models import Address, Profile, Subscription
from delivery.models import QuarantineEntry
from tests.factories import ProfileFactory, ServiceFactory
from tests.spreadsheets import FORMATS, Book, Cell, Error, merged, ods, xls, xlsx

PEOPLE: list[list[Cell]] = [
    ["external_id", "email", "first_name", "no_longer_contact_email", "mobile", "post"],
    ["C1", Error("#N/A"), "Jan", True, None, None],
    ["C2", "c2@x.example", "Piet", Error("#REF!"), None, None],
    [Error("#N/A"), "c3@x.example", "Zoë", True, None, None],
    [None, Error("#DIV/0!"), "Wim", True, None, None],
    ["C5", "c5@x.example", Error("#REF!"), True, Error("#N/A"), Error("#N/A")],
]


def run(folder: Path, name: str, data: bytes, *how: str) -> list[tuple[str, ...]]:
    """What was rejected: row, field and outcome."""
    path = folder / "file"
    path.write_bytes(data)
    call_command(name, str(path), *how, stdout=StringIO(), stderr=StringIO())
    with (folder / "file.rejects.csv").open(newline="") as file:
        return [(r["row"], r["field"], r["outcome"]) for r in csv.DictReader(file)]


def text_of(rows: list[list[Cell]]) -> bytes:
    out = StringIO()
    said = {True: "ja", None: ""}
    cells = [
        [c.code if isinstance(c, Error) else said.get(c, c) for c in row]  # type: ignore[call-overload]
        for row in rows
    ]
    csv.writer(out).writerows(cells)
    return out.getvalue().encode()


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["csv", *FORMATS])
def test_an_error_names_nobody_and_says_no_to_nothing(
    tmp_path: Path, kind: str
) -> None:
    data = text_of(PEOPLE) if kind == "csv" else FORMATS[kind]({"A": PEOPLE})
    assert run(tmp_path, "import_profiles", data) == [
        ("2", "email", "imported"),
        ("3", "no_longer_contact_email", "rejected"),
        ("4", "external_id", "rejected"),
        ("5", "email", "rejected"),
        *(("6", name, "imported") for name in ("first_name", "sms", "direct_mail")),
    ]
    found = Profile.objects.order_by("external_id")
    assert list(found.values_list("external_id", "first_name")) == [
        ("C1", "Jan"),
        ("C5", ""),
    ]
    assert all(profile.no_longer_contact_email for profile in found)
    assert [address.value for address in Address.objects.all()] == ["c5@x.example"]


@pytest.mark.django_db
def test_an_error_in_other_files_is_reported_and_never_a_default(
    tmp_path: Path,
) -> None:
    ServiceFactory(slug="news")
    for number in range(1, 5):
        ProfileFactory(external_id=f"C{number}", email=f"c{number}@x.example")
    subscriptions = (
        "external_id,service,action,date\nC1,news,#N/A,\nC2,#REF!,,\n"
        "#N/B,news,,\nC3,news,,#NV\nC4,news,unsubscribe,#N/A\n"
    )
    rejected = run(tmp_path, "import_subscriptions", subscriptions.encode())
    assert [(field, outcome) for _row, field, outcome in rejected] == [
        ("action", "rejected"),
        ("service", "rejected"),
        ("external_id", "rejected"),
        ("date", "rejected"),
        ("date", "imported"),
    ]
    assert not Subscription.objects.exists()
    quarantine = (
        "channel,address,status,text\ndirect_mail,#N/A,,\nemail,a@x.example,#N/A,\n"
        "email,b@x.example,denylisted,#WAARDE!\n"
    )
    assert run(tmp_path, "import_quarantine", quarantine.encode()) == [
        ("2", "address", "rejected"),
        ("3", "status", "rejected"),
        ("4", "text", "imported"),
    ]
    entry = QuarantineEntry.objects.get()
    assert (entry.key, entry.status) == ("b@x.example", "denylisted")


def test_a_formula_without_a_result_is_no_blank_cell(tmp_path: Path) -> None:
    path = tmp_path / "file"
    rows: list[list[Cell]] = [["email", "optout"], ["a@x.example", Error("")]]
    for write in FORMATS.values():
        path.write_bytes(write({"A": rows}))
        assert [r.cells[1] for r in open_file(path).records()] == [NO_RESULT]
    # Some leave the value out; some write 0 and ask to compute it.
    book = xlsx({"A": rows})
    asking = changed(book, "</sheets>", '</sheets><calcPr fullCalcOnLoad="1"/>')
    for made, value in [(book, ""), (asking, "<v>0</v>")]:
        path.write_bytes(changed(made, "<v></v>", value))
        assert [r.cells[1] for r in open_file(path).records()] == [NO_RESULT]
    # An empty text is a result.
    text = changed(book, '<c r="B2">', '<c r="B2" t="str">')
    for made, value, read in [(text, "<v></v>", ""), (asking, "<v>1</v>", "1")]:
        path.write_bytes(changed(made, "<v></v>", value))
        assert [r.cells[1] for r in open_file(path).records()] == [read]
    assert "not in the file" in str(error_in(NO_RESULT))


# In languages that no list of ours has.
STRANGE = """#ARG! #DZIEL/0! #N/D! #ADR! #LICZBA! #ZERO! #ROZLANIE! #HODNOTA! #NÁZEV? #ODKAZ!
#DĚLENÍ_NULOU! #ČÍSLO! #VÄRDEFEL! #REFERENS! #NAMN? #DIVISION/0! #SAKNAS! #OGILTIGT! #I/T
#VÆRDI! #NAVN? #VERDI! #ARVO! #VIITTAUS! #NIMI? #JAKO/0! #PUUTTUU! #DEĞER! #SAYI/0! #BAŞV!
#AD? #BOŞ! #YOK #ÉRTÉK! #HIV! #ZÉRÓOSZTÓ! #NÉV? #HIÁNYZIK #ЗНАЧ! #ССЫЛКА! #ИМЯ? #ДЕЛ/0!
#Н/Д #ЧИСЛО! #ΤΙΜΗ! #ΑΝΑΦ! #Δ/Υ #VALOARE! #NENÍ_K_DISPOZICI #VA\u0308RDEFEL!"""


@pytest.mark.parametrize("word", STRANGE.split())
def test_an_error_is_known_by_its_shape_in_any_language(word: str) -> None:
    assert error_in(word)


@pytest.mark.parametrize(
    "text",
    "#1 #12 #1! #tag #Tag! #ABC #ABC-12 #4/B #-1 #A! # #! #? #BLACK_FRIDAY #C# #12/A"
    " N/D! ARG! A#ARG! #ARG!! #zomer!".split(),
)
def test_a_value_that_begins_with_a_hash_is_no_error(text: str) -> None:
    assert error_in(text) is None


@pytest.mark.parametrize("language", ERRORS)
def test_errors_are_known_in_the_language_of_the_program(language: str) -> None:
    for word in ERRORS[language].split():
        assert error_in(word), word
        assert error_in(word.lower()), word


def test_what_only_looks_like_an_error_is_text() -> None:
    assert error_in("Err:502")
    assert error_in("########")
    for text in ("", "#", "#12", "N/A", "#N/A street", "Err: none", "E", "#tag"):
        assert error_in(text) is None, text


def test_a_code_that_is_kept_from_spreadsheets_is_read_without_its_cover(
    tmp_path: Path,
) -> None:
    path = tmp_path / "file.csv"
    path.write_text(
        'external_id,email\n="00123",a@x.example\n"=""0045""",b@x.example\n'
    )
    file = open_file(path)
    said = [named_cells(file.header, r.cells)["external_id"] for r in file.records()]
    assert said == ["00123", "0045"]


HIDDEN = 'name="Oud" state="hidden" '


def changed(workbook: bytes, old: str, new: str) -> bytes:
    """An .xlsx with another text in its parts."""
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook)) as before,
        zipfile.ZipFile(target, "w") as after,
    ):
        for name in before.namelist():
            after.writestr(name, before.read(name).decode().replace(old, new))
    return target.getvalue()


def test_what_people_see_first_is_read_and_other_sheets_are_named(
    tmp_path: Path,
) -> None:
    book: Book = {
        "Oud": [["email"], ["old@x.example"]],
        "Nieuw": [["email"], ["new@x.example"]],
        "Leeg": [],
        "Nog een": [["email"], ["third@x.example"]],
    }
    path = tmp_path / "file.xlsx"
    path.write_bytes(changed(xlsx(book), 'name="Oud" ', HIDDEN))
    file = open_file(path)
    assert [r.cells for r in file.records()] == [["new@x.example"]]
    (note,) = map(str, file.notes)
    assert "'Nieuw'" in note
    assert note.endswith("'Oud', 'Nog een', too.")
    assert not open_file(path, sheet="Oud").notes
    path.write_bytes(xlsx({"Nieuw": book["Nieuw"], "Leeg": []}))
    assert not open_file(path).notes


def test_days_count_from_the_year_that_the_workbook_says(tmp_path: Path) -> None:
    path = tmp_path / "file.xlsx"
    rows: list[list[Cell]] = [["day"], ["x"]]
    day = changed(
        xlsx({"A": rows}), ' t="inlineStr"><is><t>x</t></is>', ' s="1"><v>45000</v>'
    )
    path.write_bytes(day)
    assert [r.cells for r in open_file(path).records()] == [["2023-03-15"]]
    since_1904 = '<workbookPr date1904="1"/><sheets>'
    path.write_bytes(changed(day, "<sheets>", since_1904))
    assert [r.cells for r in open_file(path).records()] == [["2027-03-16"]]


def test_a_cell_that_is_merged_over_columns_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "file.xlsx"
    rows: list[list[Cell]] = [
        ["email", "geen_email", "geen_sms"],
        ["a@x.example", "ja"],
    ]
    path.write_bytes(merged(xlsx({"A": rows}), "B2:C2"))
    (record,) = open_file(path).records()
    assert str(record.remark).endswith("geen_email has it, not geen_sms")


def test_a_binary_workbook_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with zipfile.ZipFile(path, "w") as archive:
        for name in (
            "workbook.bin",
            "_rels/workbook.bin.rels",
            "worksheets/sheet1.bin",
        ):
            archive.writestr(f"xl/{name}", b"")
        archive.writestr("_rels/.rels", "<Relationships/>")
    with pytest.raises(UnreadableFile, match=r"is an \.xlsb file"):
        open_file(path)


def test_parts_of_a_workbook_may_have_other_names(tmp_path: Path) -> None:
    """As some programs write it: what belongs to what, only the relations say."""
    path = tmp_path / "file"
    rows: list[list[Cell]] = [["email", "optout"], ["a@x.example", Error("#N/A")]]
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(xlsx({"A": rows}))) as before,
        zipfile.ZipFile(target, "w") as after,
    ):
        for name in before.namelist():
            text = before.read(name).decode().replace("worksheets/", "/xl/sheets/")
            after.writestr(name.replace("worksheets/", "sheets/"), text)
    path.write_bytes(target.getvalue())
    assert [r.cells for r in open_file(path).records()] == [["a@x.example", "#N/A"]]


def test_a_number_is_read_with_the_zeros_that_people_see(tmp_path: Path) -> None:
    """00123 is not the customer 123."""
    path = tmp_path / "file.xlsx"
    rows: list[list[Cell]] = [["external_id", "sum"], [date(1900, 5, 2), 7]]
    book = xlsx({"A": rows})
    for code, read in [
        ("00000", "00123"),
        ("&quot;C&quot;0000", "C0123"),
        ("0########", "000000123"),
    ]:
        styles = f'<numFmts><numFmt numFmtId="170" formatCode="{code}"/></numFmts>'
        shown = changed(book, "<cellXfs>", f"{styles}<cellXfs>")
        shown = changed(shown, 'numFmtId="14"', 'numFmtId="170"')
        for made in (shown, xls({"A": rows}, code.replace("&quot;", '"'))):
            path.write_bytes(made)
            assert [r.cells for r in open_file(path).records()] == [[read, "7"]]
    shown = changed(ods({"A": [["id"], [123]]}), "<text:p>123<", "<text:p>00123<")
    digits = '<number min-integer-digits="5"/><office:spreadsheet>'
    path.write_bytes(changed(shown, "<office:spreadsheet>", digits))
    assert [r.cells for r in open_file(path).records()] == [["00123"]]


@pytest.mark.parametrize("text", ["<html><table>", "<!DOCTYPE html>", "<?xml ?>"])
def test_a_web_page_that_is_called_a_workbook_is_refused_by_name(
    tmp_path: Path, text: str
) -> None:
    path = tmp_path / "file.xls"
    path.write_text(text)
    with pytest.raises(UnreadableFile, match=r"save it as \.xlsx"):
        open_file(path)


@pytest.mark.parametrize(
    ("packed", "number"),
    [(124 << 2 | 2, 124), (12300 << 2 | 3, 123), (0x405EC000, 123), (0xFFFFFFFE, -1)],
)
def test_packed_numbers_of_xls_are_read(packed: int, number: float) -> None:
    assert _of_rk(packed) == number
