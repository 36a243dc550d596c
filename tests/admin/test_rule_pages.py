"""Rules and typologies: made, ordered, switched off and tried on a delivery (D5)."""

from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import translation
from django.utils.html import escape

from delivery import analysis
from delivery.models import Typology, TypologyRule
from delivery.models.typologies import label_in_words, label_of_limit
from delivery.rules import writing

from .conftest import World, clerk

pytestmark = pytest.mark.one_database

ADD = "admin:delivery_typologyrule_add"
FILTER = {
    "kind": "filtering",
    "slug": "no-vos",
    "label": "",
    "is_active": "on",
    "condition.node": "all",
    "condition.0.node": "profile",
    "condition.0.key.field": "last_name",
    "condition.0.key.operator": "is",
    "condition.0.key.value": "Vos",
}


def _rule(row: TypologyRule, name: str = "change") -> str:
    return reverse(f"admin:delivery_typologyrule_{name}", args=[row.pk])


def test_filtering_rule_is_tried_then_made(world: World, admin_client: Client) -> None:
    tried = {**FILTER, "_row": "try", "trial_delivery": world.prepared.pk}
    answer = admin_client.post(reverse(ADD), tried)
    lines = answer.context["trial"]["lines"]
    assert lines[0].startswith("1 person of the audience")
    assert "exclude 1 who" in lines[1]
    assert not TypologyRule.objects.filter(code="filter:no-vos").exists()
    assert admin_client.post(reverse(ADD), FILTER).status_code == 302
    row = TypologyRule.objects.get(code="filter:no-vos")
    assert row.label == "last name is Vos"
    again = admin_client.post(reverse(ADD), FILTER)
    assert "slug" in again.context["adminform"].form.errors


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({"kind": "filtering", "condition.0.key.value": ""}, "condition"),
        ({"kind": "fatigue", "maximum": "0", "period_days": "7"}, "maximum"),
        ({"kind": "fatigue", "maximum": "2"}, "period_days"),
        ({"kind": "fatigue", "maximum": "2", "period_days": "9999"}, "period_days"),
        ({"kind": "control", "severity": "error"}, "check_code"),
        ({"kind": "native"}, "kind"),
        ({"slug": "not a slug"}, "slug"),
    ],
)
def test_incomplete_rule_is_refused_at_its_field(
    changed: dict[str, str], wrong: str, world: World, admin_client: Client
) -> None:
    answer = admin_client.post(reverse(ADD), {**FILTER, **changed})
    assert wrong in answer.context["adminform"].form.errors


@pytest.mark.parametrize(
    ("posted", "code"),
    [
        ({"kind": "fatigue", "maximum": "2", "period_days": "7"}, "fatigue:x"),
        (
            {
                "kind": "control",
                "check_code": "https_links",
                "severity": "error",
                "inactive_note": "not yet",
            },
            "control:x",
        ),
    ],
)
def test_other_kinds_are_made(
    posted: dict[str, str], code: str, world: World, admin_client: Client
) -> None:
    whole = {"slug": "x", "label": "", **posted}
    assert admin_client.post(reverse(ADD), whole).status_code == 302
    row = TypologyRule.objects.get(code=code)
    assert not row.is_active  # the box was not ticked
    url = _rule(row)
    assert admin_client.get(url).status_code == 200


def test_changed_rule_makes_the_report_out_of_date(
    world: World, admin_client: Client
) -> None:
    admin_client.post(reverse(ADD), FILTER)
    row = TypologyRule.objects.get(code="filter:no-vos")
    default = writing.default_typology()
    writing.set_rules(default, [row])
    analysis.analyse(world.prepared)
    report = reverse("admin:delivery_delivery_outcomes", args=[world.prepared.pk])
    assert not admin_client.get(report).context["is_stale"]
    posted = {**FILTER, "label": "No Vos", "condition.0.key.value": "de Boer"}
    assert admin_client.post(_rule(row), posted).status_code == 302
    row.refresh_from_db()
    assert (row.label, row.code) == ("No Vos", "filter:no-vos")
    assert admin_client.get(report).context["is_stale"]


def test_rules_of_the_code_are_shown_as_they_are(
    world: World, admin_client: Client
) -> None:
    row = TypologyRule.objects.get(code="denylist_channel")
    answer = admin_client.get(_rule(row))
    judges = dict(answer.context["purposes"])
    assert judges == {"Marketing": True, "Transactional": False, "Legal": False}
    assert admin_client.post(_rule(row), {"label": "x"}).status_code == 403
    assert admin_client.post(_rule(row, "delete"), {"post": "yes"}).status_code == 403
    chosen = {"action": "deactivate", "_selected_action": [row.pk]}
    admin_client.post(reverse("admin:delivery_typologyrule_changelist"), chosen)
    row.refresh_from_db()
    assert row.is_active


def test_a_limit_that_nobody_named_is_read_in_the_readers_language() -> None:
    """Whoever wrote it, and whatever language they had."""
    with translation.override("de"):
        text = label_of_limit(3, 7, "email")
    assert text == "More than 3 in 7 days, Email"
    assert label_of_limit(1, 30, "") == "More than 1 in 30 days, any channel"
    with translation.override("nl"):
        assert label_in_words(text).endswith("E-mail")
        assert label_in_words("More than enough") == "More than enough"


@pytest.mark.parametrize("name", ["typologyrule", "typology"])
def test_rules_of_the_code_have_their_names_in_the_readers_language(
    name: str, world: World, admin_client: Client
) -> None:
    """In lists, headings, boxes to choose from: wherever a row is named."""
    model = {"typologyrule": TypologyRule, "typology": Typology}[name]
    ours = (
        model.objects.exclude(kind__in=("filtering", "fatigue"))
        if (name == "typologyrule")
        else model.objects.filter(is_default=True)
    )
    with translation.override("nl"):
        told = {str(row): row.label for row in ours}
    assert all(dutch != english for dutch, english in told.items())
    admin_client.cookies[settings.LANGUAGE_COOKIE_NAME] = "nl"
    url = reverse(f"admin:delivery_{name}_changelist")
    page = admin_client.get(url).content.decode()
    for dutch, english in told.items():
        assert escape(dutch) in page, english
    assert not any(
        row.code in page for row in TypologyRule.objects.filter(kind="native")
    )


def test_rules_are_switched_off_and_on(world: World, admin_client: Client) -> None:
    row = writing.create_fatigue_rule("two", maximum=2, period_days=7)
    url = reverse("admin:delivery_typologyrule_changelist")
    for action, active in (("deactivate", False), ("activate", True)):
        posted = {"action": action, "_selected_action": [row.pk]}
        assert (
            "1 rule changed"
            in admin_client.post(url, posted, follow=True).content.decode()
        )
        row.refresh_from_db()
        assert row.is_active is active


def test_a_check_is_switched_off_on_its_own_page_with_a_note(
    world: World, admin_client: Client
) -> None:
    row = TypologyRule.objects.get(code="control:sms_length")
    changelist = reverse("admin:delivery_typologyrule_changelist")
    posted = {"action": "deactivate", "_selected_action": [row.pk]}
    answer = admin_client.post(changelist, posted, follow=True).content.decode()
    assert "on its own page, with a note" in answer
    row.refresh_from_db()
    assert row.is_active
    off = {"label": row.label, "severity": row.severity}
    refused = admin_client.post(_rule(row), off)
    assert "inactive_note" in refused.context["adminform"].form.errors
    done = admin_client.post(_rule(row), {**off, "inactive_note": "long this week"})
    assert done.status_code == 302
    row.refresh_from_db()
    assert (row.is_active, row.inactive_note) == (False, "long this week")


def test_what_cannot_be_switched_off_has_no_box(
    world: World, admin_client: Client
) -> None:
    row = TypologyRule.objects.get(code="control:unsubscribe_link")
    shown = admin_client.get(_rule(row))
    assert set(shown.context["adminform"].form.fields) == {"label"}
    assert "cannot be switched off" in shown.content.decode()
    assert admin_client.post(_rule(row), {"label": "Ours"}).status_code == 302
    row.refresh_from_db()
    assert (row.label, row.is_active, row.severity) == ("Ours", True, "error")
    listed = admin_client.get(reverse("admin:delivery_typologyrule_changelist"))
    assert "every delivery" in listed.content.decode()


def test_typology_orders_its_rules(world: World, admin_client: Client) -> None:
    default = writing.default_typology()
    url = reverse("admin:delivery_typology_change", args=[default.pk])
    ids = list(default.uses.values_list("rule_id", flat=True))
    base: dict[str, Any] = {"label": "Default", "is_default": "on", "rules": ids}
    pressed = admin_client.post(url, {**base, "_row": "down:rules.0"})
    shown = pressed.context["adminform"].form["rules"].value()
    assert shown == [ids[1], ids[0], *ids[2:]]
    assert list(default.uses.values_list("rule_id", flat=True)) == ids
    assert admin_client.post(url, {**base, "rules": shown[:2]}).status_code == 302
    assert list(default.uses.values_list("rule_id", flat=True)) == shown[:2]
    refused = admin_client.post(url, {"label": "Default", "rules": ids})
    assert "is_default" in refused.context["adminform"].form.errors


def test_new_default_takes_the_place_of_the_old(
    world: World, admin_client: Client
) -> None:
    add = reverse("admin:delivery_typology_add")
    rule = TypologyRule.objects.get(code="control:content_present")
    posted = {"slug": "strict", "label": "Strict", "is_default": "on", "rules": rule.pk}
    tried = {**posted, "_row": "try", "trial_delivery": world.draft.pk}
    answer = admin_client.post(add, tried)
    lines = " ".join(answer.context["trial"]["lines"])
    assert "7 targeted" in lines
    assert "content is empty" in lines
    assert admin_client.post(add, posted).status_code == 302
    assert Typology.objects.get(is_default=True).slug == "strict"
    assert "slug" in admin_client.post(add, posted).context["adminform"].form.errors


def test_who_may_only_look_changes_no_rule(world: World) -> None:
    seen = ("view_typology", "view_typologyrule", "view_delivery")
    client = clerk("looker", *seen)
    row = TypologyRule.objects.get(code="control:known_fields")
    typology = writing.default_typology()
    url = reverse("admin:delivery_typology_change", args=[typology.pk])
    for page in (_rule(row), url):
        answer = client.get(page)
        assert answer.status_code == 200
        assert 'value="try"' not in answer.content.decode()  # it would be refused
        assert client.post(page, {"label": "x"}).status_code == 403
    for add in (reverse(ADD), reverse("admin:delivery_typology_add")):
        assert client.post(add, FILTER).status_code == 403
