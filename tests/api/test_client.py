"""The client of the documentation, against a site that serves."""

import importlib.util
import json
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from standardwebhooks import Webhook

from audiences import api_keys, consent, endpoints, suppression
from audiences.consent import Origin
from audiences.models import Profile, Subscription
from tests.factories import ServiceFactory
from tests.people import ORIGIN, person

from .receiver import receiving

pytestmark = pytest.mark.django_db(transaction=True)
CLIENT = Path(__file__).resolve().parents[2] / "docs" / "api" / "client.py"
spec = importlib.util.spec_from_file_location("campaign_client", CLIENT)
assert spec
assert spec.loader
client: Any = importlib.util.module_from_spec(spec)
spec.loader.exec_module(client)


@pytest.fixture
def campaign(live_server: Any) -> Any:
    secret = api_keys.create("crm", ["administrator"]).secret
    return client.Campaign(live_server.url, secret)


def test_the_client_does_what_the_recipes_say(campaign: Any) -> None:
    ann = person(email="ann@example.org", external_id="A1")
    _none, cursor = campaign.changes("now")
    assert campaign.contactable("email", ["ann@example.org"]) == {"ann@example.org": []}
    result = campaign.opt_out(["addr:ann@example.org"], "email", source="webshop")
    assert [row["status"] for row in result] == ["changed"]
    assert campaign.contactable("email", ["ann@example.org"]) == {
        "ann@example.org": ["denylist_channel"]
    }
    changes, cursor = campaign.changes(cursor, types="consent.opted_out")
    assert [change["data"]["profile"] for change in changes] == [ann.pk]
    assert changes[0]["data"]["addresses"] == {"email": "ann@example.org"}
    assert campaign.changes(cursor)[0] == []
    campaign.opt_in(["ext:A1"], "email", note="asked in the shop")
    assert campaign.profile("ext:A1")["opted_out"]["email"] is False
    made = campaign.create_profile(external_id="B/2")
    assert [row["id"] for row in campaign.pages("profiles")] == [ann.pk, made["id"]]
    with pytest.raises(client.ApiError, match="404"):
        campaign.profile("ext:none")


def test_the_client_checks_who_calls(settings: Any) -> None:
    settings.ENDPOINTS_ALLOW_PRIVATE = True
    with receiving() as receiver:
        shown = endpoints.create(receiver.url, ["consent.opted_out"])
        given: list[tuple[dict[str, str], bytes]] = []

        def take(headers: Any, body: bytes) -> int:
            given.append(({k.lower(): v for k, v in headers.items()}, body))
            return 204

        receiver.take = take  # type: ignore[method-assign]
        consent.opt_out(person(), "email", Origin(source="operator", note="x"))
        assert endpoints.work(shown.endpoint.pk) == 1
    headers, body = given[0]
    change = client.verified(shown.secret, headers, body)
    assert change["type"] == "consent.opted_out"
    with pytest.raises(ValueError, match="not signed"):
        client.verified(shown.secret, headers, body + b" ")
    with pytest.raises(ValueError, match="too old"):
        client.verified(shown.secret, headers | {"webhook-timestamp": "1"}, body)


RECIPES = CLIENT.with_name("recipes.md").read_text(encoding="utf-8")


class Recipes:
    """The recipes as they are written, with the keys that they name, against a site."""

    def __init__(self, site: str) -> None:
        self.site = site
        found = re.findall(r"create_api_key (\w+) --scopes (.+)", RECIPES)
        self.keys = {
            name: api_keys.create(name, scopes.split()).secret for name, scopes in found
        }
        self.blocks = re.findall(r"```python\n(.*?)```", RECIPES, re.DOTALL)

    def cook(self, place: int, key: str = "", **given: Any) -> dict[str, Any]:
        """Run one of them; what it is given stands there already."""
        names = {"KEY": self.keys.get(key), **given}
        text = self.blocks[place].replace("https://campaign.example.org", self.site)
        exec(text, names)
        return names


@pytest.fixture
def recipes(live_server: Any, monkeypatch: pytest.MonkeyPatch) -> Recipes:
    monkeypatch.setitem(sys.modules, "client", client)
    return Recipes(live_server.url)


def test_a_list_provider_is_kept_in_step(recipes: Recipes) -> None:
    ann = person(email="ann@example.org")
    person(email="bob@example.org", external_id="B")
    twins = [person(email="twins@example.org") for _each in range(2)]
    told: list[str] = []
    kept: list[str] = []
    given = {
        "unsubscribed_there": [
            f"{name}@example.org" for name in ("ann", "nobody", "twins")
        ],
        "unsubscribe_there": told.append,
        "remember": kept.append,
    }
    done = recipes.cook(0, "mailchimp", cursor="", **given)
    assert [row["status"] for row in done["results"]] == ["changed", "failed", "failed"]
    assert suppression.rows_about("email", "nobody@example.org")
    for twin in twins:
        twin.refresh_from_db()
        assert twin.no_longer_contact_email
    ann.refresh_from_db()
    assert ann.no_longer_contact_email
    assert told == ["ann@example.org", "twins@example.org", "twins@example.org"]
    consent.opt_out(person(email="cas@example.org"), "any", ORIGIN)
    recipes.cook(0, "mailchimp", cursor=kept[-1], **given)
    assert told[-1] == "cas@example.org"


def test_a_shop_makes_its_customers_and_asks_them(recipes: Recipes) -> None:
    ServiceFactory(slug="newsletter", double_opt_in=True)
    for number, wants in (("1001", True), ("2026/7", False), ("2026/7", True)):
        order = SimpleNamespace(
            customer_number=number,
            email=f"{number[:4]}@example.org",
            wants_newsletter=wants,
        )
        campaign = client.Campaign(recipes.site, recipes.keys["webshop"])
        recipes.cook(1, campaign=campaign, order=order)
    assert Profile.objects.count() == 2
    held = Subscription.objects.values_list("status", flat=True)
    assert [*held] == ["pending", "pending"]


def test_a_crm_believes_what_is_signed_and_takes_it_once(recipes: Recipes) -> None:
    person_out = person(external_id="A1")
    consent.opt_out(person_out, "email", ORIGIN)
    (change,) = client.Campaign(recipes.site, recipes.keys["crm"]).changes("")[0]
    body, secret = json.dumps(change).encode(), "whsec_" + "QUJD" * 8
    at = datetime.now(UTC)
    signed = Webhook(secret).sign(change["id"], at, body.decode())
    headers = {
        "Webhook-Id": change["id"],
        "Webhook-Timestamp": str(int(at.timestamp())),
        "Webhook-Signature": signed,
    }
    closed: list[tuple[str, str]] = []
    crm = SimpleNamespace(close_channel=lambda *about: closed.append(about))
    seen: set[str] = set()
    before = lambda name: name in seen or seen.add(name)  # noqa: E731
    made = recipes.cook(2, SECRET=secret, seen_before=before, crm=crm)
    call = SimpleNamespace(headers=headers, body=body)
    assert [made["webhook"](call) for _twice in range(2)] == [204, 204]
    assert closed == [("A1", "email")]
    with pytest.raises(ValueError, match="not signed"):
        made["webhook"](SimpleNamespace(headers=headers, body=body + b" "))


def test_the_client_is_short() -> None:
    assert len(CLIENT.read_text().splitlines()) <= 150


def test_what_was_not_answered_is_sent_again_under_the_same_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(client, "time", SimpleNamespace(sleep=pauses.append))
    with receiving(answers=[503, 429, 502]) as receiver:
        keys: list[str] = []
        take = receiver.take

        def noted(headers: Any, body: bytes) -> int:
            keys.append(headers["Idempotency-Key"])
            assert json.loads(body) == {"external_id": "A", "data": {}}
            return 204 if len(keys) > 3 else take({}, b'{"data": {}}')

        receiver.take = noted  # type: ignore[method-assign]
        campaign = client.Campaign(receiver.url, "ck_x")
        assert campaign.create_profile(external_id="A", data={}) is None
        assert len(keys) == 4
        assert len({*keys}) == 1
        assert len(pauses) == 3
        del keys[:]
        receiver.answers = [422]
        with pytest.raises(client.ApiError, match="422"):
            campaign.create_profile(external_id="A", data={})
        assert len(keys) == 1, "what is wrong is not sent again"


def test_more_than_a_thousand_go_in_several_calls(campaign: Any) -> None:
    sent: list[int] = []
    call = campaign.call

    def counted(method: str, path: str, body: Any = None, **query: Any) -> Any:
        sent.append(len(body["addresses"]))
        return call(method, path, body, **query)

    campaign.call = counted
    found = campaign.contactable("email", [f"p{n}@example.org" for n in range(1_001)])
    assert sent == [1_000, 1]
    assert {*map(tuple, found.values())} == {("unknown",)}
