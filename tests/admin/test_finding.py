"""One search for everything that a role may open, and the documentation beside it."""

import re

import pytest
from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from django.urls import reverse

from audiences.console.guide import documents, places
from audiences.models import Profile
from audiences.roles import Code

from .conftest import World, clerk
from .test_roles import in_role

SEARCH = "/admin/search/"


def _found(client: Client, text: str, **more: str) -> dict[str, list[str]]:
    answer = client.get(SEARCH, {"q": text, **more})
    assert answer.status_code == 200
    return {
        str(group.title): [hit.label for hit in group.hits]
        for group in answer.context["groups"]
    }


def test_people_deliveries_and_pages_are_found_at_once(
    world: World, admin_client: Client
) -> None:
    assert _found(admin_client, "anna vos")["People"] == ["Anna Vos"]
    assert _found(admin_client, "prepar")["Deliveries"] == ["Prepared"]
    assert _found(admin_client, "news")["Services"] == ["News"]
    assert (
        "Quarantined addresses"
        in (_found(admin_client, "quarantined")["Pages of the console"])
    )
    assert _found(admin_client, "fatigue")["Help"]
    assert _found(admin_client, "nothing is called so") == {}


@pytest.mark.parametrize("code", Code)
@pytest.mark.one_database
def test_only_what_a_role_may_open_is_found(code: Code, world: World) -> None:
    client = in_role(code)
    for text in ("anna", "e", "sent"):
        for group in client.get(SEARCH, {"q": text}).context["groups"]:
            for hit in group.hits:
                assert client.get(hit.url).status_code in (200, 302), hit.url


def test_a_whole_address_is_counted_when_sent_and_not_sought_while_typed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "ADDRESS_SEARCHES", 1)
    masked = clerk("masked", "view_profile")
    for _time in range(3):
        assert "People" not in _found(masked, "anna.vos@example.com", part="1")
    assert _found(masked, "anna.vos@example.com")["People"] == ["Anna Vos"]
    assert masked.get(SEARCH, {"q": "free@example.com"}).status_code == 429


def test_without_a_text_it_shows_what_was_changed_last(
    world: World, admin_user: User, admin_client: Client
) -> None:
    kind = ContentType.objects.get_for_model(Profile)
    for each in (world.people[0], world.people[1], world.people[0]):
        LogEntry.objects.create(
            user=admin_user,
            content_type=kind,
            object_id=str(each.pk),
            action_flag=CHANGE,
        )
    names = _found(admin_client, "")["What you changed last"]
    assert names == ["Anna Vos", "Anna de Boer"]
    assert _found(in_role(Code.OPERATOR), "") == {}


def test_a_part_is_only_the_list(world: World, admin_client: Client) -> None:
    part = admin_client.get(SEARCH, {"q": "news", "part": "1"}).content.decode()
    assert "<html" not in part
    assert admin_client.get(SEARCH, {"unknown": "1"}).status_code == 400
    assert Client().get(SEARCH).status_code == 302


# ------------------------------------------------------------------ help
def test_every_document_is_shown_and_its_links_lead_somewhere(
    admin_client: Client,
) -> None:
    for name, _of_list in documents.titles():
        _title, html = documents.page(name)
        assert "<!--" not in html
        assert " style=" not in html
        for link in re.findall(r'(?:href|src)="(/admin/help/[^"#]*)', html):
            if link.endswith("/"):
                documents.page(link.removeprefix("/admin/help/").rstrip("/"))
            else:
                documents.picture(link.rpartition("/")[2])
    answer = admin_client.get(documents.url("rules"))
    assert answer.context["title"] == "Rules: who is excluded from a delivery"
    assert "default-src 'none'" in answer["Content-Security-Policy"]


def test_the_place_beside_each_page_is_a_heading() -> None:
    anchors = {(name, anchor) for name, _t, _h, anchor in documents.headings()}
    names = {name for name, _title in documents.titles()}
    for place in places.known().values():
        name, _hash, anchor = place.partition("#")
        assert name in names, place
        assert not anchor or (name, anchor) in anchors, place


def test_help_is_for_who_is_signed_in_and_leaves_its_folder_to_nobody(
    admin_client: Client,
) -> None:
    assert Client().get("/admin/help/rules/").status_code == 302
    assert admin_client.get("/help/rules/").url == "/admin/help/rules/"  # type: ignore[attr-defined]
    picture = admin_client.get("/admin/help/images/architecture.svg")
    assert picture["Content-Type"] == "image/svg+xml"
    for bad in ("../README", "nothing", "images", "..%2F..%2FREADME", ".hidden"):
        assert admin_client.get(f"/admin/help/{bad}/").status_code == 404
    away = admin_client.get("/admin/help/images/..%2Frules.md", follow=True)
    assert away.status_code == 404


def test_the_link_to_help_is_that_of_the_page(
    world: World, admin_client: Client
) -> None:
    page = reverse("admin:delivery_delivery_send", args=[world.prepared.pk])
    for url, place in (
        (page, "/admin/help/sending/#when-it-begins"),
        ("/admin/audiences/profile/", "/admin/help/admin/#many-people-at-once"),
        ("/admin/", "/admin/help/admin/#home"),
    ):
        assert admin_client.get(url).context["help_url"] == place


def test_the_language_is_chosen_and_kept(admin_client: Client) -> None:
    answer = admin_client.post(
        "/admin/language/", {"language": "nl", "next": "/admin/search/"}
    )
    assert answer.url == "/admin/search/"  # type: ignore[attr-defined]
    shown = admin_client.get("/admin/").content.decode()
    assert '<html lang="nl"' in shown
    away = {"language": "en", "next": "https://elsewhere.example/"}
    assert "elsewhere" not in admin_client.post("/admin/language/", away).url  # type: ignore[attr-defined]


def test_parts_are_shown_to_developers(admin_client: Client) -> None:
    assert admin_client.get("/admin/parts/").status_code == 200
    assert clerk("desk", "view_profile").get("/admin/parts/").status_code == 403
