"""Pictures of the pages of recipients, as they go through them on a phone."""

from collections.abc import Iterator

from playwright.sync_api import Browser, Page

# English on a phone, Dutch on a small one.
WIDTHS = {"en": 390, "nl": 320}
TALLER = 640


def visit(
    browser: Browser, base: str, links: dict[str, str], language: str
) -> Iterator[tuple[str, Page]]:
    """The name of each picture, with the page as it is then."""
    page = browser.new_page(viewport={"width": WIDTHS[language], "height": TALLER})

    def look(url: str) -> None:
        page.goto(f"{url}?lang={language}")

    look(links["stop"])
    yield "stop", page
    page.click(".btn-brand")
    yield "stopped", page
    page.click(".undo button")
    yield "undone", page
    look(links["preferences"])
    yield "preferences", page
    page.locator("input[name=channels]").nth(1).uncheck()
    page.click(".btn-brand")
    yield "chosen", page
    page.click(".undo button")
    look(f"{base}/p/welcome/")
    yield "sign-up", page
    look(f"{base}/p/stop-everything/")
    yield "no-link", page
    look(f"{base}/u/cut-off/")
    yield "bad-link", page
    page.close()
