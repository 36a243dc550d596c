"""What the documentation says about the code is what the code says."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import load_command_class
from django.core.management.base import BaseCommand, CommandParser

from audiences.channels import Channel
from audiences.console.sign_in import second_factor
from audiences.models import AddressStatus, ConsentEvent
from delivery.analysis import WARNINGS
from delivery.models import Delivery
from delivery.models.quarantine import ErrorReason, ErrorType
from delivery.rules import registered_rules
from delivery.rules.controls import CHECKS

from .tables import DOCS, ROOT, TABLES, Table

COMMANDS = sorted(
    (app, path.stem)
    for app in ("audiences", "delivery", "campaign")
    for path in (ROOT / app / "management" / "commands").glob("*.py")
    # dumpdata, loaddata and migrate are Django's, with a refusal or with patience.
    if path.stem not in ("__init__", "dumpdata", "loaddata", "migrate")
)
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md")])


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_table_in_the_docs_is_what_the_code_gives(table: Table) -> None:
    assert table.present_text() == table.generated(), (
        "run: .venv/bin/python -m tests.docs.tables"
    )


@pytest.mark.parametrize(
    "table",
    [table for table in TABLES if table.explained],
    ids=lambda table: table.name,
)
def test_every_row_of_a_table_is_explained(table: Table) -> None:
    assert [cells[0] for cells in table.present() if not cells[-1]] == []


@pytest.mark.parametrize(("app", "name"), COMMANDS)
def test_every_command_and_option_is_in_the_docs(app: str, name: str) -> None:
    section = _sections((DOCS / "commands.md").read_text(encoding="utf-8")).get(name)
    assert section is not None, f"docs/commands.md has no section for {name}"
    parser = load_command_class(app, name).create_parser("manage.py", name)
    for option in _options(parser) - _options(_plain_parser()):
        assert option in section, f"docs/commands.md, {name}: {option} is missing"


def _sections(text: str) -> dict[str, str]:
    """The sections of the page by the command that their heading begins with."""
    parts = re.split(r"^### `(\w+)", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _options(parser: CommandParser) -> set[str]:
    return {
        option
        for action in parser._actions
        for option in action.option_strings
        if option.startswith("--")
    }


def _plain_parser() -> CommandParser:
    return BaseCommand().create_parser("manage.py", "plain")


@pytest.mark.parametrize(
    "codes",
    [
        Channel.values,
        AddressStatus.values,
        ErrorReason.values,
        ErrorType.values,
        ConsentEvent.Kind.values,
        ConsentEvent.Source.values,
        Delivery.Purpose.values,
        Delivery.State.values,
        list(WARNINGS),
        [rule.code for rule in registered_rules()],
        list(CHECKS),
    ],
    ids=[
        "channels",
        "statuses",
        "reasons",
        "types",
        "kinds",
        "sources",
        "purposes",
        "states",
        "warnings",
        "causes",
        "checks",
    ],
)
def test_every_public_code_is_in_the_docs(codes: list[str]) -> None:
    text = (DOCS / "commands.md").read_text(encoding="utf-8")
    assert [code for code in codes if f"`{code}`" not in text] == []


def test_every_system_check_is_in_the_docs() -> None:
    ids = {
        found
        for app in ("campaign", "audiences", "delivery")
        for path in (ROOT / app).rglob("*.py")
        for found in re.findall(
            r'id="(\w+\.[CDEIW]\d{3})"', path.read_text(encoding="utf-8")
        )
    }
    assert ids, "no system check was found: has the way they are written changed?"
    text = (DOCS / "settings.md").read_text(encoding="utf-8")
    assert sorted(found for found in ids if f"`{found}`" not in text) == []


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("LANGUAGE_CODE", [code for code, _name in settings.LANGUAGES]),
        ("SECOND_FACTOR", second_factor.CHOICES),
        ("LOG_FORMAT", ["json", "text"]),
    ],
)
def test_a_setting_with_few_values_names_each(name: str, values: list[str]) -> None:
    text = (DOCS / "settings.md").read_text(encoding="utf-8")
    row = next(line for line in text.splitlines() if line.startswith(f"| `{name}` |"))
    assert [value for value in values if f"`{value}`" not in row] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_the_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    broken = [
        link
        for link in links
        if not re.match(r"https?:|#", link)
        and not (page.parent / link.partition("#")[0]).exists()
    ]
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_to_a_heading_find_it(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s:]*)#([^)\s]+)\)", page.read_text(encoding="utf-8"))
    broken = [
        f"{file}#{heading}"
        for file, heading in links
        if heading not in _headings(page.parent / file if file else page)
    ]
    assert broken == []


def _headings(page: Path) -> set[str]:
    """The headings of a page as GitHub names them in addresses."""
    found = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in found}


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop().resolve()
        if page in seen or not page.exists():
            continue
        seen.add(page)
        links = re.findall(r"\]\(([^)\s#]+\.md)", page.read_text(encoding="utf-8"))
        waiting += [page.parent / link for link in links if "://" not in link]
    assert [str(page.relative_to(ROOT)) for page in PAGES if page not in seen] == []
