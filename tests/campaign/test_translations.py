"""Every text of the console is in each catalogue, translated and compiled."""

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.utils import label_for_field
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import translation
from django.utils.translation.template import templatize

from audiences import conditions

ROOT = Path(settings.BASE_DIR)
CATALOGUES = {
    path.parents[1].name: path
    for path in sorted((ROOT / "locale").glob("*/LC_MESSAGES/django.po"))
}
# Calls whose first text is looked up, with how many texts they have.
CALLS = {"gettext": 1, "gettext_lazy": 1, "gettext_noop": 1, "ngettext": 2}
CALLS |= {"ngettext_lazy": 2, "_": 1}
TEMPLATE_CALL = re.compile(
    r"""\b(?:n?gettext|_)\(u?['"].*?['"](?:,[^()]*)?\)""", re.DOTALL
)
# What a translation must keep: places, braces and percents that are meant, and HTML.
PLACE = re.compile(r"%\(\w+\)[sd]|%[%s]|\{\w*\}|\{\{|\}\}|<[^>]+>")


@pytest.fixture(scope="module", params=CATALOGUES)
def code(request) -> str:
    """Each language that has a catalogue."""
    return str(request.param)


@pytest.fixture(scope="module")
def catalogue(code) -> polib.POFile:
    return polib.pofile(str(CATALOGUES[code]))


@pytest.fixture(scope="module")
def used() -> dict[tuple[str, ...], Path]:
    """The texts of the sources, each with a file that has it."""
    return {texts: path for path, code in sources() for texts in texts_in(code)}


def test_the_catalogues_are_of_these_languages():
    assert list(CATALOGUES) == ["de", "nl"]


def test_a_catalogue_names_its_language_and_its_words(code, catalogue):
    assert not catalogue.metadata_is_fuzzy
    assert catalogue.metadata["Language"] == code
    assert catalogue.metadata["Project-Id-Version"] == "Campaign"
    # The table that gives one thing one name: who adds a text looks there.
    assert "so that one thing has one name" in catalogue.header


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


def test_every_text_is_in_the_catalogue(catalogue, used):
    known = {
        (e.msgid, e.msgid_plural) if e.msgid_plural else (e.msgid,) for e in catalogue
    }
    # A plural's one is also the text of the same words alone.
    known |= {texts[:1] for texts in known}
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
        "audiences/endpoints/words.py",
        "audiences/fields/building.py",
        "audiences/fields/nodes.py",
        "audiences/privacy/access.py",
        "audiences/records/console_log.py",
        "audiences/refusals.py",
        "delivery/admin/feedback/inbound.py",
        "delivery/admin/finders.py",
        "delivery/admin/rules/forms.py",
        "delivery/admin/rules/of_delivery.py",
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


def test_what_is_compiled_is_what_was_translated(code, catalogue):
    with CATALOGUES[code].with_suffix(".mo").open("rb") as file:
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
        ("de-AT,de;q=0.9,en;q=0.5", "de", "Anmelden"),
        ("en-GB,en", "en", "Log in"),
        ("fr", "en", "Log in"),
    ],
)
def test_the_console_follows_the_browser(client, settings, asks, gets, words):
    # Which languages the public pages have is another thing (page_texts).
    settings.LANGUAGES = [("de", "Deutsch"), ("en", "English"), ("nl", "Nederlands")]
    page = client.get(reverse("admin:login"), headers={"accept-language": asks})
    html = page.content.decode()
    assert f'lang="{gets}"' in html
    assert words in html


@pytest.mark.parametrize(
    ("language", "says"),
    [
        ("en", "has a primary direct mail address in quarantine as erroneous"),
        ("nl", "heeft een hoofdadres voor post in quarantaine als met fouten"),
        ("de", "hat eine Hauptadresse für Briefpost in Quarantäne als Fehlerhaft"),
    ],
)
def test_a_label_within_a_sentence_is_written_as_its_language_does(language, says):
    node = {"node": "address", "channel": "direct_mail", "status": "erroneous"}
    tree = {"version": conditions.VERSION, "condition": node}
    with translation.override(language):
        assert conditions.sentence(tree) == says


def test_no_list_has_two_columns_of_the_same_name(db, code, rf):
    """Two words of one language may be one of another: who and whom."""
    request = rf.get("/")
    request.user = User(is_active=True, is_staff=True, is_superuser=True)
    with translation.override(code):
        for model, pages in admin.site._registry.items():
            columns = pages.get_list_display(request)
            labels = [str(label_for_field(c, model, pages)) for c in columns]
            assert len(labels) == len(set(labels)), (model, labels)
