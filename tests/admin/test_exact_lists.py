"""Masked means masked: no list answers to more than it offers, whatever Django knows."""

import html
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import SuspiciousOperation
from django.db import models
from django.http import QueryDict
from django.test import Client
from django.urls import NoReverseMatch, reverse

from audiences.background import figures
from audiences.console.exact import BadQuery, Exact, ExactList
from audiences.imports import runs
from audiences.models import (
    Address,
    Organisation,
    Profile,
    RetentionRule,
    Role,
    Service,
)
from audiences.roles import Code
from audiences.selections import bulk_acts

from .conftest import World
from .test_roles import in_role

pytestmark = pytest.mark.django_db
# The organisation is one row, and the rules of retention are one page: no lists.
ADMINS = [
    own
    for model, own in admin.site._registry.items()
    if model not in (Organisation, RetentionRule)
]
of_each_admin = pytest.mark.parametrize(
    "own", ADMINS, ids=lambda own: own.model.__name__
)
VALUES = ("(", "\0", "9" * 30)


def list_of(model: type[models.Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def paths(model: type[models.Model], depth: int = 1) -> Iterator[tuple[str, Any]]:
    """Every field that a look-up can reach from a model, across one relation."""
    for field in model._meta.get_fields():
        yield field.name, field
        if field.is_relation and field.related_model and depth:
            for name, found in paths(field.related_model, depth - 1):  # type: ignore[arg-type]
                yield f"{field.name}__{name}", found


def lookups(model: type[models.Model]) -> Iterator[str]:
    """Every parameter that Django could filter the list by."""
    for name, field in paths(model):
        yield name
        getter = getattr(field, "get_lookups", None)
        for lookup in getter() if getter else ("exact", "isnull", "in"):
            yield f"{name}__{lookup}"
        transforms = ("year", "date", "upper", "lower", "trim", "length", "unaccent")
        for transform in transforms:
            yield f"{name}__{transform}"
            yield f"{name}__{transform}__regex"


def offered(client: Client, model: type[models.Model]) -> set[str]:
    """What the filters of the list itself take."""
    shown = client.get(list_of(model)).context["cl"]
    names = {n for spec in shown.filter_specs for n in spec.expected_parameters()}
    for each in shown.list_filter:  # a filter with nothing to choose is not shown
        if isinstance(each, str):
            names |= {f"{each}__exact", f"{each}__id__exact", f"{each}__isnull"}
            names |= {each, f"{each}__gte", f"{each}__lt"}
        elif parameter := getattr(each, "parameter_name", ""):
            names.add(parameter)
    day = shown.date_hierarchy
    return names | ({f"{day}__year", f"{day}__month", f"{day}__day"} if day else set())


@of_each_admin
def test_every_admin_has_the_one_door(own: Any, rf: Any) -> None:
    assert isinstance(own, Exact)
    assert issubclass(own.get_changelist(rf.get("/")), ExactList)


@of_each_admin
@pytest.mark.one_database
def test_a_list_answers_to_its_own_filters_alone(
    own: Any, rf: Any, admin_user: User, admin_client: Client
) -> None:
    known = offered(admin_client, own.model)
    asked = sorted(set(lookups(own.model)) - known)
    assert len(asked) > 10
    request = rf.get("/")
    request.user = admin_user
    answered = []
    for name in asked:
        request.GET = QueryDict(f"{name}=a")
        try:
            own.get_changelist_instance(request)
        except (BadQuery, SuspiciousOperation):
            continue
        answered.append(name)
    assert not answered
    for name in asked[:: max(1, len(asked) // 5)]:
        assert admin_client.get(list_of(own.model), {name: "a"}).status_code == 400


@of_each_admin
def test_no_value_is_an_error_of_ours(
    own: Any, world: World, admin_client: Client
) -> None:
    bulk_acts.begin(
        "unsubscribe", {"ids": "0"}, actor="eva", details={"service": "news"}
    )
    runs.upload("people.csv", [b"external_id\nP1\n"], actor="eva")
    names = offered(admin_client, own.model) | {"o", "p", "_facets", "q"}
    names |= {"e", "_popup", "_to_field", "created_at__year", "key__regex", "channel"}
    for name in sorted(filter(None, names)):
        for value in VALUES:
            answer = admin_client.get(list_of(own.model), {name: value})
            assert answer.status_code in (200, 400), (name, value)


@of_each_admin
def test_pages_of_rows_take_any_address_too(
    own: Any, world: World, admin_client: Client
) -> None:
    app, name = own.model._meta.app_label, own.model._meta.model_name
    for view, args in (
        ("add", []),
        *(
            (v, [pk])
            for v in ("change", "delete", "history")
            for pk in ("9" * 30, "_00")
        ),
    ):
        try:
            url = reverse(f"admin:{app}_{name}_{view}", args=args)
        except NoReverseMatch:
            continue
        for query in ("", "?_to_field=key&_popup=1", "?channel=%00&service=a"):
            status = admin_client.get(url + query).status_code
            assert status in (200, 302, 400, 403, 404), url + query


@pytest.mark.parametrize(
    "query",
    [
        "?created_at__year=99999999999999",
        "?channel=%00",
        "?key__regex=(",
        "?key__startswith=a",
        "?e=1",
        "?p=x",
        "?o=1.2",
        "?_to_field=key",
    ],
)
def test_the_answer_is_plain_and_in_the_language_of_the_reader(
    query: str, admin_client: Client
) -> None:
    url = list_of(Address) + query
    answer = admin_client.get(url, headers={"accept-language": "nl"})
    assert answer.status_code == 400
    text = answer.content.decode()
    assert '<html lang="nl"' in text
    assert "Traceback" not in text


def test_a_page_beyond_the_last_one_is_refused(admin_client: Client) -> None:
    assert admin_client.get(list_of(Profile), {"p": "7"}).status_code == 400


def test_a_change_of_many_reads_the_filters_of_the_list_alone(
    world: World, admin_client: Client
) -> None:
    for name in ("bulk", "export"):
        url = reverse(f"admin:audiences_profile_{name}")
        assert admin_client.post(f"{url}?email__regex=a").status_code == 400
        assert admin_client.post(f"{url}?q=%00").status_code == 400
    assert admin_client.get(f"{reverse('admin:audiences_profile_bulk')}?language=nl")
    everything = {"action": "opt_out", "select_across": "1", "_selected_action": "1"}
    refused = admin_client.post(
        f"{list_of(Profile)}?addresses__key__regex=a", everything
    )
    assert refused.status_code == 400


def test_djangos_search_for_any_row_is_closed(admin_client: Client) -> None:
    query = {"app_label": "audiences", "model_name": "address", "field_name": "profile"}
    url = reverse("admin:autocomplete")
    assert admin_client.get(url, {**query, "term": "a"}).status_code == 404


# ------------------------------------------------------- searches for whole addresses
LISTS = ("address", "profile", "outboxmail", "signuprequest", "consentevent")


@pytest.mark.parametrize("name", LISTS)
def test_whoever_may_not_see_addresses_looks_for_a_few_of_them(
    name: str, world: World, settings: Any
) -> None:
    settings.ADDRESS_SEARCHES = 3
    viewer = in_role(Code.VIEWER)
    url = reverse(f"admin:audiences_{name}_changelist")
    for number in range(3):
        answer = viewer.get(url, {"q": f"a{number}@example.com"})
        assert answer.status_code == 200
    refused = viewer.get(url, {"q": "one.more@example.com"})
    assert refused.status_code == 429
    assert int(refused["Retry-After"]) > 0
    assert "You may not see addresses" in refused.content.decode()
    elsewhere = reverse("admin:audiences_profile_changelist")
    assert viewer.get(elsewhere, {"q": "addr:b@example.com"}).status_code == 429
    assert viewer.get(elsewhere, {"q": "Vos"}).status_code == 200, "names are free"


def test_whoever_sees_addresses_is_not_counted(world: World, settings: Any) -> None:
    settings.ADDRESS_SEARCHES = 1
    operator = in_role(Code.OPERATOR)
    url = list_of(Profile)
    for number in range(5):
        found = operator.get(url, {"q": f"a{number}@example.com"})
        assert found.status_code == 200


@pytest.mark.parametrize("text", ["+31612345678", " addr:x", "a@b", "tok3n" * 4])
def test_every_kind_of_whole_address_counts(
    text: str, world: World, settings: Any
) -> None:
    settings.ADDRESS_SEARCHES = 1
    viewer = in_role(Code.VIEWER)
    answers = [viewer.get(list_of(Profile), {"q": text}).status_code for _ in range(2)]
    assert answers == [200, 429]


def test_the_limit_is_each_operators_own(world: World, settings: Any) -> None:
    settings.ADDRESS_SEARCHES = 1
    first, second = in_role(Code.VIEWER), in_role(Code.PUBLISHER)
    query = {"q": "a@example.com"}
    assert first.get(list_of(Address), query).status_code == 200
    assert first.get(list_of(Address), query).status_code == 429
    assert second.get(list_of(Address), query).status_code == 200
    assert Role.objects.exists()


def test_every_link_of_ours_into_a_list_is_answered(
    world: World, admin_client: Client
) -> None:
    """What pages lead to with a query is what the list offers."""
    figures.refresh()
    pages = [
        "/admin/",
        *(
            reverse(f"admin:{name}_change", args=[pk])
            for name, pk in (
                ("audiences_profile", world.people[0].pk),
                ("audiences_service", world.service.pk),
                ("audiences_landingpage", world.page.pk),
                ("audiences_landingpageversion", world.page.live_version_id),
                ("delivery_quarantineentry", world.entry.pk),
                ("delivery_delivery", world.prepared.pk),
            )
        ),
        reverse("admin:audiences_service_report", args=[world.service.pk]),
        list_of(Service),
    ]
    followed = set()
    for page in pages:
        text = html.unescape(admin_client.get(page).content.decode())
        followed |= set(re.findall(r'href="(/admin/[a-z/]+/\?[^"#]+)', text))
    assert len(followed) > 5
    for url in sorted(followed):
        assert admin_client.get(url).status_code == 200, url
