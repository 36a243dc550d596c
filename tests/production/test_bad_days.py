"""A database that takes nothing in: plain words, nothing half done."""

import pytest
from django.db import connection
from django.test import Client

from audiences.links import Link, web_addresses
from audiences.models import ConsentEvent, Profile
from audiences.sql import execute
from tests.people import person


@pytest.mark.django_db(transaction=True)
def test_a_read_only_database_opts_nobody_half_out_and_comes_back(
    client: Client,
) -> None:
    pk = person().pk
    url = web_addresses.one_click_url(Link(pk, "email"))
    is_postgresql = connection.vendor == "postgresql"
    body = {"List-Unsubscribe": "One-Click"}
    execute(
        "SET default_transaction_read_only = on"
        if is_postgresql
        else "PRAGMA query_only = ON"
    )
    refused = client.post(url, body)
    execute(
        "SET default_transaction_read_only = off"
        if is_postgresql
        else "PRAGMA query_only = OFF"
    )
    assert (refused.status_code, refused["Retry-After"]) == (503, "60")
    assert not ConsentEvent.objects.exists()
    assert not Profile.objects.get(pk=pk).no_longer_contact_email
    assert client.post(url, body).status_code == 200
    assert Profile.objects.get(pk=pk).no_longer_contact_email
