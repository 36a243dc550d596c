"""The admin in a real browser: nothing wider than the screen, no error in the console."""

import importlib
import os
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from audiences import api_keys, endpoints
from audiences.api_keys.scopes import SCOPES
from audiences.feed import Event
from audiences.models import Endpoint
from delivery.models import InboundItem, MessageEvent
from tests.admin.conftest import World

from . import accessibility
from .conftest import CHROMIUM, NAMES

# In CI a missing browser is a failure; elsewhere these tests are skipped, and say why.
REQUIRED = bool(os.environ.get("BROWSER_TESTS_REQUIRED"))
if REQUIRED:
    importlib.import_module("playwright.sync_api")
else:
    pytest.importorskip(
        "playwright.sync_api",
        reason="Playwright is not installed (requirements-dev.txt)",
    )
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not CHROMIUM and not REQUIRED, reason=f"none of {', '.join(NAMES)} was found"
    ),
    pytest.mark.django_db(transaction=True),
]
WIDTHS = (1440, 390)
# The windows in which axe looks at each page as well.
AXE_IN = ((1440, "light"),)


@pytest.fixture
def browser(chromium: Any) -> Iterator[Any]:
    """The browser of the file; no window of a test is there in the next one."""
    yield chromium
    for context in list(chromium.contexts):
        context.close()


def _pages(world: World) -> list[str]:
    profile, entry = world.people[1].pk, world.entry.pk
    prepared, draft = world.prepared.pk, world.draft.pk
    names: list[tuple[str, list[Any]]] = [
        ("index", []),
        *(
            (f"{name}_changelist", [])
            for name in (
                *("audiences_profile", "audiences_consentevent"),
                *("audiences_outboxmail", "audiences_signuprequest"),
            )
        ),
        ("audiences_profile_add", []),
        ("audiences_profile_change", [profile]),
        ("audiences_profile_addresses_add", [profile]),
        *((f"audiences_profile_{name}", [profile]) for name in ("proof", "quarantine")),
        ("audiences_profile_bulk", []),
        ("audiences_importrun_add", []),
        ("audiences_service_change", [world.service.pk]),
        *((f"audiences_landingpage_{name}", []) for name in ("changelist", "add")),
        *(
            (f"audiences_landingpage_{name}", [world.page.pk])
            for name in (
                *("change", "preview", "publish", "unpublish", "duplicate"),
                "delete",
            )
        ),
        ("audiences_landingpageversion_changelist", []),
        ("audiences_landingpageversion_change", [world.page.live_version_id]),
        ("delivery_delivery_changelist", []),
        ("delivery_delivery_change", [prepared]),
        ("delivery_delivery_outcomes", [prepared]),
        ("delivery_delivery_outcomes", [draft]),
        ("delivery_delivery_why", [prepared, profile]),
        ("delivery_quarantineentry_changelist", []),
        ("delivery_quarantineentry_add", []),
        ("delivery_quarantineentry_change", [entry]),
        ("delivery_inbounditem_changelist", []),
        ("delivery_inbounditem_change", [InboundItem.objects.latest("pk").pk]),
        ("delivery_inbounditem_figures", []),
        ("delivery_messageevent_change", [MessageEvent.objects.latest("pk").pk]),
        ("delivery_message_change", [world.sent.messages.get().pk]),
        ("auth_user_change", [User.objects.get(username="operator").pk]),
        *_programs(),
    ]
    return [reverse(f"admin:{name}", args=args) for name, args in names]


def _programs() -> list[tuple[str, list[Any]]]:
    """A key, and an endpoint that answers at length and without a space."""
    key = api_keys.create("shop" * 25, SCOPES, rate=600).key
    url = f"https://crm.example.org/{'told' * 30}"
    told = endpoints.create(url, Event.values).endpoint
    told.calls.create(change="c1", name=Event.SUBSCRIBED, profile_id=1)
    facts = {"name": Event.QUARANTINED, "status": 503, "answer": "x" * 200}
    told.calls.create(change="h1", attempts=14, told_at=timezone.now(), **facts)
    Endpoint.objects.update(reason="y" * 200, failing_since=timezone.now())
    return [
        ("audiences_apikey_change", [key.pk]),
        ("audiences_endpoint_changelist", []),
        ("audiences_endpoint_change", [told.pk]),
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_pages_fit_the_screen_and_report_no_error(
    width: int,
    scheme: str,
    live_server: Any,
    browser: Any,
    world: World,
) -> None:
    User.objects.create_superuser("operator", password="a password")
    page = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme
    ).new_page()
    errors: list[str] = []
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{live_server.url}{reverse('admin:login')}")
    page.fill("#id_username", "operator")
    page.fill("#id_password", "a password")
    page.click("[type=submit]")
    for url in _pages(world):
        answer = page.goto(f"{live_server.url}{url}")
        assert answer.status == 200
        # A strict Content-Security-Policy is to come: it refuses inline styles.
        assert " style=" not in answer.text(), url
        too_wide = page.evaluate(
            "document.documentElement.scrollWidth - window.innerWidth"
        )
        assert too_wide <= 0, f"{url} is {too_wide} pixels too wide at {width}"
        assert errors == [], url
        # The two lists of permissions are Django's own, and axe finds fault with them.
        if (width, scheme) in AXE_IN and "/auth/" not in url:
            # axe brings a style sheet of its own, which the policy refuses.
            accessibility.check(page)
            errors.clear()
