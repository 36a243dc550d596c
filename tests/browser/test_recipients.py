"""Recipients in a real browser: two taps to done, by keyboard, in both languages."""

from collections.abc import Iterator
from typing import Any

import pytest

from audiences.models import Profile
from audiences.wording import page_texts
from tests.browser.test_admin_pages import browser, pytestmark  # noqa: F401
from tests.factories import ProfileFactory, ServiceFactory
from tests.pages.visitors import flags, one_click_path, page, path_to, subscriptions_of

from . import accessibility
from .accessibility import tab_to

# Windows in pixels: a small phone, also without script, and a desktop.
WINDOWS = {
    "phone without script": (320, False),
    "phone": (320, True),
    "desktop": (1280, True),
}
# The sentences that visitors are told, by where the texts have them.
STOPPED, UNDONE = "state.gets_nothing", "page.undone_all"
AGREE, BAD_LINK = "page.agreement_needed", "bad_link.title"
SUBMIT, UNDO = ".btn-brand", ".undo button"


class Visitor:
    """A person with a browser of their own, who uses the keyboard alone."""

    def __init__(self, browser: Any, site: str, language: str, window: str) -> None:  # noqa: F811
        width, self.has_script = WINDOWS[window]
        self.language, self.site = language, site
        self.problems: list[str] = []
        self.tab = browser.new_context(
            locale="de-DE",  # the language comes from the profile, not from here
            viewport={"width": width, "height": 700},
            java_script_enabled=self.has_script,
        ).new_page()
        self.tab.on("console", lambda message: self.problems.append(message.text))
        self.tab.on("pageerror", lambda error: self.problems.append(str(error)))
        self.tab.on("request", self._see)

    def _see(self, request: Any) -> None:
        if not request.url.startswith(self.site):
            self.problems.append(f"asks elsewhere: {request.url}")

    def open(self, path: str, status: int = 200) -> None:
        answer = self.tab.goto(f"{self.site}{path}")
        assert answer.status == status
        if status == 404:  # the browser itself notes it
            assert len(self.problems) == 1
            self.problems.clear()
        self.look()

    def look(self) -> None:
        """Nothing is wrong with the page that is open, for anybody."""
        assert self.tab.context.cookies() == []
        accessibility.fits(self.tab)
        if self.has_script:
            accessibility.check(self.tab)

    def press(self, selector: str, key: str = "Enter") -> None:
        tab_to(self.tab, selector)
        if key == "Enter":
            with self.tab.expect_navigation():
                self.tab.keyboard.press(key)
        else:
            self.tab.keyboard.press(key)

    def words(self, path: str) -> str:
        return page_texts.text(self.language, path)

    def is_told(self, path: str) -> None:
        """A sentence, in the part that screen readers announce."""
        announced = self.tab.locator("[role=status]", has_text=self.words(path))
        announced.first.wait_for()
        assert self.tab.get_attribute("html", "lang") == self.language
        self.look()


@pytest.fixture
def visitors(browser: Any, live_server: Any) -> Iterator[Any]:  # noqa: F811
    made: list[Visitor] = []

    def visitor(language: str, window: str) -> Visitor:
        made.append(Visitor(browser, live_server.url, language, window))
        return made[-1]

    yield visitor
    assert [problem for each in made for problem in each.problems] == []


def _person(language: str) -> Profile:
    profile: Profile = ProfileFactory(
        email="ann@shop.example",
        sms="+31612345678",
        language=language,
        first_name="Ann",
    )
    return profile


@pytest.mark.parametrize("language", ["en", "nl", "de"])
def test_two_taps_stop_everything_and_a_third_takes_it_back(
    language: str, visitors: Any
) -> None:
    stop = page("denylist")
    for window in WINDOWS:
        person, visitor = _person(language), visitors(language, window)
        visitor.open(path_to(stop, person))
        assert flags(person) == set()
        visitor.press(SUBMIT)
        visitor.is_told(STOPPED)
        assert flags(person) == {"any"}
        visitor.press(UNDO)
        visitor.is_told(UNDONE)
        assert flags(person) == set()
        visitor.open(one_click_path(person))
        visitor.press(SUBMIT)
        visitor.look()
        assert flags(person) == {"email"}


@pytest.mark.parametrize("language", ["en", "nl", "de"])
def test_choices_are_made_with_the_keyboard_and_errors_are_announced(
    language: str, visitors: Any
) -> None:
    news = ServiceFactory(slug="news", label="Weekly newsletter")
    choices = page(
        "preferences",
        channels=["email", "sms"],
        services=[news],
        extra_fields=["first_name", "country"],
        needs_agreement=True,
    )
    for window in WINDOWS:
        person, visitor = _person(language), visitors(language, window)
        visitor.open(path_to(choices, person, is_fresh=True))
        visitor.press("input[value=sms]", "Space")
        visitor.press(f"input[value='{news.pk}']", "Space")
        visitor.press(SUBMIT)
        # Starting messages needs the agreement: the error is at its box and announced.
        alert = visitor.tab.locator("[role=alert]").first
        alert.wait_for()
        assert visitor.words(AGREE) in visitor.tab.inner_text("main")
        assert flags(person) == set()
        visitor.look()
        visitor.press("input[name=agreement]", "Space")
        visitor.press(SUBMIT)
        visitor.is_told("kinds.preferences.confirmation")
        assert flags(person) == {"sms"}
        assert subscriptions_of(person) == {"news"}
        visitor.press(UNDO)
        visitor.is_told(UNDONE)
        assert flags(person) == set()
        assert subscriptions_of(person) == set()


@pytest.mark.parametrize("language", ["en", "nl", "de"])
def test_a_link_that_does_not_work_says_so_in_the_language_of_the_browser(
    language: str, visitors: Any
) -> None:
    stop = page("denylist")
    for window in WINDOWS:
        visitor = visitors(language, window)
        whole = path_to(stop, _person(language)).rstrip("/")
        for broken in (f"{whole[:-3]}/", "/u/invented/"):
            visitor.open(f"{broken}?lang={language}", 404)
            assert visitor.words(BAD_LINK) in visitor.tab.inner_text("h1")
            assert visitor.tab.locator("form").count() == 0
        # Somebody without a link gets a page that works as well.
        visitor.open(f"/p/denylist/?lang={language}")
