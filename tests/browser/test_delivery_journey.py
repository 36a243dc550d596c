"""A delivery from nothing to its report, and a release, in a real browser."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from audiences.models import Audience
from delivery import quarantine, tasks
from delivery.models import Delivery, QuarantineEntry
from tests.browser.accessibility import check
from tests.browser.test_admin_pages import browser, pytestmark  # noqa: F401
from tests.people import person

WINDOWS = ({"width": 1440, "height": 900}, {"width": 390, "height": 844})


def _signed_in(browser: Any, live_server: Any, size: Any, **options: Any) -> Any:  # noqa: F811
    if not User.objects.filter(username="operator").exists():
        User.objects.create_superuser("operator", password="a password")
    tab = browser.new_context(locale="en-GB", viewport=size, **options).new_page()
    tab.problems = []
    tab.on(
        "console",
        # axe brings a style sheet of its own, which the policy refuses.
        lambda m: (
            tab.problems.append(m.text)
            if m.type == "error" and "inline style" not in m.text
            else None
        ),
    )
    tab.on("pageerror", lambda error: tab.problems.append(str(error)))
    tab.goto(f"{live_server.url}{reverse('admin:login')}")
    tab.fill("#id_username", "operator")
    tab.fill("#id_password", "a password")
    tab.click("[type=submit]")
    return tab


def _people() -> None:
    for number in range(6):
        language = "nl" if number < 4 else "en"
        person(email=f"p{number}@example.com", language=language, first_name="Ann")
    person(email="out@example.com", language="nl", out="email")


@pytest.mark.parametrize("size", WINDOWS, ids=["wide", "narrow"])
def test_from_an_audience_to_the_causes(
    size: Any,
    browser: Any,  # noqa: F811
    live_server: Any,
) -> None:
    _people()
    tab = _signed_in(browser, live_server, size)
    # An audience, by the keyboard alone from the first row on.
    tab.goto(f"{live_server.url}{reverse('admin:audiences_audience_add')}")
    tab.fill("[name=name]", "Dutch")
    assert not tab.is_visible("[name='condition.node']")
    tab.select_option("[name=kind]", "condition")
    tab.select_option("[name='condition.add']", "profile:language")
    tab.press("[name='condition.add']", "Tab")
    tab.keyboard.press("Enter")
    tab.wait_for_selector("[name='condition.0.key.operator']:focus")
    tab.select_option("[name='condition.0.key.operator']", "is")
    tab.select_option("select[name='condition.0.key.value']", "nl")
    tab.wait_for_selector("[data-matching]:has-text('5 profiles')")
    assert "language is Dutch" in tab.inner_text("[data-matching]")
    check(tab)
    tab.click("[name=_save]")
    assert Audience.objects.get(name="Dutch").condition
    # A delivery to it.
    tab.goto(f"{live_server.url}{reverse('admin:delivery_delivery_add')}")
    tab.fill("[name=label]", "Spring")
    tab.select_option("[name=channel]", "email")
    tab.select_option("[name=audience]", label="Dutch")
    tab.click("[name=_save]")
    # What it says comes next: it is shown, and checked, while it is written.
    tab.wait_for_selector("#content-form")
    delivery = Delivery.objects.get(label="Spring")
    frame = tab.frame_locator("iframe[name=message-preview]")
    tab.fill("[name=subject]", "Hello {{ first_name }}")
    tab.fill("[name=content]", "Dear {{ frist_name }}, ")
    frame.locator("[data-found]:has-text('frist_name')").wait_for()
    tab.fill("[name=content]", "Dear reader, ")
    tab.click("[data-inserts] button[data-plain='{{ unsubscribe_link }}']")
    assert "[Unsubscribe]({{ unsubscribe_link }})" in tab.input_value("[name=content]")
    tab.fill("[name=preview_profile]", "p0@example.com")
    frame.locator(".subject:has-text('Hello Ann')").wait_for()
    mail = frame.frame_locator("iframe")
    mail.locator("p:has-text('Dear reader')").wait_for()
    check(tab)
    tab.click("[data-action=save]")
    tab.wait_for_selector(".steps li.done:has-text('Content')")
    delivery.refresh_from_db()
    assert delivery.subject == "Hello {{ first_name }}"
    # Prepared by a worker; the page follows by itself.
    report = reverse("admin:delivery_delivery_outcomes", args=[delivery.pk])
    tab.goto(f"{live_server.url}{report}")
    tab.click("[data-action=prepare]")
    tab.wait_for_selector("[data-state=waiting]")
    tasks.run_analysis(delivery.pk)
    tab.wait_for_selector("[data-state=ready]")
    assert tab.inner_text("[data-count=targeted]") == "5"
    check(tab)
    tab.click("[data-cause=denylist_channel] a")
    assert tab.locator("#log tbody tr").count() == 1
    tab.click("#log a:text('Why?')")
    assert "denylist_channel" in tab.inner_text("#content")
    assert tab.problems == []


def test_rows_that_are_added_quickly_all_arrive(
    browser: Any,  # noqa: F811
    live_server: Any,
) -> None:
    tab = _signed_in(browser, live_server, WINDOWS[0])
    tab.goto(f"{live_server.url}{reverse('admin:audiences_audience_add')}")
    tab.select_option("[name=kind]", "condition")
    tab.evaluate(
        """kinds => kinds.forEach((kind) => {
            document.getElementsByName("condition.add")[0].value = kind;
            document.querySelector("button[value='add:condition']").click();
        })""",
        ["profile:language", "profile:country", "opted_out"],
    )
    tab.wait_for_selector("[name='condition.2.node']", state="attached")
    rows = [tab.input_value(f"[name='condition.{n}.node']") for n in range(3)]
    assert len(set(rows)) == 2
    assert rows[2] == "opted_out"
    tab.wait_for_function("!document.querySelector('[data-builder]').inert")
    assert tab.problems == []


def test_rows_are_added_without_a_script(browser: Any, live_server: Any) -> None:  # noqa: F811
    tab = _signed_in(browser, live_server, WINDOWS[0], java_script_enabled=False)
    tab.goto(f"{live_server.url}{reverse('admin:audiences_audience_add')}")
    tab.fill("[name=name]", "Dutch")
    tab.select_option("[name=kind]", "condition")
    tab.select_option("[name='condition.add']", "any")
    tab.click("button[value='add:condition']")
    tab.select_option("[name='condition.0.add']", "opted_out")
    tab.click("button[value='add:condition.0']")
    tab.select_option("[name='condition.0.0.key.channel']", "email")
    tab.click("button[value='count']")
    assert "0 profiles" in tab.inner_text("[data-matching]")
    tab.click("[name=_save]")
    assert Audience.objects.get(name="Dutch").kind == "condition"


def test_outage_is_released_after_a_preview(browser: Any, live_server: Any) -> None:  # noqa: F811
    for number in range(3):
        quarantine.record(
            "email",
            f"p{number}@example.com",
            type="hard",
            source="test",
            text="Provider outage",
            at=datetime(2026, 3, 2, tzinfo=UTC),
        )
    tab = _signed_in(browser, live_server, WINDOWS[1])
    tab.goto(f"{live_server.url}{reverse('admin:delivery_quarantineentry_release')}")
    tab.fill("[name=text]", "outage")
    tab.fill("[name=start]", "2026-03-01")
    tab.fill("[name=end]", "2026-03-03")
    tab.click("[type=submit][value^=Show]")
    assert "3 would be released, 0 would stay" in tab.inner_text("#content")
    check(tab)
    tab.click("[data-action=confirm]")
    tab.wait_for_selector("text=3 addresses were released")
    assert not QuarantineEntry.objects.exclude(status="valid").exists()
    assert tab.problems == []
