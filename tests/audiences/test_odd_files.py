"""Files as people really send them: an opt-out in them is done, and nobody made up."""

import csv
import json
import random
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from audiences import addresses
from audiences.files import folded, open_file
from audiences.files.table import UnreadableFile
from audiences.imports.columns import Reading
from audiences.imports.columns.consent_words import is_about_consent
from audiences.imports.engine import Import
from audiences.imports.people import PeopleImporter
from audiences.imports.people_options import Options
from audiences.models import Address, Profile
from audiences.refusals import Sentence
from delivery.models import QuarantineEntry
from tests.factories import ProfileFactory, ServiceFactory

HEADER = "external_id,email,first_name,no_longer_contact_email\n"
ROWS = "C1,,Jan,ja\nC2,,Piet,nee\n"


def run(folder: Path, data: str | bytes, *options: str, name: str = "profiles") -> Any:
    path = folder / "file"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    out = StringIO()
    call_command(f"import_{name}", str(path), "--json", *options, stdout=out)
    return json.loads(out.getvalue())


def rejects(folder: Path) -> list[tuple[str, ...]]:
    path = folder / "file.rejects.csv"
    with path.open(newline="") as file:
        return [tuple(row.values()) for row in csv.DictReader(file)]


@pytest.fixture
def jan() -> Profile:
    ProfileFactory(external_id="C2", email="piet@shop.example")
    return ProfileFactory(external_id="C1", email="jan@shop.example")


def is_done(jan: Profile) -> bool:
    """Whether Jan alone has opted out, and nobody is made."""
    out = Profile.objects.filter(no_longer_contact_email=True)
    return list(out) == [jan] and Profile.objects.count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xfe" + (HEADER + ROWS).encode("utf-16-le"),
        b"\xfe\xff" + (HEADER + ROWS).encode("utf-16-be"),
        "\ufeffsep=;\r\n" + (HEADER + ROWS).replace(",", ";"),
        (HEADER + ROWS).replace(",", "|"),
        (HEADER + ROWS).replace(",", "\t"),
        (HEADER + ROWS).replace("\n", "\r"),
        HEADER + 'C1, "jan@shop.example" , "Jan" , "ja" \n',
        HEADER + '"C1" ,"jan@shop.example" ,"Jansen, ""Jan""" ,"ja" \n',
        HEADER + '"C1,""jan@shop.example"",Jan,ja"\n',
        '"external_id,email,no_longer_contact"\n"C1,jan@shop.example,"\n'.replace(
            "_contact", "_contact_email"
        ).replace(',"', ',ja"', 2),
        HEADER + "'C1','jan@shop.example','Jan','ja'\n",
        HEADER + "’C1,,Jan,'1\n",
        HEADER + "C1,,Jan,✔️\n",
        "external‑id,ｅmail,geen–email\nC1,,ja\n",
        "'external_id,'email,'geen_email\nC1,,ja\n",
        "external_id*,email:,geen email?\nC1,,ja\n",
    ],
)
def test_an_odd_file_says_what_it_means(
    tmp_path: Path, jan: Profile, data: str | bytes
) -> None:
    run(tmp_path, data)
    assert is_done(jan)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "text",
    [
        "jan@shop.example (Jan Jansen)",
        "(Jan) jan@shop.example",
        "Jan <jan@shop.example",
        '"""jan@shop.example"","',
        "jan@shop.example;;",
        '",jan@shop.example"',
        "jan@shop.example>",
        "jan@shop.example'",
        "`jan@shop.example`",
        "jan@shop.example!",
        "jan＠shop.example",
        "mailto:mailto:jan@shop.example",
        "SMTP:jan@shop.example",
        "jan@shop.example; geen",
        '"jan@shop.example, weet niet"',
        "jan@shop.example en jan2@shop.example",
    ],
)
def test_an_address_with_something_about_it_is_that_address(
    tmp_path: Path, jan: Profile, text: str
) -> None:
    run(tmp_path, f"email,geen_email\n{text},ja\n")
    assert is_done(jan)
    assert not Address.objects.filter(key="en").exists()


NOTHING = "NULL null None nan n/a N/A - -- . ? (leeg) <null> \\N onbekend geen".split()


@pytest.mark.django_db
@pytest.mark.parametrize("word", NOTHING)
def test_a_word_for_nothing_names_nobody(
    tmp_path: Path, jan: Profile, word: str
) -> None:
    """Programs write it for a blank id: whoever has the address is meant."""
    ServiceFactory(slug="news")
    run(tmp_path, f"external_id,email,geen_email\n{word},jan@shop.example,ja\n")
    assert is_done(jan)
    counts = run(tmp_path, f"external_id,geen_email\n{word},ja\n")
    assert (counts["rejected"], counts["created"]) == (1, 0)
    data = f"external_id,email\n{word},jan@shop.example\n"
    counts = run(tmp_path, data, "--service", "news", name="subscriptions")
    assert counts["subscribed"] == 1


@pytest.mark.django_db
def test_a_word_for_nothing_is_no_address(tmp_path: Path) -> None:
    """Two people without an address on paper do not share one."""
    run(tmp_path, "external_id,direct_mail,push\nC1,n/a,-\nC2,N/A,NULL\n")
    assert not Address.objects.filter(is_valid=True).exists()
    assert [row[1] for row in rejects(tmp_path)] == ["direct_mail", "push"] * 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('"C1\nC2"', "an id has no line breaks"),
        ("1.23e15", "a spreadsheet has changed the id"),
        ('"1,23E+15"', "a spreadsheet has changed the id"),
    ],
)
def test_a_spoiled_id_names_nobody(
    tmp_path: Path, jan: Profile, text: str, reason: str
) -> None:
    run(tmp_path, f"external_id,email,geen_email\n{text},jan@shop.example,ja\n")
    assert not Profile.objects.filter(no_longer_contact_email=True).exists()
    assert Profile.objects.count() == 2
    assert reason in rejects(tmp_path)[0][2]


@pytest.mark.django_db
def test_who_is_not_named_is_told_why_and_that_nothing_is_kept(tmp_path: Path) -> None:
    run(tmp_path, "email\njan at shop\n")
    assert rejects(tmp_path)[0][2] == "nobody is named: it has no @"


def test_what_is_cut_off_within_a_letter_of_two_bytes_says_so(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes((b"\xff\xfe" + HEADER.encode("utf-16-le"))[:-1])
    with pytest.raises(UnreadableFile, match="it was cut off"):
        open_file(path)


@pytest.mark.parametrize(
    "heading",
    [
        *("may_email", "can be contacted", "OK to email", "email ok", "Post ja/nee"),
        *("stop", "Mail stop", "stoplijst", "Allow marketing", "agreed to marketing"),
        *("Forget me", "deleted_at", "Verified", "TCPA", "Exclude from mailings"),
        *("Overleden", "Grondslag", "Ontvangt mail", "Geen DM", "Uitsluiten"),
        *("Werbung erlaubt", "Kontaktsperre", "ausgetragen", "Rechtsgrundlage"),
        *("pas de pub", "Bloctel", "Autorisation email", "accepte les emails"),
        *("fecha de baja", "no molestar", "Cancellato", "Zgoda", "samtycke"),
        *("Subscribed", "may contact", "accepts_marketing", "GDPR", "no‑mail"),
    ],
)
def test_a_heading_about_consent_is_known_in_many_words(heading: str) -> None:
    assert is_about_consent(heading)


@pytest.mark.parametrize(
    "heading",
    "target_email company email shipping_post contact_name contract price order_status"
    " payment_status member_since lead_score phone_type email_format created_at notes"
    " segment branche functie kvk saldo geboortedatum huisnummer".split(),
)
def test_everyday_headings_are_not_taken_for_consent(heading: str) -> None:
    assert not is_about_consent(heading)


@pytest.mark.django_db
def test_a_column_about_consent_is_refused_however_it_is_spelled(
    tmp_path: Path, jan: Profile
) -> None:
    data = "external_id,no‑longer‑contact me\nC1,x\n"
    with pytest.raises(CommandError, match="Looks like consent"):
        run(tmp_path, data, "--ignore-unknown")


def test_width_dashes_and_marks_do_not_count_in_a_heading() -> None:
    assert {*map(folded, ("E-mail", "Ｅ–mail:", "*e_mail*", "'e mail"))} == {"email"}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"a\x00,\x00",
        b"\x1f\x8b\x08",
        b"PK\x03\x04",
        b"<table><tr><td>email</td></tr></table>",
        b"<meta charset=utf-8><table>",
        b"MIME-Version: 1.0\nX-Document-Type: Workbook",
        b'[{"email": "jan@shop.example"}]',
        b"BEGIN:VCARD\nEMAIL:jan@shop.example\n",
        b"SQLite format 3\0",
        b'"email\n',
        b"email\nJ\x81n\n",
    ],
)
def test_why_a_whole_file_is_refused_is_said_in_the_readers_language(
    tmp_path: Path, data: bytes
) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(UnreadableFile) as caught:
        open_file(path)
    said = caught.value.args[0]
    assert isinstance(said, Sentence)
    assert str(path) not in said.text


def emails(person: Profile) -> list[tuple[str, bool, bool]]:
    """Value, whether it is the primary one, and whether it is valid."""
    rows = person.addresses.filter(channel="email").order_by("pk")
    return list(rows.values_list("value", "is_primary", "is_valid"))


@pytest.mark.django_db
def test_an_unreadable_address_is_the_primary_one_only_until_there_is_a_good_one(
    tmp_path: Path,
) -> None:
    """Somebody with no other address has an invalid one, and not none: so operators see
    what there is to mend."""
    run(tmp_path, "external_id,email\nC1,jan at shop\n")
    assert rejects(tmp_path) == [
        ("2", "email", "kept as invalid: it has no @", "imported")
    ]
    jan = Profile.objects.get()
    assert emails(jan) == [("jan at shop", True, False)]
    # A second one that cannot be read takes nothing away.
    run(tmp_path, "external_id,email\nC1,jan@\n")
    assert emails(jan) == [("jan at shop", True, False), ("jan@", False, False)]
    # A good one counts at once, in whatever column it stands.
    run(tmp_path, "external_id,email_2\nC1,jan@shop.example\n")
    assert emails(jan)[2] == ("jan@shop.example", True, True)
    assert not emails(jan)[0][1]
    run(tmp_path, "external_id,email\nC1,jan op shop\n")
    assert [row[0] for row in emails(jan) if row[1]] == ["jan@shop.example"]
    # It identifies nobody, for whoever writes the same.
    counts = run(tmp_path, "email,geen_email\njan at shop,ja\n")
    assert counts["rejected"] == 1
    jan.refresh_from_db()
    assert not jan.no_longer_contact_email


@pytest.mark.django_db
def test_a_good_address_from_another_door_replaces_an_unreadable_one(
    tmp_path: Path,
) -> None:
    run(tmp_path, "external_id,email,sms\nC1,jan at shop,12\n")
    jan = Profile.objects.get()
    addresses.attach(jan, "email", "jan@shop.example")
    assert [row[0] for row in emails(jan) if row[1]] == ["jan@shop.example"]


MAY = (
    "Subscribed",
    "may contact",
    "accepts_marketing",
    "GDPR consent",
    "Toestemming e-mail",
    "mag gemaild worden",
    "Einwilligung",
    "consentement",
    "newsletter",
)
MAY_NOT = (
    "Unsubscribed",
    "no consent",
    "consent withdrawn",
    "geen toestemming",
    "niet akkoord",
    "nicht erlaubt",
    "n'accepte pas",
    "not contactable",
    "newsletter opt-out",
)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("heading", "yes", "no"),
    [*((h, "nee", "ja") for h in MAY), *((h, "ja", "nee") for h in MAY_NOT)],
)
@pytest.mark.parametrize("is_said_in_the_console", [False, True])
def test_an_opt_out_is_read_with_its_heading(
    tmp_path: Path,
    jan: Profile,
    heading: str,
    yes: str,
    no: str,
    is_said_in_the_console: bool,
) -> None:
    """A no to "may contact" is the opt-out; a blank cell says nothing."""
    data = f"external_id,{heading}\nC1,{yes}\nC2,{no}\nC2,\nC2,NULL\n"
    if is_said_in_the_console:
        names = ("external_id", "no_longer_contact_email")
        chosen = [{"name": name, "when": [], "unless": []} for name in names]
        path = tmp_path / "file"
        path.write_text(data)
        file = open_file(path)
        options = Options(reading=Reading(chosen=chosen))
        Import(file=file, importer=PeopleImporter(file, options)).run()
    else:
        run(tmp_path, data, "--map", f"no_longer_contact_email={heading}")
    assert is_done(jan)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_what_a_program_writes_is_read_as_it_is(
    tmp_path: Path, delimiter: str, quoting: Any
) -> None:
    """Being kind to odd quotes costs no letter of right ones."""
    chance = random.Random(65)
    pieces = ['"', '""', " ", delimiter, "\n", "a", "Jan", ", ", '" ', ' "', ";", "x|y"]
    rows = [
        ["".join(chance.choices(pieces, k=chance.randrange(6))) for _cell in range(4)]
        for _row in range(2000)
    ]
    rows = [["1", *row] for row in rows]
    path = tmp_path / "file"
    with path.open("w", newline="") as target:
        writer = csv.writer(target, delimiter=delimiter, quoting=quoting)
        writer.writerows([["no", "a", "b", "c", "d"], *rows])
    read = [record.cells for record in open_file(path).records()]
    assert read == rows


@pytest.mark.django_db
def test_a_row_that_was_pasted_into_one_cell_makes_nobody(
    tmp_path: Path, jan: Profile
) -> None:
    run(tmp_path, HEADER + '"C1,jan@shop.example,,ja",,,\n')
    assert is_done(jan)
    counts = run(tmp_path, 'external_id,first_name,geen_email\n"C1,,ja",,\n')
    assert (counts["rejected"], counts["created"]) == (1, 0)


@pytest.mark.django_db
def test_an_address_on_paper_in_the_first_column_is_no_pasted_row(
    tmp_path: Path,
) -> None:
    data = 'address,reason,text\n"Dam 1, 1012 AB, Amsterdam",,\n'
    run(tmp_path, data, "--channel", "direct_mail", name="quarantine")
    assert QuarantineEntry.objects.get().key == "dam 1, 1012 ab, amsterdam"


@pytest.mark.parametrize(
    ("text", "encoding", "is_odd"),
    [
        ("René", "cp850", True),
        ("Hélène", "cp850", True),
        ("Jörg", "cp850", True),
        ("André", "mac_roman", True),
        ("René, Zoë, Jörg, Françoise", "cp1252", False),
        ("Dvořák".replace("ř", "š") + " d’Arc – 5‰ Œuvre œil", "cp1252", False),
        ("“Jan” €5 ‹x› O’Neill Žižka Šimon naïef", "cp1252", False),
    ],
)
def test_another_encoding_that_reads_as_windows_is_remarked(
    tmp_path: Path, text: str, encoding: str, is_odd: bool
) -> None:
    path = tmp_path / "file"
    path.write_bytes(f"email,first_name\na@x.example,{text}\n".encode(encoding))
    notes = [str(note) for note in open_file(path).notes]
    assert bool(notes) == is_odd
    assert all("Line 2 has" in note for note in notes)
