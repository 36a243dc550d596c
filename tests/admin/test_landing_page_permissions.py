"""Who may build pages, who may publish them, and who may only look."""

import pytest
from django.test import Client
from django.urls import reverse

from audiences.models import LandingPage, LandingPageVersion
from tests.factories import ProfileFactory

from .conftest import clerk
from .landing_pages import made, publish, save, shown_values, url

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]
EDITOR = ("view_landingpage", "change_landingpage", "add_landingpage")


def test_an_editor_edits_the_draft_but_cannot_publish(admin_client: Client) -> None:
    page = made("denylist")
    publish(admin_client, page)
    editor = clerk("ed", *EDITOR, "delete_landingpage")
    assert save(editor, page, text_en_title="Draft").status_code == 302
    text = editor.get(url("change", page.pk)).content.decode()
    assert "Publishing needs the permission" in text
    for name in ("publish", "unpublish"):
        assert url(name, page.pk) not in text
        assert editor.get(url(name, page.pk)).status_code == 403
        assert editor.post(url(name, page.pk)).status_code == 403
    page.refresh_from_db()
    assert page.status == "published"
    assert LandingPageVersion.objects.count() == 1


def test_who_may_publish_can() -> None:
    publisher = clerk("pub", "view_landingpage", "publish_landingpage")
    page = made("denylist")
    assert publish(publisher, page).status_code == 302
    page.refresh_from_db()
    assert page.status == "published"
    assert publisher.post(url("unpublish", page.pk)).status_code == 302


def test_deleting_a_page_that_is_live_is_for_publishers(admin_client: Client) -> None:
    page = made("denylist")
    publish(admin_client, page)
    editor = clerk("ed", *EDITOR, "delete_landingpage")
    assert editor.post(url("delete", page.pk), {"post": "yes"}).status_code == 403
    admin_client.post(url("unpublish", page.pk))
    assert editor.post(url("delete", page.pk), {"post": "yes"}).status_code == 302
    assert not LandingPage.objects.exists()


def test_who_may_only_look_changes_nothing() -> None:
    page = made("preferences")
    viewer = clerk("vi", "view_landingpage")
    values = shown_values(viewer, page)
    for name in ("change", "preview"):
        assert viewer.get(url(name, page.pk)).status_code == 200
    assert viewer.get(url("changelist")).status_code == 200
    assert viewer.get(url("shown", page.pk, "link")).status_code == 200
    posted = {**values, "label": "Mine"}
    assert viewer.post(url("change", page.pk), posted).status_code == 403
    for name in ("publish", "unpublish", "duplicate", "delete"):
        assert viewer.post(url(name, page.pk), {"label": "x"}).status_code == 403
    assert viewer.post(url("add"), {"label": "x"}).status_code == 403
    assert LandingPage.objects.get().label != "Mine"


@pytest.mark.parametrize("permissions", [(), ("view_profile",)])
def test_others_see_nothing(permissions: tuple[str, ...], admin_client: Client) -> None:
    page = made("denylist")
    publish(admin_client, page)
    version = LandingPageVersion.objects.get()
    other = clerk("ot", *permissions)
    one = "admin:audiences_landingpageversion"
    for address in (
        *(url("changelist"), url("add"), url("change", page.pk)),
        *(url("preview", page.pk), url("shown", page.pk, "link")),
        *(url("publish", page.pk), url("duplicate", page.pk)),
        reverse(f"{one}_changelist"),
        reverse(f"{one}_change", args=[version.pk]),
        reverse(f"{one}_shown", args=[version.pk, "link"]),
    ):
        assert other.get(address).status_code == 403, address
    assert other.post(url("markdown"), {"text": "x"}).status_code == 403
    # Nobody who is not signed in gets further than the login.
    stranger = Client().post(url("shown", page.pk, "link"))
    assert stranger.status_code == 302
    assert "/login/" in stranger.url  # type: ignore[attr-defined]


def test_a_test_with_a_profile_needs_the_right_to_see_profiles() -> None:
    profile = ProfileFactory(email="ann@example.com")
    page = made("preferences")
    viewer = clerk("vi", "view_landingpage")
    query = {"as": "profile", "profile": str(profile.pk)}
    answer = viewer.get(url("preview", page.pk), query)
    assert not answer.context["frame_url"]
    assert "You may not look at profiles" in answer.content.decode()
    shown = url("shown", page.pk, f"profile-{profile.pk}")
    assert viewer.get(shown).status_code == 403
    both = clerk("both", "view_landingpage", "view_profile")
    assert both.get(shown).status_code == 200


@pytest.mark.parametrize("name", ["publish", "unpublish", "duplicate", "delete"])
def test_acts_need_a_token_against_forgery(name: str, admin_client: Client) -> None:
    page = made("denylist")
    publish(admin_client, page)
    browser = Client(enforce_csrf_checks=True)
    browser.cookies = admin_client.cookies
    answer = browser.post(url(name, page.pk), {"post": "yes", "label": "x"})
    assert answer.status_code == 403


@pytest.mark.parametrize("name", ["publish", "unpublish", "duplicate", "delete"])
def test_looking_at_a_question_changes_nothing(name: str, admin_client: Client) -> None:
    page = made("denylist")
    publish(admin_client, page)
    save(admin_client, page, text_en_title="New")
    before = list(LandingPage.objects.values())
    for method in ("get", "head", "options"):
        getattr(admin_client, method)(url(name, page.pk))
    assert list(LandingPage.objects.values()) == before
    assert LandingPageVersion.objects.count() == 1
