"""Programs that are told: the list of none leads to the first one."""

import pytest
from django.test import Client
from django.urls import reverse

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", ["endpoint", "apikey"])
def test_an_empty_list_leads_to_the_first_one(name: str, admin_client: Client) -> None:
    page = admin_client.get(reverse(f"admin:audiences_{name}_changelist"))
    html = page.content.decode()
    empty = html[html.index("empty-state") :].partition("</div>")[0]
    assert reverse(f"admin:audiences_{name}_make") in empty
    assert "by themselves" not in empty
