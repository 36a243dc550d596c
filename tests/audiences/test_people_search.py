"""Lists of people: the search by name, filters, and the indexes behind both."""

from typing import Any

import pytest
from django.db import connection

from audiences import consent, sql, subscriptions
from audiences.consent import Origin
from audiences.models import Address, Profile
from audiences.profiles import name_search
from audiences.selections import filters
from tests.factories import ProfileFactory, ServiceFactory, many_profiles

BY = Origin(source="operator", actor="eva", note="asked")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("first", "last", "found_by", "not_by"),
    [
        (
            "Jan",
            "de Wit",
            ["wit", "de wit", "WIT", "wit, jan", "ja wi"],
            ["it", "jan p"],
        ),
        ("Ayşe", "Özdemir", ["ozdemir", "Özd", "ayse", "özdemir ayşe"], ["zdemir"]),
        ("Søren", "O'Brien-Łuk", ["soren", "brien", "luk", "o'brien", "Łuk"], ["rien"]),
        ("Tom 7", "van 't Hooft", ["hooft", "'t hooft", "7", "tom 7"], ["8"]),
        ("Иван", "Петров", ["иван", "ПЕТР"], ["етров"]),
    ],
)
def test_any_word_of_a_name_finds_by_its_beginning(
    first: str, last: str, found_by: list[str], not_by: list[str]
) -> None:
    person = ProfileFactory(first_name=first, last_name=last)
    ProfileFactory(first_name="Other", last_name="Person")
    for text in found_by:
        assert list(Profile.objects.filter(name_search.named(text))) == [person], text
    for text in not_by:
        assert not Profile.objects.filter(name_search.named(text)).exists(), text


@pytest.mark.django_db
def test_external_id_is_found_in_the_letters_that_people_type() -> None:
    person = ProfileFactory(external_id="P00045")
    ProfileFactory(external_id="P00046")
    for text in ("P00045", "p00045", " p00045 "):
        assert list(Profile.objects.filter(filters.search(text))) == [person], text


@pytest.mark.django_db
def test_index_of_names_follows_every_way_of_writing() -> None:
    person = ProfileFactory(first_name="A", last_name="Before")
    Profile.objects.filter(pk=person.pk).update(last_name="Later")
    many_profiles(2)
    Profile.objects.bulk_create([Profile(first_name="B", last_name="Bulk")])
    found = [
        Profile.objects.filter(name_search.named(text)).count()
        for text in ("before", "later", "bulk", "'\"% & | ! * ( NEAR", "")
    ]
    assert found == [0, 1, 1, 0, 0]


@pytest.mark.django_db
def test_index_of_names_is_rebuilt_when_it_was_lost() -> None:
    person = ProfileFactory(first_name="A", last_name="Lost")
    if sql.is_postgresql():
        (name,) = sql.fetch(
            "SELECT indexname FROM pg_indexes WHERE indexname LIKE 'profile_by_word%'"
        )[0]
        sql.execute(f"DROP INDEX {name}")
    else:
        sql.execute(f"DROP TRIGGER {name_search.WORDS}_insert")
        person = ProfileFactory(first_name="B", last_name="Unseen")
    name_search.install_after_migrate(sender=None)
    assert Profile.objects.filter(name_search.named(person.last_name)).exists()


def _plan(queryset: Any) -> str:
    with connection.cursor() as cursor:
        if sql.is_postgresql():
            cursor.execute("SET LOCAL enable_seqscan = off")
            return str(queryset.explain())
    return str(queryset.explain())


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("chosen", "index"),
    [
        ({"q": "vos"}, ("profile_by_word", "VIRTUAL TABLE")),
        ({"opted_out": "fax"}, ("profile_out_fax",)),
        ({"address_status": "quarantine"}, ("address_by_status",)),
        ({"language": "xx"}, ("profile_by_language",)),
        ({"created_from": "2030-01-01"}, ("profile_by_creation",)),
        ({"service": "news"}, ("subscription_of_service", "subscription_once")),
    ],
)
def test_lists_are_found_by_an_index(
    chosen: dict[str, str], index: tuple[str, ...]
) -> None:
    ServiceFactory(slug="news")
    many_profiles(20)
    plan = _plan(filters.select(chosen).order_by())
    assert any(name in plan for name in index), plan


@pytest.mark.django_db
def test_filters_choose_whom_they_say() -> None:
    service = ServiceFactory(slug="news")
    out = ProfileFactory(language="nl", email="out@example.com")
    free = ProfileFactory(language="en", sms="+31612345678")
    consent.opt_out(out, "email", BY)
    subscriptions.subscribe(free, service, BY)
    Address.objects.filter(profile=out).update(quarantine_status="quarantine")
    today = out.created_at.date().isoformat()
    cases: list[tuple[dict[str, str], set[Profile]]] = [
        ({}, {out, free}),
        ({"opted_out": "email"}, {out}),
        ({"opted_out": "none"}, {free}),
        ({"address_status": "quarantine"}, {out}),
        ({"service": "news"}, {free}),
        ({"language": "nl"}, {out}),
        ({"without_address": "email"}, {free}),
        ({"without_address": "any"}, set()),
        ({"created_from": today, "created_to": today}, {out, free}),
        ({"created_to": "2001-01-01"}, set()),
        ({"ids": f"{out.pk}"}, {out}),
        ({"q": "out@EXAMPLE.com", "language": "nl"}, {out}),
        # What means nothing reaches nobody.
        ({"opted_out": "pigeon"}, set()),
        ({"service": "gone"}, set()),
        ({"created_from": "yesterday"}, set()),
        ({"ids": "1;2"}, set()),
        ({"colour": "red"}, set()),
    ]
    for chosen, expected in cases:
        assert set(filters.select(chosen)) == expected, chosen
        assert filters.in_words(chosen, {}) if chosen != {"colour": "red"} else True
