"""Habits of every call: done once for an Idempotency-Key, tried, matched, explained."""

import json
from threading import Thread
from typing import Any

import pytest
from django.db import OperationalError, connection, connections
from django.test import Client

from audiences import api_keys
from audiences.api_keys import answers
from audiences.models import ApiAnswer, ConsentEvent, Profile, Service
from delivery import deliveries
from tests.people import person

from .conftest import Program

pytestmark = pytest.mark.django_db


def out(profile: str) -> dict[str, Any]:
    return {"items": [{"profile": profile, "action": "opt_out", "channel": "email"}]}


def test_the_same_key_and_body_get_the_same_answer_and_act_once(shop: Program) -> None:
    first = shop.post("profiles", {"external_id": "A1"}, Idempotency_Key="k1")
    again = shop.post("profiles", {"external_id": "A1"}, Idempotency_Key="k1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert (first["ETag"], first["Location"]) == (again["ETag"], again["Location"])
    assert again["Idempotency-Replayed"] == "true"
    assert Profile.objects.count() == 1


def test_the_same_key_with_another_body_is_refused(shop: Program) -> None:
    shop.post("profiles", {"external_id": "A1"}, Idempotency_Key="k1")
    for path, body in (
        ("profiles", {"external_id": "A2"}),
        ("services", {"external_id": "A1"}),
    ):
        answer = shop.post(path, body, Idempotency_Key="k1")
        assert answer.status_code == 422
    assert answer.data["status"] == 422
    assert Profile.objects.count() == 1


def test_keys_of_two_programs_are_two(program: Any) -> None:
    for name in ("a", "b"):
        answer = program(name=name).post("profiles", {}, Idempotency_Key="same")
        assert answer.status_code == 201
    assert Profile.objects.count() == 2


def test_what_failed_can_be_corrected_under_the_same_key(shop: Program) -> None:
    assert shop.post("consent", out("nobody"), Idempotency_Key="k").status_code == 200
    bad = shop.post("services", {"slug": "x"}, Idempotency_Key="k2")
    assert bad.status_code == 422
    good = {"slug": "x", "label": "X", "channel": "email"}
    assert shop.post("services", good, Idempotency_Key="k2").status_code == 201


def test_an_answer_is_kept_for_a_day(shop: Program) -> None:
    shop.post("profiles", {}, Idempotency_Key="k1")
    assert answers.clean_up() == 0
    ApiAnswer.objects.update(at="2020-01-01T00:00:00Z")
    assert shop.post("profiles", {}, Idempotency_Key="k1").status_code == 201
    assert Profile.objects.count() == 2
    ApiAnswer.objects.update(at="2020-01-01T00:00:00Z")
    assert answers.clean_up() == 1


def test_a_dry_run_answers_and_changes_nothing(shop: Program) -> None:
    ann = person(email="ann@example.org")
    answer = shop.post("consent?dry_run=true", out(f"id:{ann.pk}"), Idempotency_Key="k")
    assert answer["Dry-Run"] == "true"
    assert answer.data["changed"] == 1
    ann.refresh_from_db()
    assert not ann.no_longer_contact_email
    assert not ConsentEvent.objects.exists()
    assert shop.post("consent", out(f"id:{ann.pk}"), Idempotency_Key="k").data[
        "changed"
    ]
    made = shop.post("profiles?dry_run=true", {"external_id": "new"})
    assert made.status_code == 201
    assert not Profile.objects.filter(external_id="new").exists()
    assert shop.post("profiles?dry_run=yes", {}).status_code == 422


def test_of_two_who_edit_the_second_is_told(shop: Program) -> None:
    ann = person(email="ann@example.org")
    read = shop.get(f"profiles/id:{ann.pk}")
    tag = read["ETag"]
    first = shop.patch(f"profiles/id:{ann.pk}", {"language": "nl"}, If_Match=tag)
    assert first.status_code == 200
    second = shop.patch(f"profiles/id:{ann.pk}", {"language": "de"}, If_Match=tag)
    assert second.status_code == 412
    assert second["ETag"] == first["ETag"]
    third = shop.patch(
        f"profiles/id:{ann.pk}", {"language": "de"}, If_Match=second["ETag"]
    )
    assert third.data["language"] == "de"
    Service.objects.create(slug="news", label="News", channel="email")
    tag = shop.get("services/news")["ETag"]
    assert shop.patch("services/news", {"label": "A"}, If_Match=tag).status_code == 200
    assert shop.patch("services/news", {"label": "B"}, If_Match=tag).status_code == 412
    # What is written in one language is no part of the answer, and of the tag it is.
    deliveries.create("June", channel="email")
    tag = shop.get("deliveries/June")["ETag"]
    for language, status in (("nl", 200), ("", 412)):
        said = {"content": "Hi {{ unsubscribe_link }}", "language": language}
        put = shop.call("PUT", "deliveries/June/content", said, If_Match=tag)
        assert put.status_code == status, put.content


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "field"),
    [
        ("POST", "consent", b"{", 400, "body"),
        ("POST", "consent", b'{"items": "\xff"}', 400, "body"),
        ("POST", "consent", b"[" * 100_000, 400, "body"),
        ("POST", "consent", b"[]", 422, "body"),
        ("POST", "consent", b'{"items": []}', 422, "items"),
        ("POST", "services", b'{"slug": "a\\u0000"}', 422, None),
        ("GET", "services?limit=0", b"", 422, "limit"),
        ("GET", "services?sort=label", b"", 422, "sort"),
        ("GET", "services?cursor=abc", b"", 422, "cursor"),
        ("GET", "services/none", b"", 404, None),
        ("GET", "profiles/id:99", b"", 404, None),
        ("GET", "nothing", b"", 404, None),
        ("GET", "jobs/import:1", b"", 404, "job"),
        ("POST", "profiles", b'{"language": "!!"}', 422, "language"),
        ("POST", "profiles", b'{"external_id": "A1"}', 409, "external_id"),
        (
            *("POST", "profiles", b'{"addresses": [{"channel": "sms"}]}', 422),
            "addresses.0.address",
        ),
        (
            *("POST", "profiles"),
            b'{"addresses": [{"channel": "email", "address": "x"}]}',
            *(422, "addresses.0.address"),
        ),
        (
            *("POST", "consent"),
            b'{"items": [{"profile": "ext:A1", "action": "opt_out", "channel": "sms",'
            b' "at": "2026-01-31T10:00:00"}]}',
            *(422, "items.0.at"),
        ),
        (
            *("POST", "consent"),
            b'{"items": [{"profile": "ext:A1", "action": "opt_out", "chanel": "sms"}]}',
            *(422, "items.0.channel"),
        ),
        (
            *("POST", "consent"),
            b'{"items": [' + b",".join([b"{}"] * 1_001) + b"]}",
            *(422, "items"),
        ),
        ("GET", "services?limit=1001", b"", 422, "limit"),
        ("GET", "services?cursor=-1", b"", 422, "cursor"),
        ("GET", "services?cursor=99999999999999999999", b"", 422, "cursor"),
        ("GET", "changes?since=1.2", b"", 422, "since"),
        ("GET", "quarantine/address?channel=email&address=x", b"", 422, "address"),
        ("PATCH", "profiles/ext:A1", b"[]", 422, "body"),
        ("POST", "endpoints", b'{"url": "https://10.0.0.1/", "events": []}', 422, None),
        ("POST", "imports", b"{}", 422, "file"),
        ("PUT", "services", b"{}", 405, None),
        ("GET", "", b"", 404, None),
    ],
)
def test_a_problem_names_the_field_and_the_remedy(
    shop: Program, method: str, path: str, body: bytes, status: int, field: str | None
) -> None:
    person(external_id="A1")
    answer = shop.client.generic(
        method,
        f"/api/v1/{path}",
        body,
        content_type="application/json",
        headers={"Authorization": f"Bearer {shop.secret}"},
    )
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    data = json.loads(answer.content)
    assert {"type", "title", "status", "detail", "code"} <= data.keys()
    if field:
        assert data["errors"][0]["field"] == field
    for word in ("Value error", "Extra inputs", "instance of", "validation"):
        assert word not in data["detail"], "the words of Python say nothing to others"


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/x"]
)
def test_a_body_that_is_not_said_to_be_json_is_refused(
    shop: Program, kind: str
) -> None:
    answer = shop.client.generic(
        "POST",
        "/api/v1/profiles",
        b'{"first_name": "a\\u0000"}',
        content_type=kind,
        headers={"Authorization": f"Bearer {shop.secret}"},
    )
    assert answer.status_code == 415
    assert "application/json" in json.loads(answer.content)["remedy"]


def test_head_is_answered_as_get_and_options_says_what_there_is(shop: Program) -> None:
    whole, head = shop.get("services"), shop.call("HEAD", "services")
    assert (head.status_code, head.content) == (200, b"")
    assert head["Content-Length"] == str(len(whole.content))
    assert head["RateLimit-Policy"] == whole["RateLimit-Policy"]
    options = shop.call("OPTIONS", "services")
    assert (options.status_code, options.content) == (204, b"")
    assert options["Allow"] == "GET, HEAD, OPTIONS, POST"
    assert shop.call("HEAD", "contactable")["Allow"] == "OPTIONS, POST"
    assert shop.client.head("/api/v1/services").status_code == 401


@pytest.mark.parametrize("where", ["identify", "keep"])
def test_a_database_that_is_away_is_said_so_that_programs_try_again(
    shop: Program, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def away(*args: Any, **facts: Any) -> None:
        raise OperationalError("the server closed the connection on ann@example.org")

    monkeypatch.setattr(api_keys, where, away)
    answer = shop.post("profiles", {"external_id": "A1"}, Idempotency_Key="k")
    assert (answer.status_code, answer["Retry-After"]) == (503, "60")
    assert "ann@" not in str(answer.data)
    monkeypatch.undo()
    assert not Profile.objects.exists()
    again = shop.post("profiles", {"external_id": "A1"}, Idempotency_Key="k")
    assert again.status_code == 201


def test_where_somebody_asked_is_no_proof_of_how(shop: Program) -> None:
    ann = person(email="ann@example.org", out="email")
    item = {**out(f"id:{ann.pk}")["items"][0], "action": "opt_in", "source": "webshop"}
    failed = shop.post("consent", {"items": [item]}).data["items"][0]
    assert (failed["status"], failed["error"]["field"]) == ("failed", "note")
    held = {"profile": f"id:{ann.pk}", "service": "news", "source": "webshop"}
    Service.objects.create(slug="news", label="News", channel="email")
    for action, status in (
        ("subscribe", "changed"),
        ("unsubscribe", "changed"),
        ("subscribe", "failed"),
    ):
        done = shop.post("subscriptions", {"items": [{**held, "action": action}]})
        assert done.data["items"][0]["status"] == status, action
    ok = shop.post("consent", {"items": [{**item, "wording": "v1"}]}).data["items"][0]
    assert ok["status"] == "changed"


def test_two_profiles_with_one_name_are_listed(shop: Program) -> None:
    one, other = person(email="twin@example.org"), person(email="twin@example.org")
    answer = shop.get("profiles/twin@example.org")
    assert answer.status_code == 409
    assert f"id:{one.pk}" in answer.data["detail"]
    found = shop.get("profiles?find=twin@example.org").data["items"]
    assert [row["id"] for row in found] == [one.pk, other.pk]


# ------------------------------------------------------------------ two at once
@pytest.mark.django_db(transaction=True)
def test_two_equal_requests_at_once_act_once(shop: Program) -> None:
    """Both get the same answer; the second waits for the first to commit."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    got: list[Any] = []

    def ask() -> None:
        client = Client()
        try:
            answer = client.post(
                "/api/v1/profiles",
                b'{"first_name": "Ann"}',
                content_type="application/json",
                headers={
                    "Authorization": f"Bearer {shop.secret}",
                    "Idempotency-Key": "one",
                },
            )
            got.append((answer.status_code, answer.content))
        finally:
            connections.close_all()

    threads = [Thread(target=ask) for _n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(got) == 6
    assert len(set(got)) == 1
    assert got[0][0] == 201
    assert Profile.objects.count() == 1
