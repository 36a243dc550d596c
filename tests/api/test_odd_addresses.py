"""Texts of servers and people are masked however an address is written in them."""

import pytest

from audiences.masking import masked_id, masked_text


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
