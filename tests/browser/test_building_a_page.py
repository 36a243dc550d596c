"""An operator builds a page from nothing and publishes it, in a real browser."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from audiences.models import LandingPage, LandingPageVersion
from tests.admin.landing_pages import picture, url
from tests.browser.test_admin_pages import browser, pytestmark  # noqa: F401
from tests.factories import ProfileFactory, ServiceFactory


def _signed_in(browser: Any, live_server: Any, **options: Any) -> tuple[Any, list[str]]:  # noqa: F811
    User.objects.create_superuser("operator", password="a password")
    tab = browser.new_context(locale="en-GB", **options).new_page()
    problems: list[str] = []
    tab.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.goto(f"{live_server.url}{reverse('admin:login')}")
    tab.fill("#id_username", "operator")
    tab.fill("#id_password", "a password")
    tab.click("[type=submit]")
    tab.goto(f"{live_server.url}{url('changelist')}")
    return tab, problems


def test_from_nothing_to_published(browser: Any, live_server: Any) -> None:  # noqa: F811
    ServiceFactory(label="Weekly newsletter")
    profile = ProfileFactory(email="ann@example.com")
    tab, problems = _signed_in(
        browser, live_server, viewport={"width": 390, "height": 844}
    )
    tab.click("text=Make the first page")
    # The service is asked for only where the kind has one; the slug follows the label.
    tab.wait_for_selector("[name=service]", state="hidden")
    tab.click("text=People subscribe to one service.")
    assert tab.is_visible("[name=service]")
    tab.click("text=People see what they get")
    tab.fill("[name=label]", "Préférences of the shop")
    assert tab.input_value("[name=slug]") == "preferences-of-the-shop"
    tab.click("text=Make the page")
    # Texts are shown as visitors see them while they are written.
    tab.fill("[name=text_en_title]", "Your choices")
    tab.fill("[name=text_en_introduction]", "Choose **what you like** <img src=x>")
    tab.wait_for_selector(".as-seen strong:text('what you like')")
    assert tab.locator(".as-seen img").count() == 0
    # The sample says at once whether people can read the button.
    tab.fill("[name=brand_colour]", "#ffff00")
    assert "too little" in tab.inner_text(".sample output")
    tab.fill("[name=brand_colour]", "#0a6640")
    assert "easy to read" in tab.inner_text(".sample output")
    tab.set_input_files(
        "[name=logo_upload]",
        {"name": "logo.png", "mimeType": "image/png", "buffer": picture()},
    )
    tab.click("text=Save and preview")
    # The preview is the page itself; what is done in it is undone.
    frame = tab.frame_locator("iframe")
    assert frame.locator("h1").inner_text() == "Your choices"
    assert frame.locator("img.logo").count() == 1
    tab.check("text=A profile of my choice (test)")
    tab.fill("[name=profile]", "ann@example.com")
    tab.select_option("[name=lang]", "nl")
    tab.select_option("[name=width]", "phone")
    tab.click("text=Show")
    frame = tab.frame_locator("iframe.phone")
    frame.locator("input[type=checkbox][value=email]").uncheck()
    frame.locator(".btn-brand").click()
    frame.locator("h1:has-text('opgeslagen')").wait_for()
    profile.refresh_from_db()
    assert not profile.no_longer_contact_email
    tab.click("a:text('Publish…')")
    assert "Your choices" in tab.inner_text("table.changes")
    assert not LandingPageVersion.objects.exists()
    tab.click("[data-action=confirm]")
    assert "Version 1 is published" in tab.inner_text(".messagelist")
    page = LandingPage.objects.get()
    assert page.status == "published"
    tab.goto(f"{live_server.url}/p/preferences-of-the-shop/?lang=en")
    assert tab.inner_text("h1") == "Your choices"
    assert problems == []


def test_leaving_with_unsaved_work_is_asked_about(
    browser: Any,  # noqa: F811
    live_server: Any,
) -> None:
    from audiences import landing_pages

    page = landing_pages.create("stop", kind="denylist")
    tab, problems = _signed_in(browser, live_server)
    asked: list[str] = []

    def stay(dialog: Any) -> None:
        asked.append(dialog.type)
        dialog.accept()

    tab.on("dialog", stay)
    tab.goto(f"{live_server.url}{url('change', page.pk)}")
    tab.fill("[name=text_en_title]", "Mine")
    tab.click(".life a:text('Preview')")
    tab.wait_for_url("**/preview/")
    assert asked == ["beforeunload"]
    assert problems == []


@pytest.mark.parametrize("kind", ["preferences", "denylist"])
def test_without_script_a_page_is_built_as_well(
    browser: Any,  # noqa: F811
    live_server: Any,
    kind: str,
) -> None:
    tab, _problems = _signed_in(browser, live_server, java_script_enabled=False)
    tab.click("text=Make the first page")
    tab.check(f"[value={kind}]")
    tab.fill("[name=label]", "Ours")
    tab.click("text=Make the page")
    tab.fill("[name=text_en_introduction]", "Choose **now**")
    tab.click("text=Save draft")
    assert tab.inner_text(".as-seen strong") == "now"
    tab.click("text=Save and publish…")
    tab.click("[data-action=confirm]")
    assert LandingPage.objects.get(slug="ours").status == "published"
