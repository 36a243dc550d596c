"""The page that describes the API, in a browser: all of it fits, and errors are short."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.conftest import CHROMIUM

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
    pytest.mark.django_db(transaction=True),
]
CALLS = ("/api/v1/contactable", "/api/v1/deliveries", "/api/v1/imports")


@pytest.fixture(params=[390, 1280])
def tab(chromium: Any, live_server: Any, request: Any) -> Iterator[Any]:
    size = {"width": request.param, "height": 900}
    tab = chromium.new_page(viewport=size)
    tab.goto(f"{live_server.url}/api/v1/docs")
    tab.wait_for_selector(".opblock")
    yield tab
    tab.close()


@pytest.mark.parametrize("path", CALLS)
def test_a_call_fits_and_shows_one_error(tab: Any, path: str) -> None:
    call = tab.locator(f'.opblock-post:has([data-path="{path}"])').first
    call.locator(".opblock-summary-control").click()
    call.locator('.response[data-code="503"]').wait_for()
    wide = tab.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0
    shown = {
        row.get_attribute("data-code"): row.locator(".example").first.is_visible()
        for row in call.locator(".response").all()
    }
    assert [code for code, is_shown in shown.items() if is_shown and code[0] > "2"] == [
        "422"
    ]
