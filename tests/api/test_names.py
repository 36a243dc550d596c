"""People, deliveries and audiences by any name that they can have."""

from urllib.parse import quote

import pytest

from delivery import deliveries
from tests.people import is_, person, tree

from .conftest import Program

pytestmark = pytest.mark.django_db
# An id of a shop, a folder, a date, a web address: slashes, spaces, letters of anybody.
NAMES = [
    "A/1",
    "a/b/c",
    "2026/05/01",
    "é ü/漢",
    "https://x.example/1",
    "50%/x",
    "a?b#c",
]


@pytest.mark.parametrize("name", NAMES)
def test_an_external_id_may_have_any_character(shop: Program, name: str) -> None:
    made = shop.post("profiles", {"external_id": name})
    for given in (name, f"ext:{name}"):
        place = f"profiles/{quote(given, safe='')}"
        assert shop.get(place).data["id"] == made.data["id"]
        assert shop.call("HEAD", place).status_code == 200
        tag = shop.get(place)["ETag"]
        changed = shop.patch(place, {"first_name": given[:20]}, If_Match=tag)
        assert changed.status_code == 200, changed.content
        body = {"channel": "email", "address": "ann@example.org"}
        assert shop.post(f"{place}/addresses", body).status_code == 200
        gone = shop.call(
            "DELETE", f"{place}/addresses?channel=email&address=ann@example.org"
        )
        assert gone.status_code == 204
    assert shop.get(f"consent?profile={quote(name, safe='')}").status_code == 200


@pytest.mark.parametrize("name", NAMES)
def test_a_label_and_the_name_of_an_audience_too(shop: Program, name: str) -> None:
    made = deliveries.create(name, channel="email")
    place = f"deliveries/{quote(name, safe='')}"
    assert shop.get(place).data["id"] == made.pk
    assert shop.get(f"{place}/status").data["delivery"]["id"] == made.pk
    assert shop.post(f"{place}/pause").status_code == 409
    said = {"content": "Hi {{ unsubscribe_link }}"}
    assert shop.call("PUT", f"{place}/content", said).status_code == 200
    audience = {"name": name, "condition": tree(is_("language", "nl"))}
    where = shop.post("audiences", audience)["Location"]
    place = where.removeprefix("/api/v1/")
    assert place == f"audiences/{quote(name, safe=':')}"
    assert shop.get(place).data["name"] == name
    assert shop.get(f"{place}/count").data["count"] == 0


def test_a_name_that_ends_as_an_address_of_ours_is_found_by_its_id(
    shop: Program,
) -> None:
    ann = person(external_id="A/addresses")
    assert shop.get("profiles/A%2Faddresses").status_code == 405
    assert shop.get(f"profiles/id:{ann.pk}").data["external_id"] == "A/addresses"


def test_what_was_made_says_where_it_is(shop: Program) -> None:
    for path, body in (
        ("profiles", {"external_id": "a/b"}),
        ("services", {"slug": "news", "label": "News", "channel": "email"}),
        ("audiences", {"name": "a b/c", "condition": tree(is_("language", "nl"))}),
        ("deliveries", {"label": "June", "channel": "email"}),
        ("privacy-requests", {"profile": "ext:a/b", "kind": "access"}),
        ("endpoints", {"url": "https://a.example/", "events": ["profile.erased"]}),
    ):
        made = shop.post(path, body)
        assert made.status_code == 201, made.content
        there = shop.get(made["Location"].removeprefix("/api/v1/"))
        secret = {"secret": made.data["secret"]} if "secret" in made.data else {}
        assert {**there.data, **secret} == made.data
    place = made["Location"].removeprefix("/api/v1/")
    told = shop.post(f"{place}/replay", {"since": "2026-01-01T00:00:00Z"})
    assert shop.get(told["Location"].removeprefix("/api/v1/")).data["items"] == []
