"""The console in a real browser: axe, keyboard, the policy, and who sees what."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from audiences.background import figures
from audiences.models import Role
from audiences.roles import Code
from tests.admin.conftest import World
from tests.browser.test_admin_pages import browser, pytestmark  # noqa: F401

from . import accessibility
from .accessibility import tab_to

PASSWORD = "a password"
Open = Callable[..., Any]


@pytest.fixture
def signed_in(browser: Any, live_server: Any) -> Iterator[Open]:  # noqa: F811
    """A window of an operator; what its console complains of fails the test."""
    problems: list[str] = []

    def window(name: str, scheme: str = "light", width: int = 1440) -> Any:
        tab = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            base_url=live_server.url,
        ).new_page()
        tab.on("console", lambda m: problems.append(m.text))
        tab.on("pageerror", lambda error: problems.append(str(error)))
        tab.goto(reverse("admin:login"))
        tab.fill("#id_username", name)
        tab.fill("#id_password", PASSWORD)
        tab.keyboard.press("Enter")
        tab.wait_for_url("**/admin/")
        return tab

    yield window
    assert problems == []


def _lists() -> list[str]:
    names = (
        *("audiences_profile", "audiences_consentevent", "audiences_service"),
        *("audiences_landingpage", "delivery_delivery", "delivery_quarantineentry"),
        *("auth_user", "axes_accessattempt"),
    )
    return [reverse(f"admin:{name}_changelist") for name in names]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
def test_home_sign_in_and_lists_are_accessible(
    scheme: str,
    width: int,
    signed_in: Open,
    browser: Any,  # noqa: F811
    live_server: Any,
    world: World,
) -> None:
    User.objects.create_superuser("operator", password=PASSWORD)
    figures.refresh()
    stranger = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme
    ).new_page()
    stranger.goto(f"{live_server.url}{reverse('admin:login')}")
    accessibility.check(stranger)
    tab = signed_in("operator", scheme, width)
    for url in [reverse("admin:index"), *_lists()]:
        assert tab.goto(url).status == 200
        accessibility.check(tab)


def test_a_person_is_found_from_home_by_keyboard(
    signed_in: Open,
    world: World,
) -> None:
    User.objects.create_superuser("operator", password=PASSWORD)
    tab = signed_in("operator")
    tab_to(tab, "#find-person")
    tab.keyboard.type("ANNA.VOS@example.com")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/profile/?q=*")
    assert tab.locator("#result_list tbody tr").count() == 1


def test_the_menu_of_a_phone_opens_without_script(
    signed_in: Open,
    world: World,
) -> None:
    user = User.objects.create_user("viewer", password=PASSWORD, is_staff=True)
    user.groups.add(Role.objects.get(code=Code.VIEWER).group)
    tab = signed_in("viewer", width=390)
    menu = tab.locator(".menu-small")
    assert not menu.get_by_role("link", name="Deliveries").is_visible()
    menu.locator("summary").first.click()
    menu.get_by_role("link", name="Deliveries").click()
    tab.wait_for_url("**/delivery/delivery/")
    assert menu.get_by_text("Users").count() == 0, "a viewer makes no users"


def test_a_script_within_a_page_does_not_run(
    browser: Any,  # noqa: F811
    live_server: Any,
    world: World,
) -> None:
    """The policy is in force: what an attacker writes into a page is dead text."""
    tab = browser.new_context().new_page()
    tab.goto(f"{live_server.url}{reverse('admin:login')}")
    tab.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "document.title = 'run'";
            document.body.append(script);
            document.body.setAttribute("onclick", "document.title = 'run'");
            document.body.click();
        }"""
    )
    assert tab.title() != "run"
