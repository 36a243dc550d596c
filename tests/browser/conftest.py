"""A browser for each file of tests, and people whom its server sees."""

import importlib
import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.admin.conftest import World, make_world

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update"),
    "--disable-sync",
)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Started once for a file: that takes longer than many a test."""
    playwright = importlib.import_module("playwright.sync_api")
    with pytest.MonkeyPatch.context() as patch, playwright.sync_playwright() as driver:
        # Playwright runs a loop in this thread, which Django would take for async code.
        patch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield chromium
        chromium.close()


@pytest.fixture
def world(db: None) -> World:
    """Made anew for each: a server of its own sees only what is committed."""
    return make_world()
