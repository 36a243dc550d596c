"""Every address of the console, by role: nobody opens or posts what is not theirs.

The tables name each view of the admin; a new one that is in none fails the first test.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.urls import NoReverseMatch, URLPattern, URLResolver, reverse
from django.utils import timezone

from audiences import api_keys, endpoints, fields, subscriptions, tags
from audiences.imports import runs
from audiences.models import Audience, BulkAct, ImportRun, LedgerCheckpoint, OutboxMail
from audiences.roles import Code
from audiences.selections import bulk_acts
from delivery.models import InboundItem, Keyword
from delivery.rules import writing

from . import offers
from .conftest import World
from .test_roles import in_role

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]
ALL = set(Code)
NOBODY: set[Code] = set()
ADMINS = {Code.ADMINISTRATOR}
DESK = ADMINS | {Code.OPERATOR}
PUBLISHERS = ADMINS | {Code.PUBLISHER}
MANAGERS = ADMINS | {Code.DELIVERY_MANAGER}
OFFICERS = ADMINS | {Code.PROTECTION_OFFICER}
STOPPERS = DESK | OFFICERS
SEERS = DESK | MANAGERS | OFFICERS
EXPORTERS = MANAGERS | OFFICERS
LOG = (ALL, NOBODY, NOBODY, NOBODY)

# Who sees, adds, changes and deletes the rows of a model.
MODELS: dict[str, tuple[set[Code], set[Code], set[Code], set[Code]]] = {
    "audiences_profile": (ALL, DESK, STOPPERS, NOBODY),
    "audiences_address": LOG,
    "audiences_apikey": (ADMINS, NOBODY, NOBODY, NOBODY),
    "audiences_endpoint": (ADMINS, NOBODY, NOBODY, NOBODY),
    "audiences_audience": (ALL, MANAGERS, MANAGERS, MANAGERS),
    "audiences_bulkact": (STOPPERS, NOBODY, NOBODY, NOBODY),
    "audiences_consentevent": LOG,
    "audiences_consentevidence": (OFFICERS, NOBODY, NOBODY, NOBODY),
    "audiences_erasurerun": (OFFICERS, NOBODY, NOBODY, NOBODY),
    "audiences_importrun": (STOPPERS | MANAGERS, DESK, NOBODY, NOBODY),
    "audiences_landingpage": (ALL, PUBLISHERS, PUBLISHERS, PUBLISHERS),
    "audiences_landingpageversion": LOG,
    "audiences_ledgercheckpoint": (OFFICERS, NOBODY, NOBODY, NOBODY),
    "audiences_ownfield": (ALL, ADMINS, ADMINS, ADMINS),
    "audiences_tag": (ALL, DESK | MANAGERS, DESK | MANAGERS, MANAGERS),
    "audiences_organisation": (ADMINS, NOBODY, ADMINS, NOBODY),
    "audiences_outboxmail": LOG,
    "audiences_privacyrequest": (OFFICERS, NOBODY, NOBODY, NOBODY),
    "audiences_retentionrule": (OFFICERS, NOBODY, NOBODY, NOBODY),
    "audiences_service": (ALL, PUBLISHERS, PUBLISHERS, ADMINS),
    "audiences_signuprequest": LOG,
    "audiences_subscription": LOG,
    "audiences_suppression": (OFFICERS, NOBODY, NOBODY, NOBODY),
    "auth_group": (ADMINS, ADMINS, ADMINS, ADMINS),
    "auth_user": (ADMINS, ADMINS, ADMINS, ADMINS),
    "axes_accessattempt": (ADMINS, NOBODY, NOBODY, ADMINS),
    "axes_accessfailurelog": (ADMINS, NOBODY, NOBODY, NOBODY),
    "axes_accesslog": (ADMINS, NOBODY, NOBODY, NOBODY),
    "delivery_addresserror": LOG,
    "delivery_analysis": LOG,
    "delivery_delivery": (ALL, MANAGERS, MANAGERS, MANAGERS),
    "delivery_hookcount": LOG,
    "delivery_inbounditem": LOG,
    "delivery_keyword": (ALL, ADMINS, ADMINS, ADMINS),
    "delivery_message": LOG,
    "delivery_messageevent": LOG,
    "delivery_quarantineaction": LOG,
    "delivery_quarantineentry": (ALL, STOPPERS, STOPPERS, DESK),
    "delivery_seed": (ALL, ADMINS, ADMINS, ADMINS),
    "delivery_sender": (ALL, ADMINS, ADMINS, ADMINS),
    "delivery_typology": (ALL, MANAGERS, MANAGERS, MANAGERS),
    "delivery_typologyrule": (ALL, MANAGERS, MANAGERS, NOBODY),
}
# Who opens a page; who posts to it. None: it knows no such request.
PAGES: dict[str, tuple[set[Code] | None, set[Code] | None]] = {
    "refresh_figures": (None, ALL),
    "audiences_apikey_make": (ADMINS, ADMINS),
    "audiences_apikey_rotate": (None, ADMINS),
    "audiences_apikey_revoke": (None, ADMINS),
    "audiences_endpoint_make": (ADMINS, ADMINS),
    "audiences_endpoint_rotate": (None, ADMINS),
    "audiences_endpoint_switch": (None, ADMINS),
    "audiences_endpoint_send_again": (None, ADMINS),
    "audiences_bulkact_stop": (None, DESK),
    "audiences_bulkact_undo": (DESK, DESK),
    "audiences_bulkact_left": (STOPPERS, None),
    "audiences_profile_activity": (ALL, None),
    "audiences_profile_summary": (None, ALL),
    "audiences_profile_opt_out": (STOPPERS, STOPPERS),
    "audiences_profile_opt_in": (DESK, DESK),
    "audiences_profile_undo": (None, ALL),
    "audiences_profile_end_wish": (DESK, DESK),
    "audiences_profile_undo_wish": (None, DESK),
    "audiences_importrun_confirm": (None, DESK),
    "audiences_importrun_columns": (DESK, DESK),
    "audiences_importrun_cancel": (None, DESK),
    "audiences_importrun_rejects": (DESK, None),
    "audiences_importrun_subscriptions": (DESK, DESK),
    "audiences_organisation_shown": (ADMINS, ADMINS),
    "audiences_organisation_mail": (ADMINS, None),
    "audiences_landingpage_publish": (PUBLISHERS, PUBLISHERS),
    "audiences_landingpage_unpublish": (PUBLISHERS, PUBLISHERS),
    "audiences_landingpage_duplicate": (PUBLISHERS, PUBLISHERS),
    "audiences_landingpage_preview": (ALL, None),
    "audiences_landingpage_shown": (ALL, None),
    "audiences_landingpage_markdown": (None, ALL),
    "audiences_landingpageversion_shown": (ALL, None),
    "audiences_outboxmail_send_again": (DESK, DESK),
    "audiences_profile_addresses_add": (DESK, DESK),
    "audiences_profile_addresses_primary": (None, DESK),
    "audiences_profile_addresses_remove": (DESK, DESK),
    "audiences_importrun_list": (MANAGERS, MANAGERS),
    "audiences_profile_own_facts": (DESK, DESK),
    "audiences_profile_save_as_audience": (MANAGERS, MANAGERS),
    "audiences_profile_subscribe": (DESK, DESK),
    "audiences_profile_unsubscribe": (None, DESK),
    "audiences_profile_quarantine": (STOPPERS, STOPPERS),
    "audiences_profile_undo_quarantine": (None, DESK),
    "audiences_profile_would-get": (ALL, None),
    "audiences_profile_proof": (SEERS, None),
    "audiences_profile_proof_json": (SEERS, None),
    "audiences_profile_access": (None, OFFICERS),
    "audiences_profile_privacy_request": (OFFICERS, OFFICERS),
    "audiences_profile_erase": (OFFICERS, OFFICERS),
    "audiences_profile_erase_many": (OFFICERS, OFFICERS),
    "audiences_privacyrequest_decide": (None, OFFICERS),
    "audiences_erasurerun_confirm": (None, OFFICERS),
    "audiences_erasurerun_stop": (None, OFFICERS),
    "audiences_retentionrule_set": (None, OFFICERS),
    "audiences_retentionrule_confirm": (None, OFFICERS),
    "audiences_profile_receipt": (SEERS, None),
    "audiences_profile_bulk": (STOPPERS, STOPPERS),
    "audiences_profile_export": (None, EXPORTERS),
    "audiences_service_report": (ALL, None),
    "audiences_service_preview": (ALL, None),
    "audiences_suppression_look_up": (OFFICERS, OFFICERS),
    "auth_user_password_change": (ADMINS, ADMINS),
    "auth_user_reset_factor": (None, ADMINS),
    "delivery_delivery_content": (ALL, MANAGERS),
    "delivery_delivery_content_remove": (None, MANAGERS),
    "delivery_delivery_preview_new": (MANAGERS, None),
    "delivery_delivery_preview": (ALL, None),
    "delivery_delivery_test": (ALL, MANAGERS),
    "delivery_delivery_outcomes": (ALL, None),
    "delivery_delivery_outcomes_csv": (EXPORTERS, None),
    "delivery_delivery_why": (ALL, None),
    "delivery_delivery_prepare": (None, MANAGERS),
    "delivery_delivery_stop": (None, MANAGERS),
    "delivery_delivery_progress": (ALL, None),
    "delivery_delivery_compare": (ALL, None),
    "delivery_delivery_duplicate": (None, MANAGERS),
    "delivery_delivery_rules": (ALL, MANAGERS),
    "delivery_delivery_choose_rules": (None, MANAGERS),
    "delivery_typologyrule_put": (None, MANAGERS),
    "delivery_delivery_approval": (ALL, None),
    "delivery_delivery_send": (ALL, MANAGERS),
    "delivery_delivery_sending": (ALL, None),
    "delivery_delivery_pause": (None, MANAGERS),
    "delivery_delivery_resume": (None, MANAGERS),
    "delivery_delivery_cancel": (None, MANAGERS),
    "delivery_delivery_resend": (None, MANAGERS),
    "delivery_delivery_approve": (None, ADMINS),
    "delivery_inbounditem_figures": (ALL, None),
    "delivery_inbounditem_match": (None, DESK),
    "delivery_inbounditem_ignore": (None, DESK),
    "delivery_inbounditem_stop": (None, DESK),
    "delivery_inbounditem_read_again": (None, DESK),
    "delivery_quarantineentry_release": (DESK, DESK),
    "delivery_quarantineentry_import": (STOPPERS, STOPPERS),
    "delivery_quarantineentry_export": (EXPORTERS, None),
}
# Signing in and out, and what every operator has.
OF_EVERYBODY = {
    *("index", "login", "logout", "password_change", "password_change_done"),
    *("jsi18n", "autocomplete", "view_on_site", "app_list"),
    *("sign_in_code", "your_sign_in", "end_sign_in"),
    *("search", "help", "help_document", "help_picture", "language", "parts"),
    *("second_factor", "begin_second_factor", "recovery_codes", "turn_off"),
}


def _names(patterns: Any) -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _names(pattern.url_patterns)
        elif isinstance(pattern, URLPattern) and pattern.name:
            yield pattern.name


def test_every_address_of_the_console_is_in_a_table() -> None:
    verbs = ("changelist", "add", "change", "delete", "history")
    known = {f"{model}_{verb}" for model in MODELS for verb in verbs}
    assert {*_names(admin.site.get_urls())} == known | {*PAGES} | OF_EVERYBODY


@pytest.fixture
def rows(world: World) -> Callable[[str], int]:
    """A row of each model which whoever may change and delete it really can."""
    person, root = world.people[0], User.objects.create_user("somebody", is_staff=True)
    OutboxMail.objects.update(result="uncertain")
    LedgerCheckpoint.objects.create(size=1, note="x\n1\ny\n", made_at=timezone.now())
    api_keys.create("shop", ["viewer"])
    endpoints.create("https://shop.example/", ["consent.opted_out"])
    visitor = {"username": "eve", "ip_address": "192.0.2.1", "user_agent": "x"}
    AccessAttempt.objects.create(**visitor, failures_since_start=1)
    AccessLog.objects.create(**visitor)
    AccessFailureLog.objects.create(**visitor)
    chosen = {
        "audiences_profile": person.pk,
        "audiences_landingpage": world.page.pk,
        "audiences_landingpageversion": world.page.live_version_id,
        "audiences_service": subscriptions.create_service(
            "unused", label="Unused", channel="email"
        ).pk,
        "audiences_audience": Audience.objects.create(
            name="Nobody's", kind="everyone"
        ).pk,
        "audiences_bulkact": bulk_acts.begin(
            "unsubscribe", {"ids": "0"}, actor="eva", details={"service": "news"}
        ).pk,
        "audiences_importrun": runs.upload(
            "people.csv", [b"external_id\nP1\n"], actor="eva"
        ).pk,
        "audiences_ownfield": fields.create_field("Town", "text").pk,
        "audiences_tag": tags.ensure(["VIP"])["VIP"].pk,
        "auth_user": root.pk,
        "delivery_delivery": world.draft.pk,
        "delivery_quarantineentry": world.entry.pk,
        "delivery_inbounditem": InboundItem.objects.filter(
            state__in=InboundItem.WAITING
        )[0].pk,
        "delivery_keyword": Keyword.objects.create(
            keyword="GENOEG", language="nl", action="opt_out"
        ).pk,
        "delivery_typology": writing.create_typology("ours", rules=[]).pk,
        "delivery_typologyrule": writing.create_fatigue_rule(
            "often", maximum=1, period_days=7
        ).pk,
    }

    def row(model: str) -> int:
        if model not in chosen:
            found = apps.get_model(*model.split("_"))._default_manager.first()
            assert found is not None, model
            chosen[model] = found.pk
        return int(chosen[model])

    return row


def _status(
    client: Client, method: str, url: str, data: dict[str, str], code: Code
) -> int:
    """The answer; what a POST changed is taken back.

    No link and no button of the page leads to where the role is refused.
    """
    with transaction.atomic():
        answer = getattr(client, method)(url, data)
        transaction.set_rollback(True)
    assert offers.dead(answer, url, partial(_may, code)) == []
    return int(answer.status_code)


def _may(code: Code, method: str, name: str) -> bool:
    """Whether the tables let a role open or post to an address."""
    if name in PAGES:
        allowed = PAGES[name][method == "post"]
        return allowed is None or code in allowed
    model, _underline, verb = name.rpartition("_")
    if model not in MODELS:
        return True
    seen, added, changed, deleted = MODELS[model]
    return code in {"add": added, "delete": deleted}.get(
        verb, changed if (verb, method) == ("change", "post") else seen
    )


@pytest.mark.parametrize("code", Code)
def test_rows_are_seen_and_changed_by_those_whose_role_has_them(
    code: Code, rows: Callable[[str], int]
) -> None:
    client, wrong = in_role(code), []
    for model, (seen, added, changed, deleted) in MODELS.items():
        pk = rows(model)
        for verb, method, allowed in (
            ("changelist", "get", seen),
            ("change", "get", seen),
            ("history", "get", seen),
            ("add", "get", added),
            ("add", "post", added),
            ("change", "post", changed),
            ("delete", "post", deleted),
        ):
            args = [] if verb in ("changelist", "add") else [pk]
            url = reverse(f"admin:{model}_{verb}", args=args)
            status = _status(client, method, url, {"post": "yes"}, code)
            if (status != 403) is not (code in allowed) or status >= 404:
                wrong.append((model, verb, method, status))
    assert wrong == []


ARGUMENTS: dict[str, list[str]] = {
    "audiences_landingpage_shown": ["form"],
    "audiences_landingpageversion_shown": ["form"],
}


def _address(name: str, rows: Callable[[str], int]) -> str:
    model = "_".join(name.split("_")[:2])
    args: list[Any] = [rows(model)] if model in MODELS else []
    args += ARGUMENTS.get(name, [])
    if name == "delivery_delivery_why":
        args.append(rows("audiences_profile"))
    try:
        return reverse(f"admin:{name}", args=args)
    except NoReverseMatch:
        return reverse(f"admin:{name}")


@pytest.mark.parametrize("code", Code)
def test_pages_and_acts_are_refused_to_those_whose_role_has_them_not(
    code: Code, rows: Callable[[str], int]
) -> None:
    client, wrong = in_role(code), []
    for name, kinds in PAGES.items():
        url = _address(name, rows)
        for method, allowed in zip(("get", "post"), kinds, strict=True):
            if allowed is None:
                continue
            status = _status(client, method, url, {}, code)
            if (status != 403) is not (code in allowed) or status in (405, 500):
                wrong.append((name, method, status))
    assert wrong == []
    assert BulkAct.objects.count() == ImportRun.objects.count() == 1


def test_what_only_posts_may_do_is_not_done_by_opening(
    rows: Callable[[str], int], admin_client: Client
) -> None:
    for name, (opened, _posted) in PAGES.items():
        if opened is None:
            assert admin_client.get(_address(name, rows)).status_code == 405, name
