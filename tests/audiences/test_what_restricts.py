"""What restricts is done where the person is certain, whatever else a row says."""

import csv
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from audiences import subscriptions
from audiences.channels import FLAGS
from audiences.models import Address, Profile
from audiences.records.verification import verify_consent
from delivery.models import QuarantineEntry
from tests.factories import BY_COMMAND, ProfileFactory, ServiceFactory

pytestmark = pytest.mark.django_db


def run(folder: Path, content: str, *options: str, command: str = "profiles") -> Any:
    path = folder / "file.csv"
    path.write_text(content)
    out = StringIO()
    call_command(f"import_{command}", str(path), "--json", *options, stdout=out)
    return json.loads(out.getvalue())


def rejects(folder: Path) -> list[tuple[str, str, str]]:
    with (folder / "file.csv.rejects.csv").open(newline="") as file:
        return [(r["row"], r["field"], r["outcome"]) for r in csv.DictReader(file)]


def out_of(profile: Profile) -> set[str]:
    profile.refresh_from_db()
    return {str(scope) for scope, flag in FLAGS.items() if getattr(profile, flag)}


@pytest.fixture
def jan() -> Profile:
    return ProfileFactory(external_id="C1", email="jan@x.example")


HEADER = "external_id,email,first_name,no_longer_contact_email,no_longer_contact_sms\n"


@pytest.mark.parametrize(
    ("row", "out", "field"),
    [
        ("C1,,Jan,misschien,ja", {"sms"}, "no_longer_contact_email"),
        (",jan@x.example,Jan,ja,perhaps", {"email"}, "no_longer_contact_sms"),
        ("C1,,J\x00n,ja,", {"email"}, "first_name"),
        ("\u200bC1,not an address,Jan,ja,2", {"email"}, "no_longer_contact_sms"),
    ],
)
def test_restriction_is_applied_and_the_rest_of_the_row_reported(
    tmp_path: Path, jan: Profile, row: str, out: set[str], field: str
) -> None:
    counts = run(tmp_path, HEADER + row + "\n")
    assert (counts["rejected"], counts["restricted"]) == (1, 1)
    assert out_of(jan) == out
    assert jan.first_name != "Jan"
    assert (("2", field, "restricted")) in rejects(tmp_path)
    assert verify_consent().is_consistent
    with pytest.raises(CommandError, match="rejected"):
        run(tmp_path, HEADER + row + "\n", "--strict")


@pytest.mark.parametrize(
    "row",
    [
        "1001.0,jan@x.example,,ja,",
        '"1,23457E+15",jan@x.example,,ja,',
        ",jan at x,,ja,",
        ",,,ja,",
        "C1,,,ja,,,too many",
        f"{'C' * 101},jan@x.example,,ja,",
        f",{'a' * 1000}@x.example,,ja,",
    ],
)
def test_what_cannot_be_read_identifies_nobody(
    tmp_path: Path, jan: Profile, row: str
) -> None:
    counts = run(tmp_path, HEADER + row + "\n")
    assert (counts["rejected"], counts["created"]) == (1, 0)
    assert out_of(jan) == set()
    assert Profile.objects.count() == 1


def test_rows_of_one_person_add_up_what_they_restrict(
    tmp_path: Path, jan: Profile
) -> None:
    rows = "C1,,First,,\nC1,,Second,ja,\nC1,,Third,,ja\nC1,,Fourth,,\n"
    counts = run(tmp_path, HEADER + rows)
    assert (counts["updated"], counts["rejected"], counts["restricted"]) == (1, 3, 2)
    assert out_of(jan) == {"email", "sms"}
    assert jan.first_name == "First"
    assert [outcome for _row, _field, outcome in rejects(tmp_path)] == [
        *("restricted", "restricted", "rejected"),
    ]


def test_new_person_of_a_rejected_row_is_kept_with_the_restriction_alone(
    tmp_path: Path,
) -> None:
    run(tmp_path, HEADER + ",new@x.example,Nel,perhaps,ja\n")
    person = Profile.objects.get()
    assert (out_of(person), person.first_name) == ({"sms"}, "")
    assert Address.objects.get().key == "new@x.example"


def test_opt_out_of_a_shared_address_is_rejected_with_the_ids(
    tmp_path: Path, jan: Profile
) -> None:
    twin = ProfileFactory(email="jan@x.example")
    assert run(tmp_path, HEADER + ",jan@x.example,,ja,\n")["rejected"] == 1
    said = (tmp_path / "file.csv.rejects.csv").read_text()
    assert f"{jan.pk}, {twin.pk}" in said


@pytest.mark.parametrize(
    ("cell", "rejected"),
    [
        ("jan@x.example; jan.new@x.example", 0),
        ("new@x.example / jan@x.example", 0),
        ("jan@x.example, piet@x.example", 1),
        ("nonsense@; jan@x.example", 0),
    ],
)
def test_several_addresses_in_a_cell_are_of_one_person(
    tmp_path: Path, jan: Profile, cell: str, rejected: int
) -> None:
    piet = ProfileFactory(external_id="C2", email="piet@x.example")
    counts = run(tmp_path, f'email;no_longer_contact_email\n"{cell}";ja\n')
    assert (counts["rejected"], counts["created"]) == (rejected, 0)
    assert out_of(jan) == (set() if rejected else {"email"})
    assert out_of(piet) == set()


def test_everybody_in_a_file_has_opted_out_and_nobody_is_made(
    tmp_path: Path, jan: Profile
) -> None:
    content = "email\njan@x.example\nnew@x.example\n"
    counts = run(tmp_path, content, "--all-opted-out", "any", "--update-only")
    assert (counts["updated"], counts["rejected"]) == (1, 1)
    assert out_of(jan) == {"any"}
    assert Profile.objects.count() == 1


def test_invalid_address_never_replaces_a_valid_one(
    tmp_path: Path, jan: Profile
) -> None:
    assert run(tmp_path, HEADER + "C1,jan at x,,,\n")["bad_values"] == 1
    held = dict(jan.addresses.values_list("key", "is_primary"))
    assert held == {"jan@x.example": True, "jan at x": False}


def test_who_unsubscribes_leaves_whatever_the_date_says(
    tmp_path: Path, jan: Profile
) -> None:
    news = ServiceFactory(slug="news")
    subscriptions.subscribe(jan, news, BY_COMMAND)
    content = "external_id,service,action,date\nC1,news,afmelden,31-12-2020\n"
    counts = run(tmp_path, content, command="subscriptions")
    assert (counts["unsubscribed"], counts["bad_values"]) == (1, 1)
    assert rejects(tmp_path) == [("2", "date", "imported")]


def test_address_that_is_cleaned_is_suppressed(tmp_path: Path) -> None:
    content = "email\nmailto:a@x.example\nB <b@x.example>\n"
    counts = run(tmp_path, content, "--channel", "email", command="quarantine")
    assert counts["changed"] == 2
    assert set(QuarantineEntry.objects.values_list("key", flat=True)) == {
        *("a@x.example", "b@x.example")
    }
