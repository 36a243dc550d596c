"""Visitors without a link in a real browser: the proof of work under our own policy."""

from typing import Any

import pytest

from audiences.models import OutboxMail, UsedProof
from tests.browser.test_admin_pages import browser, pytestmark  # noqa: F401
from tests.factories import ServiceFactory
from tests.pages.visitors import page


@pytest.fixture(autouse=True)
def few_rounds(settings: Any) -> None:
    settings.PROOF_OF_WORK_ROUNDS = 20


@pytest.mark.parametrize("kind", ["denylist", "subscription"])
def test_a_visitor_asks_for_a_mail_with_the_keyboard_alone(
    browser: Any,  # noqa: F811
    live_server: Any,
    kind: str,
) -> None:
    service = ServiceFactory() if kind == "subscription" else None
    page(kind, service=service, languages=["en"])
    tab = browser.new_page()
    problems: list[str] = []
    tab.on("console", lambda message: problems.append(message.text))
    tab.on("pageerror", lambda error: problems.append(str(error)))
    answer = tab.goto(f"{live_server.url}/p/{kind}/")
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    tab.locator("input[type=email]").focus()
    tab.keyboard.type("ann@shop.example")
    tab.keyboard.press("Enter")
    tab.wait_for_selector("[data-proof]", state="detached")
    mail = OutboxMail.objects.get()
    assert mail.to == "ann@shop.example"
    assert UsedProof.objects.count() == 1
    assert problems == []


def test_without_script_the_page_gives_an_address_to_write_to(
    browser: Any,  # noqa: F811
    live_server: Any,
    settings: Any,
) -> None:
    settings.CONTACT_EMAIL = "contact@shop.example"
    page("denylist", languages=["en"])
    tab = browser.new_context(java_script_enabled=False).new_page()
    tab.goto(f"{live_server.url}/p/denylist/")
    assert "contact@shop.example" in tab.inner_text("main")
    tab.fill("input[type=email]", "ann@shop.example")
    tab.keyboard.press("Enter")
    tab.wait_for_load_state()
    assert not OutboxMail.objects.exists()
