"""Files that were read wrongly once, with the right values; each stands for a kind."""

import csv
import io
import json
import shutil
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from audiences.channels import FLAGS
from audiences.models import Address, AddressStatus, Profile, Subscription
from audiences.records.verification import verify_consent
from delivery import analysis, deliveries
from delivery.models import Message, QuarantineEntry
from tests.factories import ServiceFactory

pytestmark = pytest.mark.django_db
DATA = Path(__file__).parents[1] / "data" / "imports"


@pytest.fixture(autouse=True)
def _region(settings: Any) -> None:
    settings.PHONE_REGION = "NL"


@pytest.fixture
def put(tmp_path: Path) -> Any:
    """Copy a file, so that its rejects stand beside the copy."""
    return lambda name: str(shutil.copy(DATA / name, tmp_path / name))


def run(command: str, path: str, *arguments: str) -> dict[str, Any]:
    out, err = StringIO(), StringIO()
    call_command(command, path, "--json", *arguments, stdout=out, stderr=err)
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer | {"said": err.getvalue()}


def rejects(path: str) -> list[dict[str, str]]:
    place = Path(f"{path}.rejects.csv")
    if not place.exists():
        return []
    with place.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def seed() -> None:
    call_command("import_profiles", str(DATA / "00-seed.csv"), stdout=StringIO())


def out_of(external_id: str | None = None, *, email: str = "") -> set[str]:
    """What somebody has opted out of."""
    if email:
        held = Address.objects.get(channel="email", key=email, is_primary=True)
        person = held.profile
    else:
        person = Profile.objects.get(external_id=external_id)
    return {str(scope) for scope, flag in FLAGS.items() if getattr(person, flag)}


def primary(external_id: str, channel: str = "email") -> str:
    return Address.objects.get(
        profile__external_id=external_id, channel=channel, is_primary=True
    ).key


@pytest.mark.parametrize(
    ("name", "people"),
    [
        ("01-optout-unreadable-address.csv", {"C1", "C2"}),
        ("01b-optout-zwsp.csv", {"C1"}),
        ("02-optout-external-id-invisible.csv", {"C1", "C2"}),
        ("14-booleans-nl-excel.csv", {"C1"}),
        ("13-quoted-cell-of-60-lines.csv", {"C1"}),
    ],
)
def test_opt_out_is_not_lost_on_the_way_in(
    put: Any, name: str, people: set[str]
) -> None:
    seed()
    run("import_profiles", put(name))
    assert {p for p in ("C1", "C2") if out_of(p) == {"email"}} == people
    assert Profile.objects.count() == 2
    assert verify_consent().is_consistent


@pytest.mark.parametrize(
    ("name", "jan", "new"),
    [
        ("03-export-mailchimp_unsubscribed.csv", {"email"}, {"email"}),
        ("03-export-hubspot.csv", {"email"}, {"email"}),
        ("03-export-salesforce_report.csv", {"email"}, {"email", "phone", "fax"}),
        ("03-export-brevo.csv", {"email", "sms"}, {"email"}),
        ("03-export-mautic.csv", {"email"}, None),
    ],
)
def test_exports_of_other_systems_opt_out_whom_they_name(
    put: Any, name: str, jan: set[str], new: set[str] | None
) -> None:
    seed()
    said = run("import_profiles", put(name))["said"]
    assert "Read as an export of" in said
    assert out_of("C1") == jan
    assert Profile.objects.count() == (2 if new is None else 3)
    if new is not None:
        assert out_of(email="nieuw@post.example") == new


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("03-export-mailchimp_unsubscribed.csv", "UNSUB_TIME"),
        ("03-export-hubspot.csv", "Unsubscribed from all email"),
        ("03-export-salesforce_report.csv", "Email Opt Out"),
        ("03-export-brevo.csv", "EMAIL_BLACKLISTED"),
        ("03-export-mautic.csv", "doNotContact"),
    ],
)
def test_what_looks_like_consent_is_refused_even_when_unknown_columns_are_left_out(
    put: Any, name: str, column: str
) -> None:
    seed()
    with pytest.raises(CommandError, match=column):
        run("import_profiles", put(name), "--ignore-unknown")
    assert out_of("C1") == set()


def test_one_column_of_consent_may_be_left_out_by_its_name(put: Any) -> None:
    seed()
    path = put("03-export-mautic.csv")
    with pytest.raises(CommandError, match="dnc_reason"):
        run("import_profiles", path, "--ignore-unknown", "--ignore", "doNotContact")
    ignored = ("--ignore", "doNotContact", "--ignore", "dnc_reason")
    found = run("import_profiles", path, "--ignore-unknown", *ignored)
    assert "doNotContact" in found["said"]
    assert out_of("C1") == set()
    mapped = ("--map", "no_longer_contact_email=doNotContact", "--ignore", "dnc_reason")
    run("import_profiles", path, "--ignore-unknown", *mapped)
    assert out_of("C1") == {"email"}


def test_lines_in_two_encodings_are_read_and_told(put: Any) -> None:
    seed()
    Profile.objects.filter(external_id="C1").update(first_name="Zoë")
    found = run("import_profiles", put("04-mixed-encoding-names.csv"))
    assert "line 3" in found["said"]
    assert {p.external_id: p.first_name for p in Profile.objects.all()} == {
        "C1": "Zoë",
        "C2": "René",
    }


def test_address_in_utf_8_is_found_beside_a_name_in_another_encoding(put: Any) -> None:
    run("import_profiles", put("04c-seed-idn.csv"))
    run("import_profiles", put("04d-mixed-encoding-optout.csv"))
    assert out_of("I1") == {"email"}


def test_heading_twice_is_refused(put: Any) -> None:
    path = put("05-quarantine-heading-twice.csv")
    with pytest.raises(CommandError, match="address"):
        run("import_quarantine", path, "--channel", "email")
    assert not QuarantineEntry.objects.exists()


def test_row_that_repeats_a_rejected_one_is_the_first(put: Any) -> None:
    seed()
    path = put("06-same-as-a-rejected-row.csv")
    assert run("import_profiles", path)["rejected"] == 1
    assert [(r["row"], r["outcome"]) for r in rejects(path)] == [("2", "rejected")]
    assert out_of("C1") == {"email"}


def test_information_beside_an_address_never_costs_its_suppression(put: Any) -> None:
    path = put("06f-quarantine-informational-columns.csv")
    assert run("import_quarantine", path)["changed"] == 2
    assert {r["field"] for r in rejects(path)} == {"last_error_at", "reason"}
    assert {r["outcome"] for r in rejects(path)} == {"imported"}
    entries = QuarantineEntry.objects.filter(status=AddressStatus.QUARANTINE)
    assert {e.key for e in entries} == {"a@post.example", "b@post.example"}


def test_former_address_names_the_person_who_still_has_it(put: Any) -> None:
    seed()
    run("import_profiles", put("07-secondary-step1.csv"))
    assert primary("C1") == "jan.nieuw@post.example"
    run("import_profiles", put("07-secondary-step2-optout.csv"))
    assert out_of("C1") == {"email"}
    assert Profile.objects.count() == 2


def test_name_around_an_address_is_cleaned_away(put: Any) -> None:
    seed()
    run("import_profiles", put("08-unreadable-replaces-primary.csv"))
    assert primary("C1") == "jan.nieuw@post.example"
    held = Address.objects.filter(profile__external_id="C1", channel="email")
    assert dict(held.values_list("key", "is_primary")) == {
        "jan.nieuw@post.example": True,
        "jan@post.example": False,
    }


def test_own_export_of_a_target_is_read_back_everywhere(
    put: Any, tmp_path: Path
) -> None:
    run("import_profiles", put("09-own-export-read-back.csv"))
    delivery = deliveries.create("L", channel="email")
    analysis.analyse(delivery)
    written = StringIO()
    call_command("export_outcomes", "label:L", "--target", stdout=written)
    rows = list(csv.reader(io.StringIO(written.getvalue())))
    assert len(rows) == 3
    path = tmp_path / "target.csv"
    path.write_text(written.getvalue())
    out = StringIO()
    call_command("record_messages", "label:L", str(path), "--json", stdout=out)
    assert json.loads(out.getvalue())["recorded"] == 2
    assert Message.objects.count() == 2
    call_command(
        *("create_delivery", "--label", "M", "--channel", "push"),
        *("--audience", f"list:{path}"),
        stdout=StringIO(),
    )
    found = deliveries.find("label:M").audience
    assert found is not None
    assert found.members.count() == 2
    ServiceFactory(slug="news")
    counts = run("import_subscriptions", str(path), "--service", "news")
    assert counts["subscribed"] == 2
    assert Subscription.objects.count() == 2


@pytest.mark.parametrize("encoding", ["", "x"])
def test_spreadsheet_is_read_like_text(put: Any, encoding: str) -> None:
    path = put("10-klanten.xlsx")
    if encoding:
        with pytest.raises(CommandError, match="spreadsheet"):
            run("import_profiles", path, "--encoding", "cp1252")
        return
    assert run("import_profiles", path)["created"] == 1
    assert Profile.objects.get().first_name == "Jan"
    with pytest.raises(CommandError, match="has no sheet 'Nope'"):
        run("import_profiles", path, "--sheet", "Nope")


def test_columns_without_a_heading_and_without_values_are_passed_over(put: Any) -> None:
    assert run("import_profiles", put("11-trailing-empty-columns.csv"))["created"] == 1
    assert Profile.objects.get().first_name == "Anna"


def test_quoted_cell_has_as_many_lines_as_it_has(put: Any) -> None:
    assert run("import_profiles", put("13-quoted-cell-of-60-lines.csv"))["created"] == 1
    post = Address.objects.get(channel="direct_mail")
    assert len(post.value.splitlines()) == 62
    assert out_of(email="jan@post.example") == {"email"}


def test_row_of_totals_is_about_nobody(put: Any) -> None:
    path = put("15-totals-row.csv")
    assert run("import_profiles", path)["created"] == 1
    assert Profile.objects.get().external_id == "C9"


def test_numbers_have_one_form_however_they_are_written(put: Any) -> None:
    run("import_profiles", put("16-phones-handed-over.csv"))
    assert [primary(f"Q{n}", "sms") for n in range(1, 5)] == [
        f"+3161234567{n}" for n in range(4)
    ]
