"""Whatever people are called and whatever is written: the mail is a mail, to one person.

`strictly` asserts the rest: headers once, no defects, CRLF, short lines.
"""

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings as limits, strategies as st
from hypothesis.extra.django import TestCase

from delivery.composing import Composer, quoted_printable as qp

from . import mails
from .mails import html_of, person, strictly, text_of

ODD = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00"), max_size=150
) | st.sampled_from(
    [
        *("\r\nBcc: x@y.example", "=?utf-8?q?x?=", '"', "\\", "<x@y.example>", ",;:"),
        *(
            "{{ last_name }}",
            "{% x %}",
            "-->",
            "</title>",
            "]]>",
            "&amp;",
            "javascript:",
        ),
        *(".", "From me", "a" * 150, "é" * 150, "\u202e", "\u2028", " ", "\t"),
    ]
)
PARTS = st.lists(
    ODD.map(lambda text: text.replace("{", "(").replace("}", ")").replace("%", "%"))
    | st.sampled_from(
        [
            *("{{ first_name|there }}", "{{ last_name }}", "{{ unsubscribe_link }}"),
            *("\n\n", "\n", "# ", "- ", "*", "<b>", "</b>", "<p>", "<br>", "<!--", ">"),
            *('<a href="{{ view_link }}">', "</a>", "<table><tr><td>", "."),
            '<a href="https://x.example/?q={{ external_id }}">',
        ]
    ),
    max_size=12,
).map("".join)


class _Texts(HTMLParser):
    """What a browser would run, or take for an attribute that is not ours."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _value in attrs}


class AnyMail(TestCase):
    @limits(max_examples=150, deadline=None)
    @given(first=ODD, last=ODD, number=ODD, subject=ODD, content=PARTS)
    def test_a_mail_is_whole_and_to_one_person(
        self, first: str, last: str, number: str, subject: str, content: str
    ) -> None:
        subject = subject.replace("{", "(").replace("}", ")").replace("%}", "")[:200]
        content = content.replace("{%", "").replace("%}", "")
        made = mails.delivery(f"x{content}", f"S {subject.replace('{%', '')}")
        to = person(first_name=first, last_name=last, external_id=number)
        composer = Composer(made)
        [outgoing] = composer.compose([to])
        read = strictly(outgoing)
        assert read["to"].addresses[0].addr_spec == "ann@shop.example"
        shown = composer.rendered(to)
        assert text_of(read).rstrip("\n") == shown.text.replace("\r\n", "\n").rstrip(
            "\n"
        )
        seen = _Texts()
        seen.feed(html_of(read))
        assert not seen.tags & {"script", "iframe", "form", "object", "svg", "base"}
        assert not {name for name in seen.attributes if name.startswith("on")}
        links = html_of(read).split('href="')[1:]
        assert all(
            link.startswith(("https://", "http://", "mailto:", "tel:"))
            for link in links
        )


@limits(max_examples=300)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=400))
def test_quoted_printable_is_read_back(text: str) -> None:
    import quopri

    encoded = qp.encode(text)
    assert quopri.decodestring(encoded).decode() == text.replace("\n", "\r\n")
    assert max(map(len, encoded.split(b"\r\n"))) <= 76
    assert encoded.isascii()


@pytest.mark.parametrize("text", ["From me", ".", "a ", "a\t\nb", "=", "é" * 100, ""])
def test_a_value_stands_between_soft_line_breaks(text: str) -> None:
    import quopri

    value = qp.value(text)
    whole = b"before " + qp.SOFT + value + qp.SOFT + b" after"
    assert (
        quopri.decodestring(whole).decode()
        == f"before {text.replace(chr(10), chr(13) + chr(10))} after"
    )
    assert not value.startswith((b"From ", b"."))
