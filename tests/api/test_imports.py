"""Files by the API: whatever the commands and the console can say of one."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from audiences import membership
from audiences.api.events.import_options import UploadIn
from audiences.imports import runs
from audiences.imports.kinds import kinds
from audiences.management.commands import import_profiles, import_subscriptions
from audiences.models import Audience, ImportRun, Profile, Subscription
from audiences.terminal import CommandParser
from delivery.models import QuarantineEntry
from tests.docs.tables import DOCS
from tests.factories import ServiceFactory
from tests.people import is_, person, tree

from .conftest import Program

pytestmark = pytest.mark.django_db


def upload(program: Program, text: bytes, **form: Any) -> Any:
    """The answer to a file; checked at once, as a worker would soon."""
    answer: Any = program.client.post(
        "/api/v1/imports",
        {"file": SimpleUploadedFile("people.csv", text), **form},
        headers={"Authorization": f"Bearer {program.secret}"},
    )
    answer.data = answer.json()
    if answer.status_code == 202:
        runs.perform(ImportRun.objects.get(pk=_number(answer)))
    return answer


def _number(answer: Any) -> int:
    return int(answer.data["id"].partition(":")[2])


def confirm(program: Program, answer: Any) -> Any:
    """Import what was checked; the import as it is then."""
    number = _number(answer)
    done = program.post(f"imports/{number}/confirm")
    assert done.status_code == 202, done.content
    runs.perform(ImportRun.objects.get(pk=number))
    return program.get(f"imports/{number}").data


def test_the_api_has_every_option_that_the_commands_have() -> None:
    # Where output goes, and what a check and its counts answer anyway.
    ours = {"rejects", "json", "dry_run", "strict", "file", "help"}
    for kind, module in (
        ("people", import_profiles),
        ("subscriptions", import_subscriptions),
    ):
        parser = CommandParser(add_help=False)
        module.Command().add_arguments(parser)
        there = {action.dest for action in parser._actions} - ours
        assert there <= {"encoding", "sheet", "map", "ignore", *kinds[kind].options}


def test_the_manual_names_every_part_of_the_form() -> None:
    manual = (DOCS / "api/README.md").read_text(encoding="utf-8")
    assert [name for name in UploadIn.model_fields if f"`{name}`" not in manual] == []


def test_a_file_is_read_as_it_is_said(shop: Program) -> None:
    person(external_id="A1")
    text = "Nummer;Naam;Hobby\nA1;Zoë;chess\nB2;Bob;go\n".encode("cp850")
    answer = upload(
        shop,
        text,
        encoding="cp850",
        map=["external_id=Nummer", "first_name=Naam"],
        ignore=["Hobby"],
        update_only="true",
        all_opted_out="email",
    )
    assert answer.status_code == 202, answer.content
    seen = shop.get(f"imports/{_number(answer)}").data
    assert seen["waits_for"] == "a POST to …/confirm"
    assert seen["preview"]["delimiter"] == ";"
    assert seen["preview"]["left_out"] == ["Hobby"]
    assert [c["name"] for c in seen["preview"]["columns"]][:2] == [
        "external_id",
        "first_name",
    ]
    assert seen["preview"]["sample"][0]["external_id"] == "A1"
    done = confirm(shop, answer)
    assert done["percent"] == 100
    assert (done["counts"]["updated"], done["counts"]["rejected"]) == (1, 1)
    ann = Profile.objects.get()
    assert (ann.first_name, ann.no_longer_contact_email) == ("Zoë", True)
    path = f"imports/{_number(answer)}/rejects"
    file = shop.get(f"{path}.csv", Accept_Language="nl")
    reason = shop.get(path, Accept_Language="nl").data["items"][0]["reason"]
    lines = b"".join(file.streaming_content).decode().splitlines()
    assert lines[0] == "row,field,reason,outcome"
    assert lines[1] == f"3,external_id,{reason},rejected"
    assert "nobody" in reason
    assert file["Content-Type"].startswith("text/csv")
    assert b"".join(shop.call("HEAD", f"{path}.csv").streaming_content) == b""


def test_files_of_other_kinds_and_what_opts_in(shop: Program) -> None:
    ServiceFactory(slug="news")
    ann = person(email="ann@example.org", external_id="A1", out="email")
    who = b"external_id\nA1\n"
    confirm(shop, upload(shop, who, kind="subscriptions", service="news"))
    assert Subscription.objects.get().profile == ann
    confirm(shop, upload(shop, who, kind="list", audience="Guests"))
    assert Audience.objects.get(name="Guests").kind == "list"
    bad = b"address\ngone@example.org\n"
    confirm(shop, upload(shop, bad, kind="quarantine", channel="email"))
    assert QuarantineEntry.objects.get().key == "gone@example.org"
    text = b"external_id,no_longer_contact_email\nA1,no\n"
    plain = confirm(shop, upload(shop, text))
    assert plain["counts"]["unchanged"] == 1
    confirm(shop, upload(shop, text, allow_opt_in="true", note="asked at the desk"))
    ann.refresh_from_db()
    assert not ann.no_longer_contact_email


def test_a_check_tells_no_key_whose_an_address_is(program: Any) -> None:
    person(external_id="A1", email="ann@example.org", first_name="Ann")
    only = program("imports:write", name="only")
    more = program("imports:write", "profiles:read", name="more")
    text = b"email,no_longer_contact\nann@example.org,yes\n"
    path = f"imports/{_number(upload(only, text))}"
    (change,) = only.get(path).data["preview"]["sample"]
    assert [change.pop(name) for name in ("profile", "external_id", "name")] == [
        *(None, "", "")
    ]
    assert change == {"row": 2, "kind": "opt_out", "scope": "any"}
    (whole,) = more.get(path).data["preview"]["sample"]
    assert (whole["name"].split()[0], whole["external_id"]) == ("Ann", "A1")


def test_columns_that_nobody_understands_are_asked_and_said(shop: Program) -> None:
    answer = upload(shop, b"Kol1,Kol2\nA1,ann@example.org\n")
    assert answer.data["preview"]["unknown"] == ["Kol1", "Kol2"]
    assert "columns" in answer.data["waits_for"]
    path = f"imports/{_number(answer)}/columns"
    found = shop.get(path).data
    assert {"external_id", "email"} <= {*found["names"]}
    assert found["items"][1]["samples"] == ["ann@example.org"]
    right = [
        {"column": "Kol1", "name": "external_id"},
        {"column": "Kol2", "name": "email"},
    ]
    for wrong, field in (
        (right[:1], "columns"),
        ([right[1], right[0]], "columns.0.column"),
        ([right[0], {"column": "Kol2", "name": "mail box"}], "columns.1.name"),
    ):
        refused = shop.call("PUT", path, {"columns": wrong})
        assert refused.status_code == 422
        assert refused.data["errors"][0]["field"] == field
    said = shop.call("PUT", path, {"columns": right})
    assert said.status_code == 200, said.content
    runs.perform(ImportRun.objects.get())
    assert confirm(shop, answer)["counts"]["created"] == 1


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"kind": "people", "everybody": "email"}, "everybody"),
        ({"kind": "nothing"}, "kind"),
        ({"all_opted_out": "smoke"}, "all_opted_out"),
        ({"kind": "quarantine", "update_only": "1"}, "update_only"),
        ({"kind": "list"}, "audience"),
        ({"kind": "list", "audience": "Dutch"}, "audience"),
        ({"kind": "list", "audience": " "}, "audience"),
        ({"kind": "subscriptions", "service": "none"}, "service"),
        ({"allow_opt_in": "1"}, "note"),
        ({"kind": "subscriptions", "revive": "1", "note": " "}, "note"),
        ({"map": ["email"]}, "map"),
        ({"map": ["email=No such column"]}, "map"),
        ({"map": ["e-pigeon=external_id"]}, "map"),
        ({"ignore": ["No such column"]}, "ignore"),
        ({"encoding": "klingon"}, "encoding"),
    ],
)
def test_what_makes_no_sense_names_its_field(
    shop: Program, form: dict[str, Any], field: str
) -> None:
    membership.create_with_condition("Dutch", tree(is_("language", "nl")))
    # Whatever language the program says that its user reads.
    shop.client.defaults["HTTP_ACCEPT_LANGUAGE"] = "nl"
    answer = upload(shop, b"external_id\nA1\n", **form)
    assert answer.status_code == 422, answer.content
    assert answer["Content-Language"] == "en"
    assert answer.data["errors"][0]["field"] == field
    assert answer.data["detail"]
    assert not ImportRun.objects.exists()


def test_a_sample_names_no_address_to_a_key_that_may_not_see_it(program: Any) -> None:
    text = (
        b"external_id,first_name,no_longer_contact\nann@home.example,a@b.example,ja\n"
    )
    for key, is_seen in (
        (program("imports:write"), False),
        (program(name="all"), True),
    ):
        answer = upload(key, text)
        (row,) = key.get(f"imports/{_number(answer)}").data["preview"]["sample"]
        assert (row["kind"], row["scope"]) == ("opt_out", "any")
        for name in ("external_id", "name"):
            assert ("b.example" in row[name] or "home" in row[name]) == is_seen, row


def test_other_kinds_need_the_scope_of_what_they_write(program: Any) -> None:
    person(external_id="A1")
    only, all_of_it = program("imports:write", name="only"), program(name="all")
    who = b"external_id\nA1\n"
    bad = b"channel,address\nemail,gone@example.org\n"
    opting = b"external_id,no_longer_contact\nA1,no\n"
    assert upload(only, who).status_code == 202
    for text, form in (
        (who, {"kind": "list", "audience": "Guests"}),
        (bad, {"kind": "quarantine"}),
        (opting, {"allow_opt_in": "1", "note": "asked"}),
    ):
        refused = upload(only, text, **form)
        assert refused.status_code == 403, form
        assert refused.data["code"] == "scope_missing"
        waits = upload(all_of_it, text, **form)
        assert waits.status_code == 202, waits.content
        number = _number(waits)
        for act in ("confirm", "cancel"):
            assert only.post(f"imports/{number}/{act}").status_code == 403, form


def test_columns_that_are_not_all_named_are_told(shop: Program) -> None:
    answer = upload(shop, b"Nr,Mail?,email\n1,yes,ann@example.org\n")
    given = {"columns": [{"column": "Nr", "name": "external_id"}]}
    number = _number(answer)
    refused = shop.call("PUT", f"imports/{number}/columns", given)
    assert refused.status_code == 422
    assert "'Nr', 'Mail?', 'email'" in refused.data["remedy"]


def test_a_service_that_is_not_there_is_looked_up(shop: Program) -> None:
    refused = upload(shop, b"email\n", kind="subscriptions", service="none")
    assert refused.status_code == 422
    assert "/api/v1/services" in refused.data["remedy"]


@pytest.mark.parametrize("no", ["no", "No ", "nee", "0", "false", "null", "\u200bno"])
def test_a_no_that_was_chosen_opts_out(shop: Program, no: str) -> None:
    """As the documentation has it: who says no under "Mail?" has opted out."""
    text = f"Nr,Remarks,Mail?\nA1,x,{no}\nA2,y,yes\nA3,z,No idea\n"
    answer = upload(shop, text.encode())
    path = f"imports/{_number(answer)}"
    columns = [
        {"column": "Nr", "name": "external_id"},
        {"column": "Remarks", "name": None},
        {"column": "Mail?", "name": "no_longer_contact_email", "when": [no]},
    ]
    chosen = shop.call("PUT", f"{path}/columns", {"columns": columns})
    assert chosen.status_code == 200, chosen.content
    run = ImportRun.objects.get(pk=_number(answer))
    runs.perform(run)
    done = confirm(shop, answer)
    assert done["counts"]["opt_out:email"] == 1
    out = dict(Profile.objects.values_list("external_id", "no_longer_contact_email"))
    # What was shown and not chosen says no.
    assert out == {"A1": True, "A2": False, "A3": False}


def test_values_that_would_say_nothing_are_refused(shop: Program) -> None:
    answer = upload(shop, b"Nr,Mail?\nA1,no\n")
    columns = [
        {"column": "Nr", "name": "external_id", "when": ["A1"]},
        {"column": "Mail?", "name": "no_longer_contact_email", "when": ["no"]},
    ]
    path = f"imports/{_number(answer)}/columns"
    refused = shop.call("PUT", path, {"columns": columns})
    assert refused.status_code == 422
    assert refused.data["errors"][0]["field"] == "columns.0.when"


def test_a_no_in_other_words_is_told_in_the_next_file(shop: Program) -> None:
    """Of "Mail?" somebody said that "no" is an opt-out: so "nee" is no consent."""
    columns = [
        {"column": "Nr", "name": "external_id"},
        {"column": "Mail?", "name": "no_longer_contact_email", "when": ["no"]},
    ]
    first = upload(shop, b"Nr,Mail?\nA1,no\nA2,yes\n")
    path = f"imports/{_number(first)}/columns"
    assert shop.call("PUT", path, {"columns": columns}).status_code == 200
    runs.perform(ImportRun.objects.get(pk=_number(first)))
    confirm(shop, first)
    done = confirm(shop, upload(shop, b"Nr,Mail?\nB1,nee\nB2,0\nB3,NO\nB4,yes\n"))
    assert done["counts"]["rejected"] == 2
    assert done["counts"]["opt_out:email"] == 1
    told = shop.get(f"imports/{done['id'].partition(':')[2]}/rejects")
    assert [each["row"] for each in told.data["items"]] == [2, 3]


def _left_out(shop: Program, text: bytes) -> Any:
    """The import of a file whose column State is left out by hand."""
    answer = upload(shop, text)
    columns = [
        {"column": "Nr", "name": "external_id"},
        {"column": "State", "name": None},
    ]
    path = f"imports/{_number(answer)}/columns"
    assert shop.call("PUT", path, {"columns": columns}).status_code == 200
    runs.perform(ImportRun.objects.get(pk=_number(answer)))
    return confirm(shop, answer)


def test_a_column_left_out_is_asked_about_once_it_says_no(shop: Program) -> None:
    _left_out(shop, b"Nr,State\nA1,Utrecht\nA2,subscribed\n")
    again = upload(shop, b"Nr,State\nB1,Zeeland\nB2,Subscribed\n")
    assert ImportRun.objects.get(pk=_number(again)).state == "checked"
    other = b"Nr,State\n" + b"".join(b"B%d,%d\n" % (n, n) for n in range(50))
    asked = upload(shop, other + b"C1,Unsubscribed\n")
    found = shop.get(f"imports/{_number(asked)}").data
    assert found["state"] == "mapping"
    assert "columns" in found["waits_for"]
    assert "speaks of consent: State" in found["preview"]["asked"]
    # Who has seen it, and leaves it out again, is not asked about it a second time.
    _left_out(shop, b"Nr,State\nC1,Unsubscribed\n")
    later = upload(shop, b"Nr,State\nD1,unsubscribed\n")
    assert ImportRun.objects.get(pk=_number(later)).state == "checked"
