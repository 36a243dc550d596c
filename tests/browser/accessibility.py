"""What axe finds on a page, and what it cannot see: reflow, keyboard, announcements."""

from importlib.resources import files
from typing import Any

import pytest

AXE = files(
    pytest.importorskip(
        "axe_playwright_python",
        reason="axe-core is not installed (requirements-dev.txt)",
    )
).joinpath("axe.min.js")
TAGS = [
    *("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"),
]


def check(tab: Any) -> None:
    """No violation of WCAG 2.2 AA that axe finds; nothing wider than the window."""
    # Evaluated by the browser itself: the page's own policy allows no such script.
    tab.evaluate(AXE.read_text(encoding="utf-8"))
    found = tab.evaluate(
        "tags => axe.run(document, {runOnly: tags, resultTypes: ['violations'],"
        # It would write the sheets that ours import into the page, which refuses them.
        " preload: false})",
        TAGS,
    )
    violations = [
        (violation["id"], node["html"], node["failureSummary"])
        for violation in found["violations"]
        for node in violation["nodes"]
    ]
    assert violations == [], f"{tab.url}: {violations}"
    assert found["passes"], "axe looked at nothing"
    fits(tab)


def fits(tab: Any) -> None:
    """The page needs no scrolling sideways (WCAG 2.2, 1.4.10)."""
    overflow = tab.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert overflow <= 0, f"{tab.url} is {overflow} pixels too wide"


def tab_to(tab: Any, selector: str) -> None:
    """Press Tab until the element has the focus, and see that the focus is visible."""
    for _press in range(60):
        tab.keyboard.press("Tab")
        if tab.evaluate("s => document.activeElement.matches(s)", selector):
            outline = tab.evaluate(
                "getComputedStyle(document.activeElement).outlineStyle"
            )
            assert outline != "none", f"{selector} has the focus and does not show it"
            return
    pytest.fail(f"{selector} cannot be reached with the keyboard on {tab.url}")
