"""An Idempotency-Key makes one act of many requests, whatever comes between."""

from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection, connections

from audiences import consent
from audiences.models import ApiAnswer, ApiKey, ConsentEvent, Endpoint, Profile, Service
from delivery import deliveries
from delivery.composing import writing
from delivery.models import PreparationRequest
from tests.factories import ServiceFactory
from tests.people import ORIGIN, person

from .conftest import Program

pytestmark = pytest.mark.django_db


def test_a_job_that_was_asked_for_is_not_asked_for_again(shop: Program) -> None:
    made = deliveries.create("June", channel="email")
    writing.set_content(made, subject="S", content="Hi {{ unsubscribe_link }}")
    first = shop.post("deliveries/June/prepare", Idempotency_Key="k")
    assert first.status_code == 202
    PreparationRequest.objects.all().delete()
    again = shop.post("deliveries/June/prepare", Idempotency_Key="k")
    assert (again.status_code, again.data) == (202, first.data)
    assert again["Location"] == first["Location"]
    assert not PreparationRequest.objects.exists()
    # The same body at another address is another request.
    other = shop.post("deliveries/id:1/prepare", Idempotency_Key="k")
    assert (other.status_code, other.data["code"]) == (422, "another_request")


def test_the_key_of_a_question_is_for_no_other_and_its_answer_is_of_now(
    shop: Program,
) -> None:
    ann = person(email="ann@example.org")
    asked = {"channel": "email", "addresses": ["ann@example.org"]}
    first = shop.post("contactable", asked, Idempotency_Key="k")
    consent.opt_out(ann, "email", ORIGIN)
    again = shop.post("contactable", asked, Idempotency_Key="k")
    assert (first.data["items"][0]["causes"], again.data["items"][0]["causes"]) == (
        [],
        ["denylist_channel"],
    )
    other = {**asked, "purpose": "legal"}
    refused = shop.post("contactable", other, Idempotency_Key="k")
    assert (refused.status_code, refused.data["code"]) == (422, "another_request")
    wrong = {**asked, "service": "nosuch"}
    assert shop.post("contactable", wrong, Idempotency_Key="free").status_code == 404
    assert shop.post("contactable", asked, Idempotency_Key="free").status_code == 200


def test_what_came_between_changes_no_answer_that_is_given_again(
    shop: Program,
) -> None:
    ann = person(email="ann@example.org")
    item = {"profile": f"id:{ann.pk}", "channel": "email", "note": "by phone"}
    out = {"items": [{**item, "action": "opt_out"}]}
    into = {"items": [{**item, "action": "opt_in"}]}
    first = shop.post("consent", out, Idempotency_Key="one")
    shop.post("consent", into, Idempotency_Key="two")
    again = shop.post("consent", out, Idempotency_Key="one")
    assert again.content == first.content
    ann.refresh_from_db()
    assert not ann.no_longer_contact_email, "it was not done a second time"
    assert ConsentEvent.objects.count() == 2


def test_an_error_is_not_kept_and_the_key_stays_free(shop: Program) -> None:
    body = {"label": "News", "channel": "email"}
    assert shop.post("services", body, Idempotency_Key="k").status_code == 422
    taken = {"slug": "news", **body}
    ServiceFactory(slug="news")
    assert shop.post("services", taken, Idempotency_Key="k").status_code >= 400
    Service.objects.all().delete()
    assert shop.post("services", taken, Idempotency_Key="k").status_code == 201
    assert shop.post("services", body, Idempotency_Key="k").status_code == 422
    assert ApiAnswer.objects.count() == 1


def test_a_key_is_kept_only_for_whoever_may_still_ask(shop: Program) -> None:
    body = {"url": "https://crm.example.org/", "events": ["consent.opted_out"]}
    made = shop.post("endpoints", body, Idempotency_Key="k")
    assert made.data["secret"]
    assert shop.post("endpoints", body, Idempotency_Key="k").data == made.data
    ApiKey.objects.update(scopes=["endpoints:read"])
    again = shop.post("endpoints", body, Idempotency_Key="k")
    assert (again.status_code, again.data["code"]) == (403, "scope_missing")
    assert "secret" not in again.data
    assert Endpoint.objects.count() == 1


@pytest.mark.parametrize(
    ("name", "status"),
    [("x" * 255, 201), ("x" * 256, 422), ("a\tb", 422), ("é", 201), ("a b", 201)],
)
def test_a_key_is_a_short_text(shop: Program, name: str, status: int) -> None:
    answer = shop.post("profiles", {}, Idempotency_Key=name)
    assert answer.status_code == status
    if status == 422:
        assert answer.data["errors"][0]["field"] == "Idempotency-Key"


def test_a_try_leaves_no_answer(shop: Program) -> None:
    body = {"external_id": "A"}
    for _twice in range(2):
        tried = shop.post("profiles?dry_run=true", body, Idempotency_Key="k")
        assert (tried.status_code, tried["Dry-Run"]) == (201, "true")
        assert "Idempotency-Replayed" not in tried
    assert not ApiAnswer.objects.exists()
    shop.post("profiles", body, Idempotency_Key="k")
    tried = shop.post("profiles?dry_run=true", body, Idempotency_Key="k")
    assert tried.status_code == 409, "it is tried, not said again"
    assert Profile.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_different_requests_at_once_under_one_key_one_is_done(
    shop: Program,
) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    start, got = Barrier(6), []

    def ask(n: int) -> None:
        own = Program(shop.secret, "shop")
        try:
            start.wait(120)
            body = {"external_id": f"A{n % 2}"}
            done: Any = own.post("profiles", body, Idempotency_Key="one")
            got.append((done.status_code, done.data.get("external_id")))
        finally:
            connections.close_all()

    threads = [Thread(target=ask, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert Profile.objects.count() == 1
    made = Profile.objects.get().external_id
    assert sorted(got, key=str) == [(201, made)] * 3 + [(422, None)] * 3
