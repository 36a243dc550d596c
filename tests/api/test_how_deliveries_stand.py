"""How far a delivery is, in the same word wherever it is asked, and how to go on."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from delivery import analysis, deliveries
from tests.factories import ServiceFactory
from tests.people import person

from .conftest import Program

pytestmark = pytest.mark.django_db
TEXT = {"subject": "Hi", "content": "Hello {{ first_name }}\n\n{{ unsubscribe_link }}"}


@pytest.fixture
def june(shop: Program) -> str:
    person(email="ann@example.org")
    made = shop.post("deliveries", {"label": "June", "channel": "email"})
    path = f"deliveries/id:{made.data['id']}"
    shop.call("PUT", f"{path}/content", TEXT)
    return path


def _prepare(shop: Program, path: str) -> Any:
    job = shop.post(f"{path}/prepare")
    assert job.status_code == 202, job.content
    analysis.analyse(deliveries.find("June"))
    return shop.get(f"jobs/{job.data['id']}").data


def test_a_delivery_has_one_state_wherever_it_is_read(shop: Program, june: str) -> None:
    def states() -> set[str]:
        (listed,) = shop.get("deliveries").data["items"]
        read, status = shop.get(june).data, shop.get(f"{june}/status").data
        return {listed["state"], read["state"], status["state"]}

    assert states() == {"draft"}
    _prepare(shop, june)
    assert states() == {"ready"}
    begins = timezone.now().replace(microsecond=0) + timedelta(days=3)
    sent = shop.post(f"{june}/send", {"at": begins.isoformat()})
    assert states() == {"scheduled"}
    assert sent.data["starts_at"] == begins.strftime("%Y-%m-%dT%H:%M:%SZ")
    shop.post(f"{june}/cancel")
    assert states() == {"cancelled"}


def test_a_preparation_that_is_asked_for_anew_has_no_error_of_the_former(
    shop: Program, june: str
) -> None:
    shop.call("PUT", f"{june}/content", {**TEXT, "content": "{{ nickname }}"})
    job = shop.post(f"{june}/prepare").data["id"]
    analysis.analyse(deliveries.find("June"))
    failed = shop.get(f"jobs/{job}").data
    assert (failed["state"], failed["is_finished"]) == ("failed", True)
    assert "nickname" in failed["error"]
    shop.call("PUT", f"{june}/content", TEXT)
    asked = shop.post(f"{june}/prepare").data
    assert (asked["state"], asked["error"]) == ("waiting", "")
    analysis.analyse(deliveries.find("June"))
    assert shop.get(f"jobs/{job}").data["error"] == ""


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"service": "alerts"}, "service"),
        ({"purpose": "legal"}, "purpose_note"),
        ({"purpose": "legal", "purpose_note": " "}, "purpose_note"),
    ],
)
def test_a_delivery_that_was_described_wrongly_is_to_be_corrected(
    shop: Program, given: dict[str, str], field: str
) -> None:
    ServiceFactory(slug="alerts", channel="sms")
    facts = {"label": "June", "channel": "email", **given}
    refused = shop.post("deliveries", facts)
    assert refused.status_code == 422
    assert [error["field"] for error in refused.data["errors"]] == [field]
    assert refused.data["remedy"].startswith("Correct what")


def test_a_text_that_was_handed_over_stands(shop: Program, june: str) -> None:
    wrong = shop.call("PUT", f"{june}/content", {**TEXT, "language": "xx!"})
    assert wrong.status_code == 422
    assert "code of a language" in wrong.data["remedy"]
    _prepare(shop, june)
    shop.post(f"{june}/send", {"now": True})
    refused = shop.call("PUT", f"{june}/content", TEXT)
    assert refused.status_code == 409
    assert "another delivery" in refused.data["remedy"]


def test_whoever_subscribes_again_hears_of_each_proof(shop: Program) -> None:
    ServiceFactory(slug="news")
    ann = person(email="ann@example.org")
    facts = {"profile": f"id:{ann.pk}", "service": "news"}

    def act(**more: str) -> Any:
        items = [{**facts, **more}]
        return shop.post("subscriptions", {"items": items}).data["items"][0]

    act(action="subscribe")
    act(action="unsubscribe")
    refused = act(action="subscribe", source="checkout")
    assert refused["status"] == "failed"
    assert "`wording`" in refused["error"]["remedy"]
    assert act(action="subscribe", wording="v2")["status"] == "changed"


def test_a_token_that_confirms_nothing_says_what_does(shop: Program) -> None:
    refused = shop.post("subscriptions/confirm", {"token": "x"})
    assert refused.status_code == 404
    assert "/u/confirm/" in refused.data["remedy"]
