"""Leaving a form with unsaved text: a delivery's step is saved, all else asks."""

from typing import Any

from django.contrib.auth.models import User
from django.urls import reverse

from delivery.models import Delivery
from tests.admin.conftest import World
from tests.browser.test_admin_pages import browser, pytestmark  # noqa: F401
from tests.browser.test_console import PASSWORD, Open, signed_in  # noqa: F401


def _asked(tab: Any) -> list[str]:
    """The questions that leaving asks; whoever is asked stays."""
    found: list[str] = []
    tab.on("dialog", lambda dialog: (found.append(dialog.type), dialog.dismiss()))
    return found


def test_going_to_another_step_saves_what_was_written(
    signed_in: Open,  # noqa: F811
    world: World,
) -> None:
    User.objects.create_superuser("operator", password=PASSWORD)
    tab, draft = signed_in("operator"), world.draft
    asked = _asked(tab)
    tab.goto(reverse("admin:delivery_delivery_change", args=[draft.pk]))
    label, content = tab.locator("[name=label]"), ".steps a[data-step^=content]"
    label.fill("Spring sale")
    tab.click(content)
    tab.wait_for_url("**/content/")
    draft.refresh_from_db()
    assert draft.label == "Spring sale"
    # The same from the content, to a step that has no form to save.
    tab.fill("[name=content]", "Now in spring")
    tab.click(".steps a[data-step^=rules]")
    tab.wait_for_url("**/rules/")
    draft.refresh_from_db()
    assert draft.content == "Now in spring"
    # What cannot be saved stays where it is, and the page says why.
    tab.click(".steps a[data-step^=form]")
    label.fill("")
    tab.click(content)
    tab.wait_for_selector(".error-summary a[href='#id_label']")
    assert label.input_value() == ""
    assert tab.url.endswith("/change/")
    assert asked == []
    tab.click(".breadcrumbs a")
    assert asked == ["beforeunload"]
    assert Delivery.objects.get(pk=draft.pk).label == "Spring sale"


def test_other_forms_ask_before_unsaved_text_is_left(
    signed_in: Open,  # noqa: F811
    world: World,
) -> None:
    User.objects.create_superuser("operator", password=PASSWORD)
    tab = signed_in("operator")
    asked = _asked(tab)
    address = reverse("admin:audiences_service_change", args=[world.service.pk])
    tab.goto(address)
    tab.click(".breadcrumbs a")
    tab.wait_for_url("**/admin/")
    assert asked == []
    tab.goto(address)
    tab.fill("[name=label]", "Unsaved")
    tab.click(".breadcrumbs a")
    assert asked == ["beforeunload"]
    assert tab.input_value("[name=label]") == "Unsaved"
    # Saved, there is nothing to ask.
    tab.click("[name=_continue]")
    tab.wait_for_selector(".messagelist .success")
    tab.click(".breadcrumbs a")
    tab.wait_for_url("**/admin/")
    assert asked == ["beforeunload"]
