"""The places of a message are those of every text, with filters."""

import pytest
from django.utils.html import escape

from audiences.models import Profile
from audiences.wording.placeholders import fill, fill_by, places
from delivery.content import placeholders, preview
from delivery.models import Delivery


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


def test_a_preview_fills_what_it_knows_and_escapes_it_in_html() -> None:
    shown = preview(
        Delivery(
            channel="email",
            subject="{{ language | there }}",
            content="<p>{{ preferences_link }} {{ nickname }}</p>",
        )
    )
    assert shown.subject == "en"
    assert shown.content == (
        "<p>https://link.example/preferences_link {{ nickname }}</p>"
    )
    assert shown.unknown == ["nickname"]


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("last_name", "O'Neill & <co>"),
        ("last_name|there", "O'Neill & <co>"),
        ("first_name|there", "there"),
        ("first_name | you  there ", "you there"),
        ("first_name", ""),
        ('first_name|default:"reader"', "reader"),
        ("first_name|default:'reader'", "reader"),
        ('last_name|default:"reader"', "O'Neill & <co>"),
        ("last_name|upper", "{{ last_name|upper }}"),
        ("last_name|pad:'9'", "{{ last_name|pad:'9' }}"),
        ("last_name|there|upper", "{{ last_name|there|upper }}"),
    ],
)
def test_what_is_empty_has_a_fallback_and_a_filter_is_shown(
    place: str, expected: str
) -> None:
    ann = Profile(last_name="O'Neill & <co>")
    text = f"{{{{ {place} }}}}"
    message = Delivery(channel="email", subject=text, content=f"<p>{text}</p>")
    shown = preview(message, ann)
    assert shown.subject == expected
    if "{{" not in expected:
        assert shown.content == f"<p>{escape(expected)}</p>"
