"""Words that nobody has judged: never passed over where they may say no."""

from pathlib import Path

import pytest

from audiences.imports.columns.meanings import YES_OR_NO, When, as_said
from delivery.models import QuarantineEntry

from .test_what_restricts import rejects, run

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("text", ["hard bounce", "yes (2)", "✗", "５"])
def test_a_failure_in_unknown_words_is_told(tmp_path: Path, text: str) -> None:
    file = f"email,failed_email\njan@x.example,{text}\nan@x.example,yes\n"
    assert run(tmp_path, file)["rejected"] == 1
    assert rejects(tmp_path) == [("2", "failed_email", "rejected")]
    assert [entry.key for entry in QuarantineEntry.objects.all()] == ["an@x.example"]


def test_a_failure_of_an_address_that_the_row_lacks_is_told(tmp_path: Path) -> None:
    file = "external_id,email,failed_email\nC1,,yes\nC2,an@x.example,yes\n"
    assert run(tmp_path, file)["created"] == 2
    assert rejects(tmp_path) == [("2", "failed_email", "imported")]


@pytest.mark.parametrize(
    ("yes", "leaving", "unseen"),
    [
        # "Mail?": who says no has opted out, so that a "nee" may be the same.
        ("no", False, {"nee": None, "0": None, "1": None, "never": None}),
        ("no", True, {"nee": None, "0": None}),
        ("stop", False, {"nee": None, "no": None}),
        ("ja", False, {"nee": False, "no": False, "stop": None}),
        ("stop", True, {"nee": False, "perhaps": None}),
    ],
)
def test_a_no_that_nobody_was_shown_is_no_no_where_a_no_is_a_yes(
    yes: str, leaving: bool, unseen: dict[str, bool | None]
) -> None:
    words = When.chosen(frozenset([yes]), frozenset(["x"]), leaving=leaving)
    assert words.says(yes) is True
    assert words.says("x") is False
    assert {word: words.says(word) for word in unseen} == unseen


@pytest.mark.parametrize(
    ("chosen", "cell"),
    [
        ("opt\r\nout", "opt\nout"),
        ("Opt out", "opt\u00a0 OUT\u200b"),
        ("d\u00e9sabonn\u00e9", "de\u0301sabonne\u0301"),
        ("stop", "ｓｔｏｐ"),
    ],
)
def test_a_chosen_word_counts_however_it_is_written(chosen: str, cell: str) -> None:
    for yes, text in ((chosen, cell), (cell, chosen)):
        words = When.chosen(frozenset([as_said(yes)]), frozenset(), leaving=False)
        assert words.says(text) is True


def test_plain_words_count_in_any_width_and_form() -> None:
    assert [YES_OR_NO.says(text) for text in ("１", "si\u0301", "０")] == [
        True,
        True,
        False,
    ]
