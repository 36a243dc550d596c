"""A page's life: draft, published, changed, unpublished, scheduled, ended, deleted."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from audiences import landing_pages
from audiences.consent import guards as history_guards
from audiences.models import LandingPage, LandingPageText, LandingPageVersion, Service
from audiences.sql import execute
from tests.factories import ServiceFactory

from .visitors import browser, words

pytestmark = pytest.mark.django_db
KINDS = list(LandingPage.Kind.values)


def service_for(kind: str) -> Service | None:
    return ServiceFactory() if kind == "subscription" else None


def make(kind: str = "denylist", slug: str = "stop") -> LandingPage:
    return landing_pages.create(slug, kind=kind, service=service_for(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_of_each_kind_can_be_published_as_it_is_made(kind: str) -> None:
    page = make(kind)
    assert page.status == "draft"
    version = landing_pages.publish(page, actor="eva").version
    assert (version.name, version.published_by) == ("stop/1", "eva")
    assert page.status == "published"
    for texts in version.content["texts"].values():
        assert texts["title"]
        assert texts["button"]


def test_publishing_an_unchanged_page_makes_no_new_version() -> None:
    page = make()
    assert landing_pages.publish(page).is_new
    assert not landing_pages.publish(page).is_new
    landing_pages.unpublish(page)
    assert page.status == "unpublished"
    again = landing_pages.publish(page)
    assert (again.version.number, again.is_new) == (1, False)


def test_edits_are_not_live_before_republishing() -> None:
    page = make()
    landing_pages.publish(page)
    assert not landing_pages.has_unpublished_changes(page)
    LandingPageText.objects.create(page=page, language="nl", title="Weg ermee")
    assert landing_pages.has_unpublished_changes(page)
    live = landing_pages.live("stop")
    assert live
    assert live.content["texts"]["nl"]["title"] == "Alles stoppen"
    landing_pages.publish(page)
    live = landing_pages.live("stop")
    assert live
    assert (live.number, live.content["texts"]["nl"]["title"]) == (2, "Weg ermee")


@pytest.mark.parametrize(
    ("opens", "closes", "status"),
    [(-1, 1, "published"), (1, 2, "scheduled"), (-2, -1, "ended"), (None, -1, "ended")],
)
def test_dates_decide_the_status(opens: Any, closes: int, status: str) -> None:
    page = make()
    now = timezone.now()
    page.opens_at = now + timedelta(days=opens) if opens else None
    page.closes_at = now + timedelta(days=closes)
    page.save()
    landing_pages.publish(page)
    assert page.status == status


@pytest.mark.parametrize("language", ["en", "nl"])
def test_a_page_that_is_not_open_yet_says_when_in_one_sentence(language: str) -> None:
    page = make()
    page.opens_at = timezone.now() + timedelta(days=1)
    page.save()
    landing_pages.publish(page)
    text = words(browser().get(f"/p/{page.slug}/?lang={language}"))
    assert text.endswith(".")
    assert not text.endswith("..")


def test_a_deleted_page_leaves_its_versions_and_numbers_go_on() -> None:
    page = make()
    landing_pages.publish(page)
    landing_pages.delete(page)
    version = LandingPageVersion.objects.get(page_slug="stop", number=1)
    assert (version.page, version.content["kind"]) == (None, "denylist")
    page = landing_pages.create("stop", kind="preferences")
    assert landing_pages.publish(page).version.number == 2


def test_a_copy_has_everything_but_the_life() -> None:
    service = ServiceFactory()
    page = landing_pages.create("a", kind="preferences")
    LandingPageText.objects.create(page=page, language="en", title="Mine")
    landing_pages.publish(page)
    copy = landing_pages.duplicate(page, slug="b", label="B")
    assert (copy.status, list(copy.services.all())) == ("draft", [service])
    assert copy.texts.get().title == "Mine"
    assert page.texts.count() == 1


TABLE = LandingPageVersion._meta.db_table


@pytest.mark.parametrize(
    "sql",
    [
        f"UPDATE {TABLE} SET content = '{{}}'",
        f"UPDATE {TABLE} SET number = 2, page_id = NULL",
        f"UPDATE {TABLE} SET page_id = page_id + 1",
        f"DELETE FROM {TABLE}",
    ],
)
def test_the_database_refuses_to_change_a_version(sql: str) -> None:
    landing_pages.publish(make())
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        execute(sql)


ATTACKS = (
    {
        "truncate": f"SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE {TABLE} CASCADE",
        "replica": f"SET LOCAL session_replication_role = replica; DELETE FROM {TABLE}",
    }
    if connection.vendor == "postgresql"
    else {
        "replace": f"REPLACE INTO {TABLE} (id, page_slug, number, content, published_at,"
        f" published_by) SELECT id, page_slug, 7, '{{}}', published_at, '' FROM {TABLE}",
        "replace by name": f"REPLACE INTO {TABLE} (page_slug, number, content,"
        " published_at, published_by) SELECT page_slug, number, '{}', published_at, ''"
        f" FROM {TABLE}",
    }
)


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_database_refuses_it_by_other_ways_too(attack: str) -> None:
    landing_pages.publish(make())
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        execute(ATTACKS[attack])


@pytest.mark.parametrize("guard", ["first", "second"])
def test_a_missing_guard_is_found_and_put_back(guard: str) -> None:
    on_postgresql = connection.vendor == "postgresql"
    guards = history_guards.VERSIONS
    names = [*(guards.pg_triggers if on_postgresql else guards.sqlite_names)]
    name = names[0 if guard == "first" else 1]
    execute(f"DROP TRIGGER {name}" + f" ON {TABLE}" * on_postgresql)
    assert history_guards.missing() == [name]
    call_command("migrate", verbosity=0)
    assert history_guards.missing() == []


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("preferences", {"slug": "brand"}, "slug"),
    ("preferences", {"slug": "a b"}, "slug"),
    ("preferences", {"channels": ["smoke"]}, "channels"),
    ("preferences", {"channels": ["sms", "sms"]}, "channels"),
    ("preferences", {"channels": "sms"}, "channels"),
    ("preferences", {"languages": ["xx"]}, "languages"),
    ("preferences", {"languages": []}, "languages"),
    ("preferences", {"extra_fields": ["external_id"]}, "extra_fields"),
    ("preferences", {"text_on_brand": "#1a56a9"}, "text_on_brand"),
    ("preferences", {"brand_colour": "red;}"}, "brand_colour"),
    ("preferences", {"closed_redirect": "javascript:alert(1)"}, "closed_redirect"),
    ("acquisition", {"stops_address": True}, "stops_address"),
    ("subscription", {"service": None}, "service"),
]


@pytest.mark.parametrize(("kind", "facts", "field"), WRONG)
def test_a_page_that_cannot_be_is_refused(
    kind: str, facts: dict[str, Any], field: str
) -> None:
    page = make(kind)
    for name, value in facts.items():
        setattr(page, name, value)
    with pytest.raises(ValidationError) as refusal:
        page.full_clean()
    assert field in refusal.value.message_dict
