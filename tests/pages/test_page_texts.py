"""Every language has every text; a third language is one file."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from audiences.channels import Channel
from audiences.models import LandingPage
from audiences.wording import page_texts

CODES = [code for code, _name in page_texts.languages()]


def keys(table: dict[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from keys(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value


@pytest.mark.parametrize("code", CODES)
def test_every_language_has_every_text(code: str) -> None:
    english = dict(keys(page_texts.texts("en")))
    own = dict(keys(page_texts.texts(code)))
    assert sorted(own) == sorted(english)
    empty = [name for name, text in own.items() if not text and english[name]]
    assert empty == []


@pytest.mark.parametrize("code", CODES)
def test_every_language_has_the_same_places_in_a_text(code: str) -> None:
    english = dict(keys(page_texts.texts("en")))
    for name, text in keys(page_texts.texts(code)):
        for place in ("messages", "service", "url", "urls", "days", "date", "mailbox"):
            mark = f"{{{place}}}"
            assert (mark in text) == (mark in english[name]), (name, mark)


@pytest.mark.parametrize("code", CODES)
def test_every_kind_and_channel_has_its_words(code: str) -> None:
    texts = page_texts.texts(code)
    assert set(texts["kinds"]) == set(LandingPage.Kind.values)
    assert set(texts["channels"]) == set(Channel.values)
    assert set(texts["messages"]) == {*Channel.values, "any"}


def test_a_missing_text_is_named() -> None:
    with pytest.raises(page_texts.MissingText, match=r"nl\.toml has no page\.nothing"):
        page_texts.text("nl", "page.nothing")


def test_a_third_language_is_one_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for code in CODES:
        shutil.copy(page_texts.FOLDER / f"{code}.toml", tmp_path)
    text = (tmp_path / "nl.toml").read_text(encoding="utf-8")
    frisian = text.replace('name = "Nederlands"', 'name = "Frysk"')
    (tmp_path / "fy.toml").write_text(frisian, encoding="utf-8")
    monkeypatch.setattr(page_texts, "FOLDER", tmp_path)
    assert ("fy", "Frysk") in page_texts.languages()
    assert page_texts.text("fy", "page.undo") == "Ongedaan maken"
    page_texts.texts.cache_clear()


CLOSEST = [
    ("nl", "nl"),
    ("nl-BE", "nl"),
    ("NL_be", "nl"),
    ("en-GB-oxendict", "en"),
    ("fr", ""),
    ("", ""),
    ("n", ""),
    ("nlx", ""),
]


@pytest.mark.parametrize(("asked", "found"), CLOSEST)
def test_the_closest_language(asked: str, found: str) -> None:
    assert page_texts.closest(asked, ["en", "nl"]) == found
