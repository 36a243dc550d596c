"""The console's main journey in a real browser: find, opt out, change many, import."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from audiences import tasks
from audiences.models import BulkAct, ImportRun, Profile
from tests.admin.conftest import World

from .test_admin_pages import WIDTHS, browser, pytestmark  # noqa: F401

LIST = "admin:audiences_profile_changelist"


@pytest.fixture
def page(live_server: Any, browser: Any, settings: Any) -> Any:  # noqa: F811
    settings.PHONE_REGION = "NL"
    User.objects.create_superuser("operator", password="a password")
    opened = browser.new_page(viewport={"width": 1440, "height": 900})
    opened.goto(f"{live_server.url}{reverse('admin:login')}")
    opened.fill("#id_username", "operator")
    opened.fill("#id_password", "a password")
    opened.click("[type=submit]")
    opened.base = live_server.url
    return opened


def test_person_is_found_by_a_phone_number_and_opted_out(
    page: Any,
    world: World,
) -> None:
    page.goto(page.base + reverse(LIST))
    page.fill("#searchbar", "06-1234 5678")
    page.keyboard.press("Enter")
    page.click("#result_list a >> text=Anna Vos")
    page.click("text=Opt out…")
    page.check("[name=scope][value=sms]")
    page.fill("#id_note", "rang us")
    page.keyboard.press("Enter")
    page.wait_for_selector(".timeline")
    newest = page.locator(".timeline li").first
    assert "Opted out of SMS" in newest.inner_text()
    assert "operator" in newest.inner_text()
    assert "rang us" in newest.inner_text()


@pytest.mark.parametrize("width", WIDTHS)
def test_many_are_opted_out_after_a_question(
    width: int,
    page: Any,
    world: World,
    settings: Any,
) -> None:
    settings.BULK_AT_ONCE = 2
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(page.base + reverse(LIST))
    page.click("text=Opt out, subscribe")
    page.click(".choices [data-action=opt_out]")
    page.select_option("#id_scope", "direct_mail")
    assert page.inner_text("[data-count=people]") == "7 people"
    page.click("[data-action=confirm]")
    assert "in the background" in page.inner_text("#work")
    tasks.run_bulk_act(BulkAct.objects.get().pk)
    # The page renews itself.
    page.wait_for_selector("#work[data-goes-on=no]", timeout=15000)
    assert page.get_attribute("#work", "data-state") == "done"
    assert page.inner_text("[data-count=changed]") == "7"
    assert Profile.objects.filter(no_longer_contact_direct_mail=True).count() == 7
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0


@pytest.mark.parametrize("width", WIDTHS)
def test_file_is_imported_after_its_preview(
    width: int,
    page: Any,
    world: World,
    tmp_path: Path,
) -> None:
    path = tmp_path / "people.csv"
    path.write_text("external_id;e-mail;geen_sms\nP1;;ja\nNEW;new@example.com;\n;;\n")
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(page.base + reverse("admin:audiences_importrun_add"))
    page.set_input_files("#id_file", str(path))
    page.click("text=Check the file")
    run = ImportRun.objects.get()
    tasks.run_import(run.pk)
    page.wait_for_selector("text=Import it", timeout=15000)
    assert "Nothing has changed yet" in page.inner_text("#work")
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0
    page.click("text=Import it")
    tasks.run_import(run.pk)
    page.wait_for_selector("text=All of the file was read", timeout=15000)
    assert Profile.objects.filter(external_id="NEW").exists()
    assert Profile.objects.get(external_id="P1").no_longer_contact_sms
