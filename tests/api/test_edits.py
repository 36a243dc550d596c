"""Of two who edit the second is told; of what happens by itself nobody is."""

from threading import Barrier, Thread
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, connections

from audiences import consent, membership, subscriptions
from audiences.api.site import api
from audiences.consent import Origin
from audiences.imports import runs
from audiences.models import Endpoint, ImportRun, Profile, Service
from delivery import deliveries, quarantine
from delivery.composing import writing
from tests.factories import ServiceFactory
from tests.people import is_, person, tree

from .conftest import Program

pytestmark = pytest.mark.django_db
BY = Origin(source="operator", actor="eva", note="asked")
CONTENT = "Hi {{ unsubscribe_link }}"


def test_an_endpoint_that_fails_can_be_edited_as_it_was_read(shop: Program) -> None:
    pk = shop.post(
        "endpoints",
        {"url": "https://crm.example.org/", "events": ["consent.opted_out"]},
    ).data["id"]
    tag = shop.get(f"endpoints/{pk}")["ETag"]
    Endpoint.objects.update(
        reason="It answered 500.", failing_since="2026-01-01T00:00:00Z", failures=3
    )
    assert shop.get(f"endpoints/{pk}").data["reason"] == "It answered 500."
    done = shop.patch(f"endpoints/{pk}", {"state": "disabled"}, If_Match=tag)
    assert done.status_code == 200, done.content
    again = shop.patch(f"endpoints/{pk}", {"state": "active"}, If_Match=tag)
    assert again.status_code == 412, "that was an edit"


def test_a_person_to_whom_something_happens_can_be_edited_as_read(
    shop: Program,
) -> None:
    ann, news = person(email="ann@example.org", external_id="A1"), ServiceFactory()
    tag = shop.get("profiles/ext:A1")["ETag"]
    consent.opt_out(ann, "email", BY)
    subscriptions.subscribe(ann, news, BY)
    quarantine.set_status("email", "ann@example.org", "quarantine", source="x")
    done = shop.patch("profiles/ext:A1", {"first_name": "Ann"}, If_Match=tag)
    assert done.status_code == 200, done.content
    box = {"channel": "email", "address": "ann@work.example"}
    shop.post("profiles/ext:A1/addresses", box)
    late = shop.patch("profiles/ext:A1", {"country": "NL"}, If_Match=done["ETag"])
    assert late.status_code == 412, "somebody attached an address"


def test_an_audience_is_edited_as_read_whatever_a_service_is_called(
    shop: Program,
) -> None:
    membership.create_with_condition("Dutch", tree(is_("language", "nl")))
    tag = shop.get("audiences/Dutch")["ETag"]
    Service.objects.update(label="Other")
    body = {"condition": tree(is_("language", "de"))}
    assert shop.patch("audiences/Dutch", body, If_Match=tag).status_code == 200
    assert shop.patch("audiences/Dutch", body, If_Match=tag).status_code == 412


def test_what_a_delivery_says_is_read_and_written_back(shop: Program) -> None:
    deliveries.create("June", channel="email")
    empty = shop.get("deliveries/June/content")
    assert empty.data == {"subject": "", "preheader": "", "content": "", "language": ""}
    said = {"subject": "S", "preheader": "P", "content": CONTENT, "language": ""}
    put = shop.call("PUT", "deliveries/June/content", said, If_Match=empty["ETag"])
    assert put.status_code == 200, put.content
    read = shop.get("deliveries/June/content")
    assert read.data == said
    assert read["ETag"] == put["ETag"] == shop.get("deliveries/June")["ETag"]
    same = shop.call("PUT", "deliveries/June/content", read.data)
    assert same["ETag"] == read["ETag"], "what is read can be written"
    gone = shop.get("deliveries/June/content?language=nl")
    assert (gone.status_code, gone.data["errors"][0]["field"]) == (404, "language")
    nl = {**said, "subject": "O", "language": "nl-nl"}
    assert shop.call("PUT", "deliveries/June/content", nl).status_code == 200
    for code in ("nl-NL", "nl-nl", "NL-NL"):
        found = shop.get(f"deliveries/June/content?language={code}")
        assert found.data == {**nl, "language": "nl-NL"}
    bad = shop.get("deliveries/June/content?language=!!")
    assert (bad.status_code, bad.data["errors"][0]["field"]) == (422, "language")
    late = shop.call("PUT", "deliveries/June/content", said, If_Match=read["ETag"])
    assert late.status_code == 412, "another language was written meanwhile"


def test_a_delivery_is_written_as_read_however_far_it_is(shop: Program) -> None:
    made = deliveries.create("June", channel="email")
    writing.set_content(made, subject="S", content=CONTENT)
    tag = shop.get("deliveries/June")["ETag"]
    assert shop.post("deliveries/June/prepare").status_code == 202
    body = {"content": CONTENT + "!"}
    done = shop.call("PUT", "deliveries/June/content", body, If_Match=tag)
    assert done.status_code == 200, done.content


@pytest.mark.parametrize("tag", ['"other"', '"a", "b"', "x", "W/", "'", '""'])
def test_another_tag_changes_nothing(shop: Program, tag: str) -> None:
    ServiceFactory(slug="news", label="News")
    done = shop.patch("services/news", {"label": "A"}, If_Match=tag)
    assert (done.status_code, done.data["errors"][0]["field"]) == (412, "If-Match")
    assert Service.objects.get().label == "News"
    own = shop.get("services/news")["ETag"]
    for right in ("*", own, f'"x", {own}', f"W/{own}"):
        tried = shop.patch("services/news?dry_run=true", {"label": "A"}, If_Match=right)
        assert tried.status_code == 200, right


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_is_told(shop: Program) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    ServiceFactory(slug="news", label="News")
    tag = shop.get("services/news")["ETag"]
    start, got = Barrier(4), []

    def edit(label: str) -> None:
        own = Program(shop.secret, "shop")
        try:
            start.wait(120)
            done: Any = own.patch("services/news", {"label": label}, If_Match=tag)
            got.append(done.status_code)
        finally:
            connections.close_all()

    threads = [Thread(target=edit, args=(f"L{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert sorted(got) == [200, 412, 412, 412]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("profiles", {"external_id": "A1"}),
        ("services", {"slug": "news", "label": "News", "channel": "email"}),
        ("deliveries", {"label": "June", "channel": "email"}),
        ("deliveries", {"label": "June", "channel": "email", "audience": "service:x"}),
        ("audiences", {"name": "Dutch", "condition": tree(is_("language", "nl"))}),
    ],
)
def test_of_two_who_make_the_same_at_once_one_is_told(
    shop: Program, path: str, body: dict[str, Any]
) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    ServiceFactory(slug="x")
    membership.everyone()
    start, got = Barrier(6), []

    def make() -> None:
        own = Program(shop.secret, "shop")
        try:
            start.wait(120)
            done: Any = own.post(path, body)
            got.append((done.status_code, done.data.get("code")))
        finally:
            connections.close_all()

    threads = [Thread(target=make) for _n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    statuses = [status for status, _code in got]
    assert sorted(statuses)[0] == 201, got
    assert all(status in (409, 422) for status in sorted(statuses)[1:]), got


def test_the_columns_of_a_file_are_chosen_as_read(shop: Program) -> None:
    upload = shop.client.post(
        "/api/v1/imports",
        {"file": SimpleUploadedFile("p.csv", b"Nr;Hobby\nA1;chess\n")},
        headers={"Authorization": f"Bearer {shop.secret}"},
    )
    place = f"imports/{upload.json()['id'].partition(':')[2]}/columns"
    tag = shop.get(place)["ETag"]
    columns = [
        {"column": "Nr", "name": "external_id"},
        {"column": "Hobby", "name": None},
    ]
    body = {"columns": columns}
    assert shop.call("PUT", place, body, If_Match='"x"').status_code == 412
    done = shop.call("PUT", place, body, If_Match=tag)
    assert done.status_code == 200, done.content
    runs.perform(ImportRun.objects.get())
    late = shop.call("PUT", place, body, If_Match=tag)
    assert late.status_code == 412, "somebody has chosen meanwhile"
    assert shop.call("PUT", place, body, If_Match=done["ETag"]).status_code == 200


def test_what_is_taken_away_is_as_it_was_read(shop: Program) -> None:
    person(email="ann@example.org", external_id="A1")
    box = {"channel": "email", "address": "ann@work.example"}
    place = "profiles/ext:A1/addresses"
    tag = shop.get("profiles/ext:A1")["ETag"]
    assert shop.post(place, box, If_Match=tag).status_code == 200
    query = f"{place}?channel=email&address=ann@work.example"
    assert shop.call("DELETE", query, If_Match=tag).status_code == 412
    assert shop.post(place, box, If_Match=tag).status_code == 412
    tag = shop.get("profiles/ext:A1")["ETag"]
    assert shop.call("DELETE", query, If_Match=tag).status_code == 204
    url = {"url": "https://crm.example.org/", "events": ["consent.opted_out"]}
    pk = shop.post("endpoints", url).data["id"]
    tag = shop.get(f"endpoints/{pk}")["ETag"]
    shop.patch(f"endpoints/{pk}", {"state": "disabled"})
    assert shop.call("DELETE", f"endpoints/{pk}", If_Match=tag).status_code == 412
    assert Endpoint.objects.count() == 1


def test_a_call_that_asks_no_tag_refuses_one(shop: Program) -> None:
    described = api.get_openapi_schema()
    assert described == api.get_openapi_schema()
    asks = {
        call["operationId"]
        for methods in described["paths"].values()
        for call in methods.values()
        if any(each["name"] == "If-Match" for each in call["parameters"])
    }
    assert asks == {
        *("profiles_change", "profiles_attach", "profiles_detach"),
        *("services_change", "audiences_change", "deliveries_content"),
        *("endpoints_change", "endpoints_remove", "imports_choose"),
    }
    for path in ("profiles", "deliveries/June/prepare"):
        answer = shop.post(path, {}, If_Match='"x"')
        assert answer.status_code == 412
        assert answer.data["errors"][0]["field"] == "If-Match"
    assert not Profile.objects.exists()
    assert shop.get("services", If_Match='"x"').status_code == 200
