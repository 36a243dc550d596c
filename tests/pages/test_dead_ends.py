"""Pages that lead no further: they say where to write, the same for everybody."""

import runpy
from typing import Any

import pytest

from tests.factories import ProfileFactory

from .visitors import browser, one_click_path, page, path_to

pytestmark = pytest.mark.django_db

MAILBOX = "help+pages@example.org"
LINK = f'<a href="mailto:{MAILBOX}">{MAILBOX}</a>'


def bad_links() -> list[str]:
    """A link that is cut off, forged, made for something else, or for nobody."""
    profile = ProfileFactory()
    stop, choose = page("denylist"), page("preferences")
    token = path_to(stop, profile).split("/")[-2]
    return [
        one_click_path(profile)[:-9] + "/",
        "/u/forged/",
        f"/u/{token}/",
        f"/p/{choose.slug}/{token}/",
        f"/p/{stop.slug}/{token[:-1]}/",
        f"/p/{stop.slug}/confirm/{token}/",
        f"/p/nothing/{token}/",
    ]


@pytest.mark.parametrize("language", ["en", "nl"])
def test_every_bad_link_gets_the_same_page_with_where_to_write(
    settings: Any, language: str
) -> None:
    settings.CONTACT_EMAIL = MAILBOX
    answers = [browser().get(f"{url}?lang={language}") for url in bad_links()]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert LINK in answers[0].content.decode()


def test_without_a_mailbox_no_address_is_given() -> None:
    for url in [*bad_links(), "/p/nothing/"]:
        assert "mailto:" not in browser().get(url).content.decode()


def test_a_page_for_personal_links_alone_says_where_to_write(settings: Any) -> None:
    settings.CONTACT_EMAIL = MAILBOX
    made = page("preferences", allows_unidentified=False)
    assert LINK in browser().get(f"/p/{made.slug}/").content.decode()
    assert LINK in browser().get("/p/nothing/").content.decode()


@pytest.mark.parametrize("allows", [True, False])
def test_an_old_link_leads_to_a_new_one_or_to_somebody_who_can_help(
    settings: Any, allows: bool
) -> None:
    settings.CONTACT_EMAIL, settings.EDIT_LINK_DAYS = MAILBOX, -1
    made = page("preferences", allows_unidentified=allows)
    text = browser().get(path_to(made, ProfileFactory())).content.decode()
    assert ("Send me a new link" in text) is allows
    assert (LINK in text) is not allows


def test_a_mistyped_address_has_our_page_also_while_the_site_is_tried_out(
    settings: Any, rf: Any
) -> None:
    settings.DEBUG = True
    last = runpy.run_module("campaign.urls")["urlpatterns"][-1]
    for kept in ("", "admin/x/", "admin", "api/v1/x", "hooks/x", "help"):
        assert last.resolve(kept) is None
    found = last.resolve("foo/bar")
    answer = found.func(rf.get("/foo/bar?lang=nl"))
    assert answer.status_code == 404
    assert "Deze pagina bestaat niet" in answer.content.decode()
