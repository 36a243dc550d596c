"""Deliveries that reach opted-out people: who may act, and the second person."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone

from audiences import membership
from audiences.models import Audience
from audiences.roles import Code
from delivery import analysis, approvals, deliveries
from delivery.admin.deliveries.delivery_form import DeliveryForm
from delivery.models import Approval, Delivery, Sending, Typology
from delivery.rules import writing
from delivery.sending import sendings

from .conftest import World
from .elements import marked
from .test_roles import in_role

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


def _url(page: str, row: Any, model: str = "delivery_delivery") -> str:
    return reverse(f"admin:{model}_{page}", args=[row.pk])


def _form(delivery: Delivery, **changed: Any) -> dict[str, Any]:
    return {
        "label": delivery.label,
        "channel": delivery.channel,
        "audience": delivery.audience_id,
        "purpose": delivery.purpose,
        "purpose_note": delivery.purpose_note,
        "typology": delivery.typology_id or "",
        "service": "",
        "contact_date": "",
        "subject": delivery.subject,
        "content": delivery.content,
        **changed,
    }


@pytest.fixture
def legal(world: World) -> Delivery:
    """A legal notice as a command makes it, and its analysis."""
    tree = {
        "version": 1,
        "condition": {"node": "audience", "name": "inner"},
    }
    inner = {
        "version": 1,
        "condition": {
            "node": "profile",
            "field": "country",
            "operator": "is",
            "value": "NL",
        },
    }
    membership.create_with_condition("inner", inner)
    outer = membership.create_with_condition("outer", tree)
    rule = writing.create_fatigue_rule("often", maximum=3, period_days=7)
    typology = writing.create_typology("notices", rules=[rule.code])
    made = deliveries.create(
        "Notice",
        channel="email",
        audience=lambda: outer,
        typology=typology,
        purpose="legal",
        purpose_note="New terms; the law asks for it.",
        subject="New terms",
        content="They are …",
    )
    analysis.analyse(made)
    return made


@pytest.fixture
def manager(db: None) -> Client:
    return in_role(Code.DELIVERY_MANAGER)


def _administrator(name: str) -> Client:
    user = User.objects.create_superuser(name)
    client = Client()
    client.force_login(user)
    return client


# ------------------------------------------------------------------ without the right
def test_who_lacks_the_right_changes_nothing_of_it(
    legal: Delivery, manager: Client
) -> None:
    everyone = membership.everyone().pk
    posted = _form(legal, audience=everyone, content="Sale!")
    assert manager.post(_url("change", legal), posted).status_code == 403
    posted = _form(legal, purpose="marketing")
    assert manager.post(_url("change", legal), posted).status_code == 403
    for page in ("prepare", "stop", "duplicate", "approve"):
        assert manager.post(_url(page, legal)).status_code == 403, page
    assert manager.post(_url("delete", legal), {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [legal.pk]}
    manager.post(reverse("admin:delivery_delivery_changelist"), chosen | {"post": "y"})
    legal.refresh_from_db()
    assert (legal.purpose, legal.content) == ("legal", "They are …")
    assert Delivery.objects.count() == 4


@pytest.mark.parametrize("show", ["to_deliver", "all", "warning:x"])
def test_who_lacks_the_right_takes_no_target_out(
    show: str, legal: Delivery, manager: Client
) -> None:
    url = _url("outcomes_csv", legal)
    expected = 200 if show == "warning:x" else 403  # no such warning: the log is shown
    assert manager.get(url, {"show": show}).status_code == expected
    assert manager.get(url, {"show": "excluded"}).status_code == 200


def test_who_lacks_the_right_makes_none(world: World, manager: Client) -> None:
    draft = world.draft
    for posted in (
        _form(draft, label="N1", purpose="legal", purpose_note="x"),
        _form(draft, label="N2", purpose="transactional", purpose_note="x"),
    ):
        answer = manager.post(reverse("admin:delivery_delivery_add"), posted)
        assert "purpose" in answer.context["adminform"].form.errors
        answer = manager.post(_url("change", draft), posted)
        assert "purpose" in answer.context["adminform"].form.errors


def test_who_lacks_the_right_changes_no_audience_that_it_uses(
    legal: Delivery, manager: Client
) -> None:
    assert legal.typology
    for name in ("outer", "inner"):
        audience = Audience.objects.get(name=name)
        shown = manager.get(_url("change", audience, "audiences_audience"))
        assert "Notice" in marked(shown.content.decode(), "hint")["refused"]
        for page in ("change", "delete"):
            url = _url(page, audience, "audiences_audience")
            assert manager.post(url, {"post": "yes"}).status_code == 403
        chosen = {"action": "delete_selected", "_selected_action": [audience.pk]}
        many = reverse("admin:audiences_audience_changelist")
        manager.post(many, chosen | {"post": "yes"})
    free = membership.create_with_condition(
        "free",
        {
            "version": 1,
            "condition": {
                "node": "profile",
                "field": "country",
                "operator": "is",
                "value": "BE",
            },
        },
    )
    shown = manager.get(_url("change", free, "audiences_audience"))
    assert "refused" not in marked(shown.content.decode(), "hint")
    assert Audience.objects.filter(name__in=["outer", "inner"]).count() == 2


def test_who_lacks_the_right_changes_no_rule_that_it_uses(
    legal: Delivery, manager: Client
) -> None:
    assert legal.typology
    rule = legal.typology.uses.get().rule
    many = reverse("admin:delivery_typologyrule_changelist")
    chosen = {"action": "deactivate", "_selected_action": [rule.pk]}
    manager.post(many, chosen)
    for row, model in ((rule, "typologyrule"), (legal.typology, "typology")):
        url = _url("change", row, f"delivery_{model}")
        assert manager.post(url, {"label": "x"}).status_code == 403
    rule.refresh_from_db()
    assert rule.is_active


def test_who_lacks_the_right_gives_it_no_other_default_rules(
    legal: Delivery, manager: Client
) -> None:
    Delivery.objects.filter(pk=legal.pk).update(typology=None)
    posted = {"slug": "mine", "label": "Mine", "is_default": "on", "rules": []}
    manager.post(reverse("admin:delivery_typology_add"), posted)
    assert not Typology.objects.filter(slug="mine", is_default=True).exists()
    del posted["is_default"]
    manager.post(reverse("admin:delivery_typology_add"), posted)
    assert Typology.objects.filter(slug="mine", is_default=False).exists()


def test_one_that_was_handed_over_binds_nobody(legal: Delivery) -> None:
    assert approvals.using_audience(legal.audience) == [legal]
    legal.messages.create(
        profile_id=1,
        address="a@example.com",
        channel="email",
        sent_at=legal.created_at,
    )
    assert approvals.using_audience(legal.audience) == []


# ------------------------------------------------------------------ two people
def _approve(client: Client, delivery: Delivery) -> None:
    shown = client.get(_url("approval", delivery))
    seen = shown.context["seen"]
    client.post(_url("approve", delivery), {"seen": seen})


def _leaves(client: Client, delivery: Delivery) -> bool:
    answer = client.get(_url("outcomes_csv", delivery), {"show": "to_deliver"})
    return answer.status_code == 200


def test_nothing_leaves_before_a_second_person_has_approved_it(legal: Delivery) -> None:
    anna, bert = _administrator("anna"), _administrator("bert")
    posted = {"subject": "News", "content": "Better words"}
    assert anna.post(_url("content", legal), posted).status_code == 302
    assert not _leaves(anna, legal)
    _approve(anna, legal)
    assert not Approval.objects.exists()
    _approve(bert, legal)
    assert _leaves(anna, legal)
    kept = Approval.objects.get()
    assert (kept.written_by, kept.approved_by) == ("anna", "bert")
    assert kept.approved["content"] == "Better words"
    assert kept.approved["purpose_note"] == legal.purpose_note


@override_settings(ONE_PERSON_APPROVES=True)
def test_one_person_may_do_both_where_a_setting_says_so(legal: Delivery) -> None:
    anna = _administrator("anna")
    anna.post(_url("change", legal), _form(legal, purpose_note="Better words"))
    _approve(anna, legal)
    assert _leaves(anna, legal)


def _text(legal: Delivery, anna: Client) -> None:
    anna.post(_url("content", legal), {"subject": "News", "content": "Others"})


def _note(legal: Delivery, anna: Client) -> None:
    anna.post(_url("change", legal), _form(legal, purpose_note="Because"))


def _audience(legal: Delivery, anna: Client) -> None:
    everyone = membership.everyone().pk
    anna.post(_url("change", legal), _form(legal, audience=everyone))


def _inner_audience(legal: Delivery, anna: Client) -> None:
    inner = Audience.objects.get(name="inner")
    tree = '{"version": 1, "condition": {"node": "profile", "field": "country", "operator": "is", "value": "BE"}}'
    answer = anna.post(
        _url("change", inner, "audiences_audience"),
        {"name": "inner", "condition": tree},
    )
    if answer.status_code != 302:  # the builder's fields, where it takes no JSON
        membership.change_condition(
            inner,
            {
                "version": 1,
                "condition": {
                    "node": "profile",
                    "field": "country",
                    "operator": "is",
                    "value": "BE",
                },
            },
        )


def _rule(legal: Delivery, anna: Client) -> None:
    assert legal.typology
    rule = legal.typology.uses.get().rule
    chosen = {"action": "deactivate", "_selected_action": [rule.pk]}
    anna.post(reverse("admin:delivery_typologyrule_changelist"), chosen)


@pytest.mark.parametrize("change", [_text, _note, _audience, _inner_audience, _rule])
def test_what_was_approved_is_asked_again_when_it_changes(
    change: Callable[[Delivery, Client], None], legal: Delivery
) -> None:
    anna, bert = _administrator("anna"), _administrator("bert")
    _approve(bert, legal)
    assert _leaves(anna, legal)
    shown = anna.get(_url("approval", legal)).context["seen"]
    change(legal, anna)
    assert not _leaves(anna, legal)
    # Nor is what somebody saw before it.
    bert.post(_url("approve", legal), {"seen": shown})
    assert Approval.objects.count() == 1
    if change is not _inner_audience:
        _approve(anna, legal)
        assert Approval.objects.count() == 1  # she changed what it uses
    _approve(bert, legal)
    assert _leaves(anna, legal)


def test_a_marketing_delivery_needs_no_approval(world: World, manager: Client) -> None:
    assert _leaves(manager, world.prepared)
    root = _administrator("root")
    root.post(_url("approve", world.prepared), {"seen": "x"})
    assert not Approval.objects.exists()
    assert root.get(_url("approval", world.prepared)).status_code == 200


def test_what_begins_to_leave_meanwhile_is_not_changed_by_a_form_that_was_open(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna, checked = _administrator("anna"), DeliveryForm._check_purpose

    def then_somebody_sends(form: DeliveryForm) -> None:
        checked(form)
        Sending.objects.create(
            delivery=form.instance, actor="bert", starts_at=timezone.now()
        )

    monkeypatch.setattr(DeliveryForm, "_check_purpose", then_somebody_sends)
    posted = _form(world.draft, content="Other words")
    assert anna.post(_url("change", world.draft), posted).status_code == 403
    world.draft.refresh_from_db()
    assert world.draft.content != "Other words"


def test_what_was_approved_is_asked_under_the_lock(legal: Delivery) -> None:
    user = User.objects.create_superuser("carl")
    with pytest.raises(sendings.NotSendable, match="must be approved"):
        sendings.begin(
            legal,
            actor="carl",
            refusal=lambda row: approvals.refusal(user, row, approvals.Act.USE),
        )
