"""Every public page, in every language, by day and night, on small screens, for all.

Axe looks at each; nothing is wider than the window. Without a script, as they are.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from audiences import organisation, subscriptions, wishes
from audiences.models import LandingPage, Profile
from audiences.wording import page_texts
from tests.browser.test_admin_pages import browser, pytestmark  # noqa: F401
from tests.factories import BY_COMMAND, ProfileFactory, ServiceFactory
from tests.pages.visitors import flags, one_click_path, page, path_to

from . import accessibility
from .accessibility import tab_to

LANGUAGES = [code for code, _name in page_texts.languages()]
SCHEMES = ("light", "dark")
WIDTHS = (320, 390)
SHOP = "The Corner Shop of Utrecht"


@pytest.fixture
def shop() -> LandingPage:
    organisation.change(
        name=SHOP,
        postal_address="Main Street 1\n1234 AB Utrecht",
        contact="hello@shop.example",
        privacy_url="https://shop.example/privacy",
        brand_colour="#ffe000",  # which nobody can read on white
        text_on_brand="#1b1f24",
    )
    service = ServiceFactory(slug="news", label="Donaudampfschifffahrtsnachrichten")
    service.texts = {"de": {"label": "Nachrichten", "description": "Jeden Freitag"}}
    service.save()
    made = page(
        "preferences",
        channels=["email", "sms", "direct_mail"],
        services=[service],
        extra_fields=["first_name", "language", "country"],
        needs_agreement=True,
        allows_unidentified=True,
    )
    page("acquisition", services=[service], allows_unidentified=True)
    return made


@pytest.fixture
def person(shop: LandingPage) -> Profile:
    made: Profile = ProfileFactory(email="ann@shop.example", sms="+31612345678")
    wishes.express(made, "any", BY_COMMAND, per_month=1)
    service = shop.services.get()
    subscriptions.subscribe(made, service, BY_COMMAND)
    return made


def _way(name: str) -> Callable[[LandingPage, Profile], str]:
    return lambda shop, person: one_click_path(person).replace("/u/", f"/u/{name}/")


# Each page, and the button to press on it before it is looked at.
PAGES: dict[str, tuple[Callable[[LandingPage, Profile], str], str]] = {
    "one click": (lambda shop, person: one_click_path(person), ""),
    "left": (lambda shop, person: one_click_path(person), ".btn-brand"),
    "left everything": (_way("everything"), ".btn-brand"),
    "choose": (path_to, ""),
    "choose by an old link": (_way("choose"), ""),
    "saved": (path_to, ".btn-brand"),
    "why": (_way("why"), ""),
    "without a link": (lambda shop, person: "/p/preferences/", ""),
    "sign up": (lambda shop, person: "/p/acquisition/", ""),
    "own data": (lambda shop, person: "/p/your-data/", ""),
    "forged": (lambda shop, person: "/u/forged/", ""),
    "ledger": (lambda shop, person: "/ledger/", ""),
}


@pytest.fixture
def tabs(browser: Any) -> Iterator[Callable[..., Any]]:  # noqa: F811
    made: list[Any] = []

    def tab(**facts: Any) -> Any:
        made.append(browser.new_context(**facts))
        return made[-1].new_page()

    yield tab
    for context in made:
        context.close()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_fit_for_everybody(
    language: str,
    scheme: str,
    shop: LandingPage,
    person: Profile,
    tabs: Any,
    live_server: Any,
) -> None:
    tab = tabs(color_scheme=scheme, viewport={"width": 320, "height": 700})
    for name, (path, button) in PAGES.items():
        tab.goto(f"{live_server.url}{path(shop, person)}?lang={language}")
        if button:
            tab.click(button)
        assert tab.get_attribute("html", "lang") == language, name
        assert SHOP in tab.title(), name
        assert tab.locator("h1").count() == 1
        accessibility.check(tab)
        for width in WIDTHS:
            tab.set_viewport_size({"width": width, "height": 700})
            accessibility.fits(tab)
        tab.set_viewport_size({"width": 320, "height": 700})


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_leaving_everything_and_coming_back_by_keyboard_without_a_script(
    language: str,
    scheme: str,
    shop: LandingPage,
    person: Profile,
    tabs: Any,
    live_server: Any,
) -> None:
    tab = tabs(
        color_scheme=scheme,
        viewport={"width": 390, "height": 700},
        java_script_enabled=True,  # the focus is asked for by script; pages have none
        reduced_motion="reduce",
    )

    def press(selector: str) -> None:
        tab_to(tab, selector)
        with tab.expect_navigation():
            tab.keyboard.press("Enter")

    def told(path: str) -> None:
        assert tab.inner_text("h1") == page_texts.text(language, path)

    tab.goto(f"{live_server.url}{one_click_path(person)}?lang={language}")
    press(".btn-brand")
    told("done.unsubscription")
    press(".ways button")
    told("done.denylist")
    assert flags(person) == {"any", "email"}
    press(".undo button")
    told("page.undone_title")
    press(".undo button")
    assert flags(person) == set()
    assert tab.locator("script").count() == 0


def test_the_tree_for_screen_readers_says_what_to_do(
    shop: LandingPage, person: Profile, tabs: Any, live_server: Any
) -> None:
    tab = tabs(viewport={"width": 390, "height": 700})
    tab.goto(f"{live_server.url}{one_click_path(person)}?lang=en")
    tab.click(".btn-brand")
    tree = tab.locator("body").aria_snapshot()
    assert 'heading "You\'re unsubscribed" [level=1]' in tree
    assert "- status:" in tree
    for name in ("Undo", "Once a month at most", "Pause for three months"):
        assert f'button "{name}"' in tree
    for name in ("Too many messages?", "What else you can do"):
        assert f'region "{name}"' in tree
    assert "contentinfo" in tree


def test_large_text_and_the_systems_own_colours_lose_nothing(
    shop: LandingPage, person: Profile, tabs: Any, live_server: Any
) -> None:
    tab = tabs(viewport={"width": 320, "height": 700}, forced_colors="active")
    tab.goto(f"{live_server.url}{one_click_path(person)}?lang=de")
    tab.click(".btn-brand")
    tab.evaluate("document.documentElement.style.fontSize = '200%'")
    accessibility.fits(tab)
    for button in tab.locator("button").all():
        box = button.bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 320
    width = tab.evaluate(
        "parseFloat(getComputedStyle(document.querySelector('.done')).borderTopWidth)"
    )
    assert width >= 1
