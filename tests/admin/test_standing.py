"""How deliveries stand: in one word, by what is on record, and what is strange."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from audiences import consent, membership
from audiences.consent import Origin, Source
from audiences.models import Profile
from delivery import analysis, deliveries
from delivery.analysis.usual import unusual
from delivery.models import Delivery, TypologyRule
from delivery.rules import limits, writing
from delivery.sending import standing
from delivery.sending.standing import State

from .conftest import World, clerk, person

FAULTY = Origin(source=Source.OPERATOR, actor="eva", note="a file that was wrong")


def _url(name: str, delivery: Delivery) -> str:
    return reverse(f"admin:delivery_delivery_{name}", args=[delivery.pk])


def test_each_word_is_a_fact(world: World, django_assert_num_queries: Any) -> None:
    found = standing.of_all([world.draft, world.prepared, world.sent])
    assert [each.state for each in found.values()] == [
        *(State.DRAFT, State.PREPARED, State.SENT)
    ]
    Delivery.objects.filter(pk=world.prepared.pk).update(content="another")
    old = standing.of(Delivery.objects.get(pk=world.prepared.pk))
    assert old.state is State.OUT_OF_DATE


def test_what_was_left_alone_is_no_done_step(
    world: World, admin_client: Client
) -> None:
    pages = ("content", "rules", "outcomes", "test", "send", "change", "compare")
    shown = set()
    for name in pages:
        steps = admin_client.get(_url(name, world.prepared)).context["steps"]
        shown.add(tuple((step.code, step.is_done, step.note) for step in steps))
        rules = next(step for step in steps if step.code == "rules")
        assert (rules.is_done, rules.is_default) == (False, True)
    assert len(shown) == 1
    made = admin_client.get(reverse("admin:delivery_delivery_add")).context["steps"]
    assert [step.code for step in made] == [
        step.code for step in steps if step.code != "approval"
    ]
    assert not any(step.is_done for step in made)


@pytest.fixture
def crowd(world: World) -> list[Profile]:
    return [person(n, email=f"crowd{n}@example.com") for n in range(100, 130)]


def _prepared(label: str, crowd: list[Profile]) -> Delivery:
    made = deliveries.create(
        label,
        channel="email",
        audience=lambda: membership.list_of(label, [p.pk for p in crowd]),
    )
    analysis.analyse(made)
    return made


def test_a_share_far_from_the_usual_is_told_and_asked_about(
    crowd: list[Profile], admin_client: Client
) -> None:
    _prepared("First", crowd)
    usual = _prepared("Second", crowd)
    assert standing.of(usual).unusual is None
    for each in crowd[:20]:
        consent.opt_out(each, "email", FAULTY)
    strange = _prepared("Third", crowd)
    found = standing.of(strange).unusual
    assert found
    assert (found.earlier, found.before, found.is_more) == ("Second", 0.0, True)
    told = "66.7% of the audience is excluded; in “Second” it was 0.0%."
    for url in (_url("outcomes", strange), _url("send", strange), "/admin/"):
        assert told in admin_client.get(url).content.decode()
    listed = admin_client.get(reverse("admin:delivery_delivery_changelist"))
    assert told in listed.content.decode()
    assert '<span class="badge bad">Prepared</span>' in listed.content.decode()
    step = admin_client.get(_url("send", strange)).context["steps"]
    assert [(s.is_done, s.is_failed) for s in step if s.code == "report"] == [
        (False, True)
    ]
    form = admin_client.get(_url("send", strange)).context["form"]
    posted = {"when": "now", "said": form.said, "number": "10"}
    refused = admin_client.post(_url("send", strange), posted)
    assert "looked" in refused.context["form"].errors
    fine = admin_client.post(_url("send", strange), {**posted, "looked": "on"})
    assert "looked" not in getattr(fine.context or {}, "form", {})


def test_nearly_everybody_excluded_is_told_without_an_earlier_one(
    crowd: list[Profile],
) -> None:
    for each in crowd:
        consent.opt_out(each, "email", FAULTY)
    found = unusual([_prepared("Only", crowd).latest_analysis])  # type: ignore[list-item]
    assert [(each.now, each.before) for each in found.values()] == [(100.0, None)]


# ------------------------------------------------------------------ rules
def test_a_limit_is_made_on_the_step_and_works(
    world: World, admin_client: Client
) -> None:
    url = _url("rules", world.prepared)
    shown = admin_client.get(url)
    assert shown.context["form"]["channel"].value() == "email"
    limit = {"maximum": "1", "period_days": "7", "channel": "email", "where": "here"}
    assert admin_client.post(url, limit).status_code == 302
    world.prepared.refresh_from_db()
    own = world.prepared.typology
    assert own
    assert not own.is_default
    rule = own.uses.get(rule__kind="fatigue").rule
    assert rule.code == "fatigue:at-most-1-in-7-days-email"
    assert limits.idle([rule]) == {}
    # The one who got “Sent” today gets no second one.
    analysis.analyse(world.prepared)
    run = world.prepared.latest_analysis
    assert run
    assert run.counts[rule.code] == 1
    # Those who prepare other deliveries see nothing of it.
    assert not writing.default_typology().rules.filter(pk=rule.pk).exists()


def test_a_limit_for_all_is_one_rule_whoever_asks_again(
    world: World, admin_client: Client
) -> None:
    limit = {"maximum": "2", "period_days": "7", "channel": "", "where": "everywhere"}
    for _time in range(2):
        admin_client.post(_url("rules", world.prepared), limit)
    assert TypologyRule.objects.filter(kind="fatigue").count() == 1
    assert writing.default_typology().rules.filter(kind="fatigue").count() == 1
    wrong = admin_client.post(_url("rules", world.prepared), {**limit, "maximum": "0"})
    assert "maximum" in wrong.context["form"].errors


def test_a_rule_that_judges_nothing_says_so_and_is_put_where_it_works(
    world: World, admin_client: Client
) -> None:
    alone = writing.create_fatigue_rule("alone", maximum=1, period_days=7)
    by_fax = writing.create_fatigue_rule("f", maximum=1, period_days=7, channel="fax")
    off = writing.create_fatigue_rule("off", maximum=3, period_days=7)
    writing.change_rule(off, is_active=False)
    limits.put_into(writing.default_typology(), by_fax)
    why = limits.idle([alone, by_fax, off])
    assert {pk: text.split(",")[0] for pk, text in why.items()} == {
        alone.pk: "It is in no typology",
        by_fax.pk: "It counts messages by Fax",
        off.pk: "It is switched off.",
    }
    listed = admin_client.get(reverse("admin:delivery_typologyrule_changelist"))
    assert "It is in no typology" in listed.content.decode()
    page = reverse("admin:delivery_typologyrule_change", args=[alone.pk])
    assert admin_client.get(page).context["choose"]
    put = reverse("admin:delivery_typologyrule_put", args=[alone.pk])
    admin_client.post(put, {"typology": writing.default_typology().pk})
    assert limits.idle([alone]) == {}
    assert "idle" not in admin_client.get(page).context


def test_a_slug_is_made_of_the_label(world: World, admin_client: Client) -> None:
    posted = {"kind": "fatigue", "label": "Not too often", "maximum": "2"}
    url = reverse("admin:delivery_typologyrule_add")
    for code in ("fatigue:not-too-often", "fatigue:not-too-often-2"):
        answer = admin_client.post(url, {**posted, "period_days": "7"}, follow=True)
        rule = TypologyRule.objects.get(code=code)
        # It opens where one goes on: its page says that it is switched off.
        assert answer.redirect_chain[-1][0].endswith(f"/{rule.pk}/change/")


# ------------------------------------------------------------------ two at once
def test_the_second_who_saves_a_text_is_told_and_loses_nothing(world: World) -> None:
    eva, bob = (
        clerk(name, "view_delivery", "change_delivery") for name in ("eva", "bob")
    )
    url = _url("content", world.draft)
    first, second = (each.get(url).context["seen"] for each in (eva, bob))
    assert eva.post(url, {"content": "From Eva", "seen": first}).status_code == 302
    told = bob.post(url, {"content": "From Bob", "seen": second})
    assert "eva saved it meanwhile" in str(told.context["form"].errors)
    assert told.context["theirs"] == [("Text", "From Eva")]
    assert told.context["form"]["content"].value() == "From Bob"
    again = {"content": "From Bob", "seen": told.context["seen"]}
    assert bob.post(url, again).status_code == 302
    world.draft.refresh_from_db()
    assert world.draft.content == "From Bob"


def test_the_second_who_saves_the_form_is_told_what_is_saved(world: World) -> None:
    eva, bob = (
        clerk(name, "view_delivery", "change_delivery") for name in ("eva", "bob")
    )
    url, row = _url("change", world.draft), world.draft
    posted = {
        "label": "Draft",
        "channel": "sms",
        "audience": row.audience_id,
        "purpose": "marketing",
    }
    seen = [each.get(url).context["seen"] for each in (eva, bob)]
    renamed = {**posted, "label": "Of Eva", "seen": seen[0]}
    assert eva.post(url, renamed).status_code == 302
    answer = bob.post(url, {**posted, "label": "Of Bob", "seen": seen[1]})
    errors = answer.context["adminform"].form.errors
    assert "eva saved it meanwhile" in str(errors["__all__"])
    assert errors["label"] == ["Saved meanwhile: Of Eva"]
    again = {**posted, "label": "Of Bob", "seen": answer.context["seen"]}
    assert bob.post(url, again).status_code == 302
    row.refresh_from_db()
    assert row.label == "Of Bob"


def test_an_approval_that_is_due_is_a_task_of_who_may_give_it(
    world: World, admin_client: Client
) -> None:
    legal = deliveries.create(
        "Recall",
        channel="email",
        purpose="legal",
        purpose_note="a recall",
        subject="Recall",
        content="Bring it back",
    )
    link = _url("approval", legal)
    assert link in [task.url for task in admin_client.get("/admin/").context["tasks"]]
    Delivery.objects.filter(pk=legal.pk).update(written_by="admin")
    assert link not in [t.url for t in admin_client.get("/admin/").context["tasks"]]
    desk = clerk("desk", "view_delivery").get("/admin/")
    assert link not in [task.url for task in desk.context["tasks"]]
