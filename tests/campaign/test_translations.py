"""Every text of the console is in the Dutch catalogue, translated and compiled."""

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest
from django.conf import settings
from django.urls import reverse
from django.utils.translation.template import templatize

ROOT = Path(settings.BASE_DIR)
CATALOGUE = ROOT / "locale" / "nl" / "LC_MESSAGES" / "django.po"
# Calls whose first text is looked up, with how many texts they have.
CALLS = {"gettext": 1, "gettext_lazy": 1, "gettext_noop": 1, "ngettext": 2}
CALLS |= {"ngettext_lazy": 2, "_": 1}
TEMPLATE_CALL = re.compile(
    r"""\b(?:n?gettext|_)\(u?['"].*?['"](?:,[^()]*)?\)""", re.DOTALL
)
PLACE = re.compile(r"%\(\w+\)[sd]|\{\w*\}")


@pytest.fixture(scope="module")
def catalogue() -> polib.POFile:
    return polib.pofile(str(CATALOGUE))


def sources() -> Iterator[tuple[Path, str]]:
    """The code, and templates as the code that Django makes of them."""
    for folder in ("audiences", "delivery", "campaign"):
        for path in (ROOT / folder).rglob("*.py"):
            yield path, path.read_text(encoding="utf-8")
    for path in (ROOT / "templates").rglob("*.*"):
        text = templatize(path.read_text(encoding="utf-8"))
        # All else is rows of X and B there.
        yield path, "\n".join(TEMPLATE_CALL.findall(text))


def calls_in(code: str) -> Iterator[list[ast.expr]]:
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            count = CALLS.get(node.func.id, 0)
            if count:
                yield node.args[:count]


def is_literal(texts: list[ast.expr]) -> bool:
    return all(isinstance(text, ast.Constant) for text in texts)


def texts_in(code: str) -> Iterator[tuple[str, ...]]:
    for texts in filter(is_literal, calls_in(code)):
        yield tuple(ast.literal_eval(text) for text in texts)


def test_every_text_is_in_the_catalogue(catalogue):
    known = {
        (e.msgid, e.msgid_plural) if e.msgid_plural else (e.msgid,) for e in catalogue
    }
    # A plural's one is also the text of the same words alone.
    known |= {texts[:1] for texts in known}
    used = {texts: path for path, code in sources() for texts in texts_in(code)}
    missing = {f"{path}: {texts}" for texts, path in used.items() if texts not in known}
    assert not missing, "make messages, then translate"
    assert len(used) > 1000


def test_texts_are_literal_where_they_are_looked_up():
    """What is computed cannot be collected."""
    computed = {
        path.relative_to(ROOT).as_posix()
        for path, code in sources()
        for texts in calls_in(code)
        if not is_literal(texts)
    }
    # Words that are stored in English (labels of rules, findings, notes) and marked where
    # they are written, by gettext_noop: translated where they are shown.
    assert computed == {
        "audiences/conditions/text_nodes.py",
        "audiences/console/masking.py",
        "audiences/fields/building.py",
        "audiences/fields/nodes.py",
        "audiences/privacy/access.py",
        "audiences/refusals.py",
        "delivery/admin/deliveries/outcomes.py",
        "delivery/admin/deliveries/sending.py",
        "delivery/admin/feedback/inbound.py",
        "delivery/admin/rules/forms.py",
        "delivery/admin/rules/typologies.py",
        "delivery/analysis/comparison.py",
        "delivery/analysis/reports.py",
        "delivery/models/typologies.py",
        "delivery/rules/controls.py",
        "delivery/rules/writing.py",
    }


def test_texts_are_looked_up_by_the_names_that_are_collected():
    for path, code in sources():
        names = re.findall(r"\b\w*gettext\w* as (\w+)", code)
        assert set(names) <= {"_"}, path


def test_every_text_is_translated(catalogue):
    assert [entry.msgid for entry in catalogue.untranslated_entries()] == []
    assert [entry.msgid for entry in catalogue.fuzzy_entries()] == []
    assert [entry.msgid for entry in catalogue.obsolete_entries()] == []


def test_translations_have_the_places_of_the_text(catalogue):
    for entry in catalogue:
        pairs = [(entry.msgid, entry.msgstr)]
        if entry.msgid_plural:
            one, many = entry.msgstr_plural[0], entry.msgstr_plural[1]
            pairs = [(entry.msgid, one), (entry.msgid_plural, many)]
        for text, translated in pairs:
            assert sorted(PLACE.findall(text)) == sorted(PLACE.findall(translated))


def test_what_is_compiled_is_what_was_translated(catalogue):
    with CATALOGUE.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    entries = dict(compiled._catalog)
    entries.pop("", None)
    wanted = {}
    for entry in catalogue:
        if entry.msgid_plural:
            wanted |= {(entry.msgid, n): t for n, t in entry.msgstr_plural.items()}
        else:
            wanted[entry.msgid] = entry.msgstr
    assert entries == wanted


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("asks", "gets", "words"),
    [
        ("nl-BE,nl;q=0.9,en;q=0.5", "nl", "Inloggen"),
        ("en-GB,en", "en", "Log in"),
        ("de", "en", "Log in"),
    ],
)
def test_the_console_follows_the_browser(client, asks, gets, words):
    page = client.get(reverse("admin:login"), headers={"accept-language": asks})
    html = page.content.decode()
    assert f'lang="{gets}"' in html
    assert words in html
