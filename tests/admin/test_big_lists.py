"""A list of many rows asks the database for one page, also when there is only one."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

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
