"""Programs in the console: the first one, and what was done with each."""

import re

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from audiences import api_keys, endpoints
from audiences.feed import Event
from tests.people import person

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", ["endpoint", "apikey"])
def test_an_empty_list_leads_to_the_first_one(name: str, admin_client: Client) -> None:
    page = admin_client.get(reverse(f"admin:audiences_{name}_changelist"))
    html = page.content.decode()
    empty = html[html.index("empty-state") :].partition("</div>")[0]
    assert reverse(f"admin:audiences_{name}_make") in empty
    assert "by themselves" not in empty


def test_the_page_of_an_endpoint_says_who_made_it_and_what_was_done(
    admin_client: Client,
) -> None:
    made = endpoints.create("https://crm.example.org/told", [*Event], actor="api:crm")
    pk = made.endpoint.pk
    page = admin_client.get(reverse("admin:audiences_endpoint_change", args=[pk]))
    html = page.content.decode()
    assert "api:crm" in html
    history = reverse("admin:audiences_endpoint_history", args=[pk])
    assert history in html
    assert admin_client.get(history).status_code == 200


def test_the_page_of_a_key_leads_to_what_was_done_with_it(admin_client: Client) -> None:
    key = api_keys.create("web & shop", ["profiles:write"]).key
    person(email="ann@example.org", external_id="A1")
    secret = api_keys.rotate(key).secret
    Client().patch(
        "/api/v1/profiles/ext:A1",
        {"first_name": "Ann"},
        "application/json",
        headers={"Authorization": f"Bearer {secret}"},
    )
    page = admin_client.get(reverse("admin:audiences_apikey_change", args=[key.pk]))
    html = page.content.decode()
    (link,) = re.findall(r'href="([^"]*activity/[^"]*who=[^"]*)"', html)
    acts = admin_client.get(link.replace("&amp;", "&")).content.decode()
    assert "Changed first name." in acts
    ours = User.objects.create_user("viewer", is_staff=True)
    ours.user_permissions.add(Permission.objects.get(codename="view_apikey"))
    admin_client.force_login(ours)
    page = admin_client.get(reverse("admin:audiences_apikey_change", args=[key.pk]))
    assert "who=" not in page.content.decode()
