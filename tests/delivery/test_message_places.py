"""The places of a message are those of every text, with filters."""

import pytest

from audiences.wording.placeholders import fill, fill_by, places
from delivery.content import placeholders


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Hi {{ first_name }}", ["first_name"]),
        ("{{first_name}}{{\nlast_name\n}}", ["first_name", "last_name"]),
        ("{{ first_name | upper | trim }}", ["first_name"]),
        ("{{{ first_name }}}", ["first_name"]),
        ("{{ }}", [""]),
        ("{ first_name } {{ first_name }", []),
    ],
)
def test_a_place_is_found_without_its_filters(text: str, names: list[str]) -> None:
    assert placeholders(text) == names


def test_a_filter_is_part_of_the_name_in_our_own_texts() -> None:
    assert places("{{ link | safe }}") == ["link | safe"]
    assert fill("a {{ link | safe }} b", {"link": "x"}) == "a  b"


def test_what_has_no_value_may_stay_as_it_stands() -> None:
    values = {"first_name": "Ann"}
    text = "{{ first_name }} {{ nickname }}"
    assert fill_by(text, values.get) == "Ann {{ nickname }}"
