"""Opt-out, undo and opt-in at the same moment, in several tabs, with the mail client."""

import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from audiences.models import ConsentEvent
from audiences.records.verification import verify_consent
from tests.factories import ProfileFactory

from .visitors import (
    browser,
    flags,
    news,
    one_click_path,
    page,
    path_to,
    subscriptions_of,
    ticked,
    undo_of,
)

pytestmark = pytest.mark.django_db(transaction=True)
needs_several_writers = pytest.mark.skipif(
    connection.vendor == "sqlite",
    reason="SQLite in memory has one writer; BEGIN IMMEDIATE serialises files",
)


@needs_several_writers
def test_the_state_is_what_the_history_says_whatever_comes_at_once() -> None:
    profile = ProfileFactory(email="a@example.com")
    service = news()
    urls = {
        "stop": path_to(page("denylist", stops_address=True), profile),
        "choose": path_to(page("preferences"), profile),
        "end": path_to(page("unsubscription", service=service), profile),
        "mail": one_click_path(profile),
    }

    def visit(seed: int) -> list[int]:
        chance, tab, undo = random.Random(seed), browser(), ""
        found = []
        for _ in range(12):
            name = chance.choice(sorted(urls))
            data: dict[str, Any] = {"act": "1"}
            if name == "choose":
                channels = ["email", "sms", "phone"]
                data["channels"] = chance.sample(channels, chance.randrange(4))
                data["services"] = [str(service.pk)] * chance.randrange(2)
            if undo and chance.random() < 0.4:
                data = {"undo": undo}
            answer = tab.post(urls[name], data)
            found.append(answer.status_code)
            undo = undo_of(answer) or undo
        connection.close()
        return found

    with ThreadPoolExecutor(6) as tabs:
        statuses = {code for found in tabs.map(visit, range(6)) for code in found}
    assert statuses == {200}
    assert ConsentEvent.objects.count() > 20
    assert verify_consent().is_consistent


@needs_several_writers
def test_two_taps_at_once_are_one_opt_out() -> None:
    profile = ProfileFactory(email="a@example.com")
    url = path_to(page("denylist"), profile)

    def tap(client: Client) -> str:
        answer = client.post(url, {"act": "1"})
        connection.close()
        return undo_of(answer)

    with ThreadPoolExecutor(8) as taps:
        undos = list(taps.map(tap, [browser() for _ in range(8)]))
    assert ConsentEvent.objects.count() == 1
    # Each of them can be undone.
    assert all(undos)


def test_what_is_shown_is_what_is_true() -> None:
    profile = ProfileFactory(email="a@example.com")
    service = news()
    url = path_to(page("preferences", channels=["email", "sms"]), profile)
    chance = random.Random(3)
    gets = {"email", "sms"}
    for _ in range(25):
        channels = {c for c in ("email", "sms") if chance.random() < 0.5}
        services = {str(service.pk)} if chance.random() < 0.5 else set()
        browser().post(url, {"channels": list(channels), "services": list(services)})
        shown = ticked(browser().get(url))
        stopped_all = "any" in flags(profile)
        # This link can stop both, and start email alone.
        gets = channels & (gets | {"email"})
        assert shown == (gets | services if not stopped_all else set())
        assert bool(services) == bool(subscriptions_of(profile))
        if chance.random() < 0.2:
            browser().post(one_click_path(profile))
            gets -= {"email"}
