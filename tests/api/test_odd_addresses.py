"""Texts of servers and people are masked however an address is written in them."""

from collections.abc import Callable

import pytest

from audiences.masking import masked_id, masked_text
from tests.people import is_, tree

from .conftest import Program


@pytest.mark.parametrize(
    "text",
    [
        "ann.smith@shop.example",
        "<ann.smith@shop.example>:",
        'no such user "ann.smith smith"@shop.example here',
        "GET /stop?email=ann.smith%40shop.example&x=1 404",
        "=?utf-8?q?ann.smith=40shop.example?=",
        "ann.smith\uff20shop.example",
        "ann.smith(at)shop.example",
        "ann.smith[AT]shop.example, and others",
        "mailto:ann.smith@shop.example",
    ],
)
def test_neither_the_name_nor_the_place_is_left(text: str) -> None:
    shown = masked_text(text)
    assert "nn.smith" not in shown
    assert "shop" not in shown
    assert "\u2022\u2022\u2022@s\u2022\u2022\u2022.example" in shown
    if " " not in text:
        assert "nn.smith" not in masked_id(text)


@pytest.mark.parametrize(
    "text", ["100%40", "size=40px", "look(at)me", "100%40.5", '"hello"@', "a=40.25"]
)
def test_what_is_no_address_is_left(text: str) -> None:
    assert masked_text(text) == text


@pytest.mark.django_db
def test_an_external_id_is_not_found_letter_by_letter(
    program: Callable[..., Program],
) -> None:
    """It may be an address: who sees it masked could ask for each of its beginnings."""
    begins = {**is_("external_id", "ann"), "operator": "starts_with"}
    either = {"node": "any", "of": [{"node": "not", "of": begins}, begins]}
    blind = program("audiences:write", name="blind")
    sees = program("audiences:write", "profiles:read", name="sees")
    allowed = [tree(is_("external_id", "ann@example.org")), tree(is_("language", "nl"))]
    for key, status in ((blind, 403), (sees, 200)):
        for condition in (tree(begins), tree(either)):
            answer = key.post("audiences/count", {"condition": condition})
            assert answer.status_code == status, answer.content
        for condition in allowed:
            assert key.post("audiences/count", {"condition": condition}).data
    made = blind.post("audiences", {"name": "Ann", "condition": tree(begins)})
    assert (made.status_code, made.data["errors"][0]["field"]) == (403, "condition")
    assert blind.post("audiences", {"name": "Ann", "condition": allowed[0]}).data[
        "name"
    ]
    assert blind.patch("audiences/Ann", {"condition": tree(begins)}).status_code == 403
    assert sees.patch("audiences/Ann", {"condition": tree(begins)}).status_code == 200
