"""A list of many rows asks the database for one page, also when there is only one."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audiences.console import lists
from audiences.models import Profile
from tests.factories import many_profiles
from tests.people import person

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("query", ["", "?language=nl", "?q=nobody", "?all="])
def test_every_query_of_the_list_is_bounded(query: str, admin_client: Client) -> None:
    person(language="nl")
    url = reverse("admin:audiences_profile_changelist") + query
    with CaptureQueriesContext(
        connection,
    ) as kept:
        assert admin_client.get(url).status_code == 200
    of_people = [q["sql"] for q in kept if '."last_name"' in q["sql"]]
    assert of_people
    assert [sql for sql in of_people if "LIMIT" not in sql] == []


def test_changing_everybody_is_not_offered_for_nobody(admin_client: Client) -> None:
    url = reverse("admin:audiences_profile_changelist")
    person()
    assert "whole-list" in admin_client.get(url).content.decode()
    assert "whole-list" not in admin_client.get(f"{url}?q=nobody").content.decode()


@pytest.mark.parametrize("matching", [20, 9, 5])
@pytest.mark.parametrize("page", [1, 2])
def test_list_of_nearly_everybody_is_read_from_its_beginning(
    matching: int, page: int, admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same rows as ever; the others are asked for where it does not hold them."""
    monkeypatch.setattr(lists, "COUNTED", 4)
    monkeypatch.setattr(lists, "FIRST_ROWS", 8)
    monkeypatch.setattr(lists.BigList, "list_per_page", 2)
    many_profiles(20)
    ids = list(Profile.objects.order_by("pk").values_list("pk", flat=True))
    Profile.objects.update(language="en")
    Profile.objects.filter(pk__in=ids[-matching:]).update(language="nl")
    url = reverse("admin:audiences_profile_changelist")
    with CaptureQueriesContext(connection) as kept:
        shown = admin_client.get(f"{url}?language=nl&p={page}").context["cl"]
    wanted = ids[-matching:][2 * page - 2 : 2 * page]
    assert [profile.pk for profile in shown.result_list] == wanted
    of_people = [
        q["sql"] for q in kept if '"audiences_profile"."last_name"' in q["sql"]
    ]
    assert "<=" in of_people[0]
    assert len(of_people) == (1 if matching == 20 else 2)
