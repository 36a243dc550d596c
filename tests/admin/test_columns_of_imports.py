"""What the columns of an uploaded file mean: said once, remembered, shown above the
button."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import translation

from audiences import tasks
from audiences.models import Address, ImportReject, ImportRun, Profile
from delivery.models import QuarantineEntry
from tests.factories import ProfileFactory, ServiceFactory

from .conftest import clerk

pytestmark = pytest.mark.django_db
PEOPLE = "admin:audiences_importrun_add"
FILE = (
    "Mail;Roepnaam;Status;Schoenmaat\n"
    "jan@post.example;Jan;Afgemeld;42\n"
    "an@post.example;An;Klant;38\n"
    "bo@post.example;Bo;Afgemeld;\n"
)


def _upload(client: Client, text: str, where: str = PEOPLE, **more: str) -> ImportRun:
    file = SimpleUploadedFile("klanten.csv", text.encode())
    client.post(reverse(where), {"file": file, **more})
    return _work()


def _work() -> ImportRun:
    run = ImportRun.objects.latest("pk")
    tasks.run_import(run.pk)
    run.refresh_from_db()
    return run


def _page(run: ImportRun, name: str) -> str:
    return reverse(f"admin:audiences_importrun_{name}", args=[run.pk])


def _say(client: Client, run: ImportRun, *columns: tuple[str, list[str]]) -> Any:
    data: dict[str, Any] = {}
    for number, (name, words) in enumerate(columns):
        data[f"column-{number}-name"] = name
        data[f"column-{number}-when"] = words
    return client.post(_page(run, "columns"), data)


MEANT = (
    ("email", []),
    ("first_name", []),
    ("no_longer_contact_email", ["Afgemeld"]),
    ("-", []),
)


def test_file_that_nobody_understands_waits_for_the_meaning_of_its_columns(
    admin_client: Client,
) -> None:
    run = _upload(admin_client, FILE)
    assert (run.state, Profile.objects.count()) == ("mapping", 0)
    text = admin_client.get(_page(run, "change")).content.decode()
    assert "Say what the columns mean" in text
    text = admin_client.get(_page(run, "columns")).content.decode()
    assert "Roepnaam" in text
    assert "looks like consent" in text
    assert 'value="Afgemeld"' in text
    _say(admin_client, run, *MEANT)
    run = _work()
    assert run.state == "checked"
    assert run.counts["changes"] == {"opt_out:email": 2}
    text = admin_client.get(_page(run, "change")).content.decode()
    left_out, button = text.index("<strong>Schoenmaat"), text.index("Import it")
    assert left_out < button
    admin_client.post(_page(run, "confirm"))
    assert _work().state == "done"
    out = Profile.objects.filter(no_longer_contact_email=True)
    assert set(out.values_list("first_name", flat=True)) == {"Jan", "Bo"}


def test_what_was_said_is_remembered_for_files_with_the_same_headings(
    admin_client: Client,
) -> None:
    run = _upload(admin_client, FILE)
    _say(admin_client, run, *MEANT)
    admin_client.post(_page(_work(), "confirm"))
    _work()
    again = _upload(
        admin_client,
        FILE.replace("an@post.example;An;Klant", "c@post.example;C;Afgemeld"),
    )
    assert again.state == "checked"
    assert again.counts["rows"]["created"] == 1
    assert again.counts["changes"] == {"opt_out:email": 1}
    assert _upload(admin_client, FILE.replace("Mail", "Post2")).state == "mapping"


def test_value_that_nobody_has_judged_rejects_its_row(admin_client: Client) -> None:
    run = _upload(admin_client, FILE)
    _say(admin_client, run, *MEANT)
    admin_client.post(_page(_work(), "confirm"))
    _work()
    new = _upload(admin_client, FILE + "d@post.example;Di;Opgezegd;\n")
    assert new.counts["rows"]["rejected"] == 1


def test_undecided_column_about_consent_is_asked_for_again(
    admin_client: Client,
) -> None:
    run = _upload(admin_client, FILE)
    answer = _say(admin_client, run, MEANT[0], MEANT[1], ("", []), MEANT[3])
    assert "Say what each column means" in answer.content.decode()
    run.refresh_from_db()
    assert run.state == "mapping"


def test_meaning_can_be_changed_until_the_import_has_begun(
    admin_client: Client,
) -> None:
    run = _upload(admin_client, "email;voornaam\njan@post.example;Jan\n")
    assert run.state == "checked"
    assert "first name" in admin_client.get(_page(run, "columns")).content.decode()
    _say(admin_client, run, ("email", []), ("last_name", []))
    admin_client.post(_page(_work(), "confirm"))
    assert _work().state == "done"
    assert Profile.objects.get().last_name == "Jan"
    _say(admin_client, run, ("email", []), ("first_name", []))
    assert ImportRun.objects.get().state == "done"


def test_export_of_another_system_is_guessed_with_its_words(
    admin_client: Client,
) -> None:
    text = (
        "uuid,email,name,status,gdpr_note\n1,jan@post.example,Jan Jansen,blocklisted,x\n"
        "2,an@post.example,An Vos,enabled,\n"
    )
    run = _upload(admin_client, text)
    assert run.state == "mapping", "one column about consent is not the system's"
    guessed = {c["heading"]: (c["guess"], c["when"]) for c in run.preview["samples"]}
    assert guessed["status"] == ("no_longer_contact_email", ["blocklisted"])
    assert guessed["name"] == ("full_name", [])
    assert guessed["gdpr_note"] == ("", [])
    columns = [(name or "-", when) for name, when in guessed.values()]
    _say(admin_client, run, *columns)
    admin_client.post(_page(_work(), "confirm"))
    _work()
    jan = Profile.objects.get(first_name="Jan")
    assert (jan.last_name, jan.no_longer_contact_email) == ("Jansen", True)
    assert not Profile.objects.get(first_name="An").no_longer_contact_email


def test_everybody_may_have_opted_out_and_nobody_need_be_added(
    admin_client: Client,
) -> None:
    known = ProfileFactory(email="jan@post.example")
    run = _upload(
        admin_client,
        "email\njan@post.example\nnew@post.example\n",
        all_opted_out="sms",
        update_only="on",
    )
    assert run.counts["rows"]["rejected"] == 1
    admin_client.post(_page(run, "confirm"))
    _work()
    known.refresh_from_db()
    assert known.no_longer_contact_sms
    assert Profile.objects.count() == 1


@pytest.mark.parametrize(
    ("where", "text", "columns", "rejected"),
    [
        (
            "admin:audiences_importrun_subscriptions",
            "wie;lijst\nC1;news\nC9;news\n",
            (("external_id", []), ("service", [])),
            1,
        ),
        (
            "admin:delivery_quarantineentry_import",
            "medium;waar\nemail;a@post.example\nemail;b@\n",
            (("channel", []), ("address", [])),
            1,
        ),
    ],
)
def test_other_kinds_of_files_are_asked_about_in_the_same_way(
    admin_client: Client,
    where: str,
    text: str,
    columns: tuple[tuple[str, list[str]], ...],
    rejected: int,
) -> None:
    ServiceFactory(slug="news")
    profile = ProfileFactory(external_id="C1")
    run = _upload(admin_client, text, where)
    assert run.state == "mapping"
    assert admin_client.get(_page(run, "columns")).status_code == 200
    _say(admin_client, run, *columns)
    run = _work()
    assert (run.state, run.counts["rows"]["rejected"]) == ("checked", rejected)
    assert admin_client.get(_page(run, "change")).status_code == 200
    admin_client.post(_page(run, "confirm"))
    assert _work().state == "done"
    assert profile.subscriptions.exists() or QuarantineEntry.objects.exists()


def test_one_who_may_not_see_addresses_sees_no_values(admin_client: Client) -> None:
    where = "admin:delivery_quarantineentry_import"
    client = clerk("stopper", "view_quarantineentry", "add_quarantineentry")
    run = _upload(client, "medium;waar\nemail;hidden@post.example\n", where)
    text = client.get(_page(run, "columns")).content.decode()
    assert "waar" in text
    assert "hidden@" not in text
    assert client.post(_page(run, "columns"), {}).status_code == 200
    other = _upload(admin_client, FILE)
    assert client.get(_page(other, "columns")).status_code == 403
    assert client.post(_page(other, "columns"), {}).status_code == 403


def test_reasons_are_told_in_the_language_of_the_reader(admin_client: Client) -> None:
    run = _upload(admin_client, "external_id;no_longer_contact\nA;misschien\n")
    reject = ImportReject.objects.get(run=run)
    assert reject.text == "'misschien' is neither yes nor no (use 1 or 0)"
    assert reject.reason == "{text} is neither yes nor no (use 1 or 0)"
    with translation.override("nl"):
        assert "misschien" in reject.text


def test_values_of_people_go_with_the_file(admin_client: Client) -> None:
    run = _upload(admin_client, FILE)
    assert "jan@post.example" in str(run.preview)
    admin_client.post(_page(run, "cancel"))
    run.refresh_from_db()
    assert run.state == "cancelled"
    assert "jan@post.example" not in str(run.preview)
    assert not Address.objects.exists()
