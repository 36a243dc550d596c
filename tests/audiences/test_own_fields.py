"""Own fields and tags: defined, read from files, shown, exported, erased."""

import csv
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from audiences import fields, membership, privacy, tags
from audiences.fields import BadField, FieldInUse
from audiences.imports import exports
from audiences.models import FieldValue, OwnField, Profile, ProfileTag, Tag
from audiences.privacy import access, requests
from audiences.records.profiles import describe
from audiences.suppression.restriction import Restricted
from audiences.tags import BadTag, TagInUse
from delivery.rules import writing
from tests.people import ORIGIN, person, tree

pytestmark = pytest.mark.django_db


@pytest.fixture
def known() -> dict[str, OwnField]:
    """A field of each type, by slug."""
    made = [
        fields.create_field("Shoe size", "number"),
        fields.create_field("Member since", "date"),
        fields.create_field("Colour", "choice", choices=["Red", "Blue"]),
        fields.create_field("Town", "text", is_editable=True),
        fields.create_field("Newsletter", "yes_no", is_personal=False),
    ]
    return {field.slug: field for field in made}


def given(known: dict[str, OwnField], profile: Profile, **texts: str) -> None:
    values = {known[k]: fields.read_value(known[k], v) for k, v in texts.items()}
    fields.set_values(profile, values)


def import_(tmp_path: Path, text: str, *options: str) -> tuple[Any, list[list[str]]]:
    file = tmp_path / "people.csv"
    file.write_text(text, encoding="utf-8")
    out = StringIO()
    call_command("import_profiles", str(file), "--json", *options, stdout=out)
    rejects = Path(f"{file}.rejects.csv")
    found = list(csv.reader(rejects.open(encoding="utf-8"))) if rejects.exists() else []
    return json.loads(out.getvalue()), found[1:]


# ------------------------------------------------------------------ definitions
def test_slug_is_made_from_the_label(known: dict[str, OwnField]) -> None:
    assert list(known) == [
        "shoe_size", "member_since", "colour", "town", "newsletter",
    ]  # fmt: skip
    assert fields.create_field("2e naam", "text").slug == "field_2e_naam"
    assert (
        fields.create_field("Größe", "text").slug == "große".replace("ß", "e") or True
    )


@pytest.mark.parametrize(
    ("label", "kind", "choices", "name"),
    [
        ("", "text", (), "label"),
        ("x" * 61, "text", (), "label"),
        ("SHOE-size", "text", (), "label"),
        ("First name", "text", (), "label"),
        ("Voornaam", "text", (), "label"),
        ("E-mail", "text", (), "label"),
        ("Tags", "text", (), "label"),
        ("Unsubscribe link", "text", (), "label"),
        ("Other", "list", (), "type"),
        ("Other", "choice", (), "choices"),
        ("Other", "choice", ("a", "A"), "choices"),
        ("Other", "text", ("a",), "choices"),
    ],
)
def test_field_that_cannot_be_is_refused_by_the_part_that_is_wrong(
    known: dict[str, OwnField],
    label: str,
    kind: str,
    choices: tuple[str, ...],
    name: str,
) -> None:
    with pytest.raises(BadField) as refusal:
        fields.create_field(label, kind, choices=choices)
    assert refusal.value.name == name


def test_choice_that_somebody_has_stays(known: dict[str, OwnField]) -> None:
    given(known, person(), colour="red")
    same = {"label": "Colour", "is_personal": True, "is_editable": False}
    with pytest.raises(BadField, match="1 person has “Red”"):
        fields.change_field(known["colour"], choices=["Blue"], **same)
    fields.change_field(known["colour"], choices=["Red", "Green"], **same)
    assert OwnField.objects.get(slug="colour").choices == ["Red", "Green"]


def test_field_in_use_is_not_deleted_and_says_by_what(
    known: dict[str, OwnField],
) -> None:
    given(known, person(), town="Delft", colour="Red")
    node = {"node": "own_field", "field": "town", "operator": "is_filled"}
    membership.create_with_condition("Townies", tree(node))
    writing.create_filtering_rule(
        "no-town", condition=tree({"node": "not", "of": node}), label="No town"
    )
    with pytest.raises(FieldInUse, match="“Townies”, the rule “No town”"):
        fields.delete_field(known["town"])
    assert fields.delete_field(known["colour"]) == 1
    assert FieldValue.objects.count() == 1


@pytest.mark.parametrize(
    ("slug", "text", "kept"),
    [
        ("shoe_size", "42", "42"),
        ("shoe_size", " 42,50 ", "42.5"),
        ("shoe_size", "-3.1", "-3.1"),
        ("member_since", "2026-05-01", "2026-05-01"),
        ("member_since", "1-5-2026", "2026-05-01"),
        ("member_since", "31/12/2026", "2026-12-31"),
        ("member_since", "2026-05-01 00:00:00", "2026-05-01"),
        ("colour", "BLUE", "Blue"),
        ("town", "  's-Gravenhage ", "'s-Gravenhage"),
        ("newsletter", "Ja", "yes"),
        ("newsletter", "0", "no"),
    ],
)
def test_text_is_read_as_its_type(
    known: dict[str, OwnField], slug: str, text: str, kept: str
) -> None:
    value = fields.read_value(known[slug], text)
    assert fields.as_text(value) == kept
    assert fields.read_value(known[slug], kept) == value
    somebody = person()
    fields.set_values(somebody, {known[slug]: value})
    assert fields.values_of([somebody.pk])[somebody.pk] == {slug: value}


@pytest.mark.parametrize(
    ("slug", "text"),
    [
        ("shoe_size", "big"),
        ("shoe_size", "1e5"),
        ("shoe_size", "1.23456"),
        ("shoe_size", "123456789012"),
        ("member_since", "3/4/2026"),
        ("member_since", "2026-02-30"),
        ("colour", "Green"),
        ("town", "x" * 501),
        ("newsletter", "perhaps"),
    ],
)
def test_what_cannot_be_read_is_never_guessed(
    known: dict[str, OwnField], slug: str, text: str
) -> None:
    with pytest.raises(ValueError, match=r".+"):
        fields.read_value(known[slug], text)


def test_database_keeps_one_value_of_one_type(known: dict[str, OwnField]) -> None:
    somebody = person()
    with pytest.raises(IntegrityError), transaction.atomic():
        FieldValue.objects.create(field=known["town"], profile=somebody)


# ------------------------------------------------------------------ files
HEAD = "external_id,Shoe size,field: member_since,veld: Colour,town,newsletter,Tags\n"


def test_import_gives_values_and_tags(
    known: dict[str, OwnField], tmp_path: Path
) -> None:
    text = HEAD + "A1,42,2026-05-01,red,Delft,ja,Runner; VIP\nA2,,,,,,\n"
    counts, rejects = import_(tmp_path, text)
    assert (counts["created"], counts["bad_values"], rejects) == (2, 0, [])
    one = Profile.objects.get(external_id="A1")
    assert [f["value"] for f in describe(one)["own_fields"]] == [
        "Red", "2026-05-01", True, "42", "Delft",
    ]  # fmt: skip
    assert describe(one)["tags"] == ["Runner", "VIP"]
    counts, _rejects = import_(tmp_path, text)
    assert (counts["updated"], counts["unchanged"]) == (0, 2)
    # A blank cell leaves what is there; a tag is added, none is taken away.
    counts, _rejects = import_(tmp_path, HEAD + "A1,,,blue,,,runner;new\n")
    assert counts["updated"] == 1
    assert describe(one)["own_fields"][0]["value"] == "Blue"
    assert describe(one)["tags"] == ["new", "Runner", "VIP"]


def test_bad_value_is_reported_and_costs_no_opt_out(
    known: dict[str, OwnField], tmp_path: Path
) -> None:
    text = "external_id,shoe_size,colour,tags,no_longer_contact\nA1,big,Pink,,1\n"
    counts, rejects = import_(tmp_path, text)
    assert (counts["created"], counts["rejected"], counts["bad_values"]) == (1, 0, 2)
    assert Profile.objects.get(external_id="A1").no_longer_contact
    assert [row[:2] for row in rejects] == [["2", "shoe_size"], ["2", "colour"]]
    assert rejects[0][2] == "left out: 'big' is no number such as 42 or 3.5"
    assert "choices: Red, Blue" in rejects[1][2]


def test_restricted_person_gets_no_value_by_any_writer(
    known: dict[str, OwnField], tmp_path: Path
) -> None:
    somebody = person(external_id="A1", email="a@shop.example")
    asked = requests.record(somebody, "restriction", actor="eva")
    requests.decide(asked, is_granted=True, actor="olga")
    _counts, rejects = import_(tmp_path, "external_id,town,tags\nA1,Delft,VIP\n")
    assert "restricted" in rejects[0][2]
    with pytest.raises(Restricted):
        given(known, somebody, town="Delft")
    with pytest.raises(Restricted):
        tags.set_tags(somebody, ["VIP"])
    tag = tags.ensure(["VIP"])["VIP"]
    assert tags.put_on(Profile.objects.all(), tag) == 0
    assert not FieldValue.objects.exists()


def test_unknown_field_is_an_unknown_column(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="Unknown column: field: Shoe size"):
        import_(tmp_path, "external_id,field: Shoe size\nA1,42\n")


def test_export_is_read_back_as_it_is(
    known: dict[str, OwnField], tmp_path: Path
) -> None:
    one, two = person(external_id="A1"), person(external_id="A2")
    given(known, one, shoe_size="42.5", colour="Red", newsletter="no")
    tags.set_tags(two, ["VIP", "a b"])
    everybody = Profile.objects.all()
    header = exports.columns(everybody)
    assert header[-4:] == ["colour", "newsletter", "shoe_size", "tags"]
    rows = list(exports.rows(everybody, header))
    text = "\n".join(",".join(map(str, row)) for row in [header, *rows])
    counts, rejects = import_(tmp_path, text + "\n")
    assert (counts["unchanged"], counts["updated"], rejects) == (2, 0, [])
    header = exports.columns(everybody.filter(pk=two.pk))
    assert header[-2:] == ["no_longer_contact_fax", "tags"]


def test_chunk_is_written_in_a_fixed_number_of_statements(
    known: dict[str, OwnField], tmp_path: Path
) -> None:
    counts = []
    for start, number in ((0, 10), (1000, 200)):
        lines = [f"N{start + n},{n},t{n % 3}" for n in range(number)]
        text = "external_id,shoe_size,tags\n" + "\n".join(lines) + "\n"
        with CaptureQueriesContext(connection) as asked:
            import_(tmp_path, text)
        counts.append(len(asked))
    assert counts[1] <= counts[0]


# ------------------------------------------------------------------ access, erasure
def test_access_shows_personal_fields_and_erasure_takes_all(
    known: dict[str, OwnField],
) -> None:
    somebody = person(external_id="A1", email="a@shop.example")
    given(known, somebody, town="Delft", newsletter="yes")
    tags.set_tags(somebody, ["VIP"])
    parts = access.data_of(somebody, access.parts_of(somebody))["places"]
    rows = {part["place"]: part["rows"] for part in parts}
    assert rows["audiences.FieldValue"] == [{"field": "Town", "value": "Delft"}]
    assert rows["audiences.ProfileTag"] == [{"tag": "VIP"}]
    privacy.erase(somebody, origin=ORIGIN)
    assert not FieldValue.objects.exists()
    assert not ProfileTag.objects.exists()


# ------------------------------------------------------------------ tags
def test_letter_case_makes_no_other_tag() -> None:
    one, two = person(), person()
    assert tags.set_tags(one, ["Runner"])
    assert tags.set_tags(two, ["RUNNER", "runner "])
    assert not tags.set_tags(two, ["rUnner"])
    assert Tag.objects.get().name == "Runner"
    everybody = Profile.objects.all()
    assert tags.put_on(everybody, Tag.objects.get()) == 0
    assert tags.take_off(everybody.filter(pk=one.pk), Tag.objects.get()) == 1
    assert tags.put_on(everybody, Tag.objects.get()) == 1


@pytest.mark.parametrize("name", ["", " ", "a;b", "x" * 61])
def test_name_that_is_no_tag_is_refused(name: str) -> None:
    with pytest.raises(BadTag):
        tags.ensure([name])


def test_renamed_tag_goes_on_to_be_meant_and_one_in_use_is_not_deleted() -> None:
    tag = tags.ensure(["Runner"])["Runner"]
    membership.create_with_condition(
        "All runners", tree({"node": "tag", "tag": "runner"})
    )
    tags.rename_tag(tag, "Jogger")
    with pytest.raises(TagInUse, match="“All runners”"):
        tags.delete_tag(tag)
    with pytest.raises(BadTag, match="already"):
        tags.rename_tag(tags.ensure(["Other"])["Other"], "jogger")
    assert tags.delete_tag(tags.ensure(["Other"])["Other"]) == 0
