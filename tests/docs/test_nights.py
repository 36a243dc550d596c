"""Whoever is woken finds a page: each alarm and each line of the doctor has one."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from campaign import doctor

from .tables import DOCS, ROOT

NIGHTS = DOCS / "nights"
PAGES = sorted(NIGHTS.glob("[!R]*.md"))
ALERTS = [
    rule
    for group in yaml.safe_load(
        (ROOT / "deploy" / "monitoring" / "alerts.yaml").read_text()
    )["groups"]
    for rule in group["rules"]
]


def woken(page: Path) -> str:
    """The paragraph that says what woke somebody."""
    text = page.read_text(encoding="utf-8")
    found = re.search(r"^\*\*What woke you\.\*\* (.+)$", text, re.M)
    assert found, page
    return found[1]


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_each_alarm_is_named_on_its_page(rule: dict[str, Any]) -> None:
    page = ROOT / rule["annotations"]["runbook"]
    assert f"`{rule['alert']}`" in woken(page)


@pytest.mark.parametrize("name", doctor.examinations())
def test_each_examination_is_named_on_its_page(name: str) -> None:
    page = NIGHTS / f"{doctor.examinations()[name].night}.md"
    assert f"*{name}*" in woken(page)


def test_each_night_that_a_finding_names_is_there() -> None:
    source = "".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / "campaign" / "doctor").glob("*.py")
    )
    stems = {page.stem for page in PAGES}
    quoted = set(re.findall(r'"((?:[a-z]+-)+[a-z]+)"', source))
    assert len(quoted) >= 12
    assert quoted <= stems


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_night_says_what_to_do_and_what_is_safe(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert re.search(r"^1\. ", text, re.M)
    assert re.search(r"^\*\*What is safe\.\*\* \S", text, re.M)
    assert len(text.splitlines()) <= 25, "short: somebody has just been woken"
