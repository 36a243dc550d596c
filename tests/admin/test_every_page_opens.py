"""Every list, every search and every page of a row opens; counts of queries stand."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from audiences import api_keys, consent, endpoints, fields, privacy, sql, tags
from audiences.consent import Origin
from audiences.console import lists
from audiences.imports import runs
from audiences.ledger.notes import Checkpoint, sign
from audiences.models import (
    ConsentEvent,
    LedgerCheckpoint,
    Organisation,
    Profile,
    RetentionRule,
)
from audiences.selections import bulk_acts
from delivery import quarantine
from delivery.models import QuarantineEntry

from .conftest import World, person

OURS = [
    model
    for model in admin.site._registry
    if model._meta.app_label in ("audiences", "delivery")
]
# These are one page each, and no list.
LISTS = [model for model in OURS if model not in (Organisation, RetentionRule)]


def _list(model: type) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def test_all_models_but_those_without_a_page_are_registered() -> None:
    names = {
        model.__name__
        for label in ("audiences", "delivery")
        for model in apps.get_app_config(label).get_models()
    }
    missing = names - {model.__name__ for model in OURS}
    assert missing == {
        *("AudienceMember", "Outcome"),  # a composite key: the admin cannot show them
        *(
            "OutcomeWarning",
            "Departure",
            "StagedContender",
            "StagedHolder",
            "StagedKey",
            "StagedProfile",
            "AnalysisChunk",
            "PreparationRequest",
        ),  # scratch of the writers
        *("Approval", "Sending", "Dispatch"),  # on the pages of their delivery
        *("InboundClue", "UnprovenEffect"),  # beside what came back
        "TypologyRuleUse",  # on the page of its typology
        *("LandingPageText", "LandingPageAsset"),  # on the page of their page
        *("ContactWish", "LeavingReason"),  # on the page of their person
        "ContentVariant",  # on the page of its delivery
        # counters and numbers that belong to nobody
        *("RequestCount", "UsedProof", "Allowance"),
        "SignIn",  # on the page "Your sign-in" of its user
        "BulkActPerson",  # on the page of their change
        *("FieldValue", "ProfileTag"),  # on the page of their person
        *("Lease", "Presence"),  # on the home page, when something is wrong
        "MorningSummary",  # on the page "Activity" of its user
        "UsedHookToken",  # digests of one-time tokens, for a day
        *("InboundMention", "MailboxPosition"),  # beside what came back
        *("ImportContent", "ImportReject"),  # on the page of their import
        # the ledger: its checkpoints have a page
        *("LedgerErasure", "LedgerLeaf", "LedgerNode", "LedgerOutlet", "LedgerSalt"),
        *(
            "LedgerCount",
            "LedgerRemoval",
            "LedgerStamp",
            "LedgerState",
            "LedgerWording",
        ),
        # programs: keys and endpoints have a page each
        *("ApiAnswer", "ApiSecret", "ApiUse", "EndpointCall", "Happening"),
        *("Figure", "Role"),  # on the home page; behind Django's groups
    }


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_list_search_and_page_open(
    model: type, world: World, admin_client: Client
) -> None:
    fields.create_field("Town", "text")
    tags.ensure(["VIP"])
    bulk_acts.begin(
        "unsubscribe", {"ids": "0"}, actor="eva", details={"service": "news"}
    )
    runs.upload("people.csv", [b"external_id\nP1\n"], actor="eva")
    note = sign(
        Checkpoint("x.example/ledger", 1, bytes(32)), Ed25519PrivateKey.generate()
    )
    LedgerCheckpoint.objects.create(size=1, note=note, made_at=timezone.now())
    api_keys.create("shop", ["viewer"])
    endpoints.create("https://shop.example/", ["consent.opted_out"])
    assert admin_client.get(_list(model)).status_code == 200
    for text in ("1", "P1", "ANNA.VOS@example.com", "06 12345678", "Vos, Anna", "'\"%"):
        answer = admin_client.get(_list(model), {"q": text})
        assert answer.status_code == 200, text
    row = model._default_manager.first()
    assert row is not None, model
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
    answer = admin_client.get(reverse(name, args=[row.pk]))
    assert answer.status_code == 200


@pytest.mark.parametrize("model", LISTS, ids=lambda model: model.__name__)
def test_every_filter_works(model: type, world: World, admin_client: Client) -> None:
    changelist = admin_client.get(_list(model)).context["cl"]
    for spec in changelist.filter_specs:
        for choice in spec.choices(changelist):
            url = _list(model) + choice["query_string"]
            assert admin_client.get(url).status_code == 200, url


@pytest.mark.parametrize(
    "text",
    [
        *("ANNA.vos@EXAMPLE.com", "06 1234 5678", "+31 6 12345678", "P1", "ext:P1"),
        *("vo", "anna vos", "Vos, Anna"),
    ],
)
def test_a_person_is_found_in_any_notation(
    text: str, world: World, admin_client: Client, settings: object
) -> None:
    settings.PHONE_REGION = "NL"  # type: ignore[attr-defined]
    found = admin_client.get(_list(Profile), {"q": text}).context["cl"].result_list
    assert world.people[0] in list(found)
    assert len(found) == 1


def test_an_entry_is_found_in_any_letter_case(
    world: World, admin_client: Client
) -> None:
    found = admin_client.get(_list(QuarantineEntry), {"q": " BOUNCED@Example.COM"})
    assert list(found.context["cl"].result_list) == [world.entry]


def test_history_of_an_erased_profile_is_still_listed(
    world: World, admin_client: Client
) -> None:
    gone = world.people[1]
    pk = gone.pk
    privacy.erase(gone)
    answer = admin_client.get(_list(ConsentEvent))
    assert f"#{pk}" in answer.content.decode()


def _queries(client: Client, url: str) -> int:
    client.get(url)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


def test_queries_of_lists_do_not_grow_with_rows(
    world: World, admin_client: Client
) -> None:
    outcomes = reverse("admin:delivery_delivery_outcomes", args=[world.prepared.pk])
    urls = [_list(model) for model in OURS]
    urls.append(reverse("admin:audiences_profile_change", args=[world.people[0].pk]))
    before = {url: _queries(admin_client, url) for url in [*urls, outcomes]}
    _more_of_everything(world)
    after = {url: _queries(admin_client, url) for url in [*urls, outcomes]}
    assert after == before


def _more_of_everything(world: World) -> None:
    from audiences import addresses, landing_pages, membership, subscriptions
    from delivery import analysis, deliveries
    from delivery.sending import handover

    origin = Origin(source="operator", actor="eva", note="n")
    for number in range(3):
        landing_pages.create(f"draft-{number}", kind="preferences")
    service = subscriptions.create_service("more", label="More", channel="email")
    everyone = Profile.objects.all()
    for number in range(20, 35):
        person(number, email=f"p{number}@example.com")
        quarantine.record("email", f"p{number}@example.com", type="hard", source="test")
        quarantine.set_status(
            "email", f"p{number}@example.com", "valid", source="test", actor="eva"
        )
    addresses.attach(world.people[0], "email", "second@example.com")
    subscriptions.subscribe_all(everyone, service, origin)
    consent.opt_out_all(everyone, "sms", origin)
    for number in range(3):
        delivery = deliveries.create(
            f"More {number}",
            channel="email",
            audience=lambda: membership.subscribers(service),
        )
        analysis.analyse(delivery)
        handover.record_handover(delivery, delivery.created_at)
    analysis.analyse(world.prepared)


def test_huge_lists_are_counted_to_a_bound_and_say_so(
    world: World, admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "COUNTED", 3)
    page = admin_client.get(_list(Profile))
    expected = "estimated" if sql.is_postgresql() else "exact"
    assert page.context["cl"].paginator.precision == expected
    filtered = admin_client.get(_list(Profile), {"q": "Anna"})
    assert filtered.context["cl"].paginator.precision == "bounded"
    assert "More than 3 profiles" in filtered.content.decode()
