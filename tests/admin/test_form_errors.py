"""What a form refuses stands at its top, each with a link to its field: every form."""

import re
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from audiences.models import Audience, Profile
from tests.admin.conftest import World, clerk

pytestmark = pytest.mark.one_database

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"

# The page, whose row it is, and what is posted.
FORMS: list[tuple[str, str, dict[str, str]]] = [
    ("audiences_profile_add", "", {"language": "english!"}),
    ("audiences_profile_change", "person", {"language": "english!"}),
    ("audiences_profile_opt_out", "person", {}),
    ("audiences_profile_opt_in", "opted_out", {"scope": "email"}),
    ("audiences_profile_subscribe", "person", {}),
    ("audiences_profile_end_wish", "limited", {}),
    ("audiences_profile_addresses_add", "person", {"channel": "email", "address": "x"}),
    ("audiences_profile_privacy_request", "person", {}),
    ("audiences_profile_erase", "person", {}),
    ("audiences_profile_erase_many", "?q=Vos", {}),
    ("audiences_profile_bulk", "?act=opt_out", {}),
    ("audiences_profile_bulk", "?act=subscribe", {}),
    ("audiences_service_add", "", {}),
    ("audiences_audience_add", "", {}),
    ("audiences_landingpage_add", "", {}),
    ("audiences_landingpage_duplicate", "page", {}),
    ("audiences_suppression_look_up", "", {"act": "look"}),
    ("audiences_importrun_add", "", {}),
    ("audiences_importrun_subscriptions", "", {}),
    ("delivery_quarantineentry_import", "", {}),
    ("delivery_quarantineentry_release", "", {}),
    ("delivery_quarantineentry_add", "", {}),
    ("delivery_delivery_add", "", {}),
    ("delivery_delivery_content", "prepared", {"sender": "999"}),
    ("delivery_delivery_test", "draft", {}),
    ("delivery_typology_add", "", {}),
    ("delivery_typologyrule_add", "", {}),
    ("delivery_sender_add", "", {}),
    ("delivery_seed_add", "", {}),
    ("delivery_keyword_add", "", {}),
    ("auth_user_add", "", {}),
    ("auth_group_add", "", {}),
    ("password_change", "", {}),
]


def _address(name: str, of: str, world: World) -> str:
    rows = {
        "person": world.people[0],
        "opted_out": world.people[1],
        "limited": world.people[5],
        "page": world.page,
        "draft": world.draft,
        "prepared": world.prepared,
    }
    args = [rows[of].pk] if of in rows else []
    return reverse(f"admin:{name}", args=args) + (of if of.startswith("?") else "")


@pytest.mark.parametrize(("name", "of", "posted"), FORMS)
def test_each_problem_is_a_sentence_at_the_top_with_a_link_to_its_field(
    name: str, of: str, posted: dict[str, str], world: World, admin_client: Client
) -> None:
    # A browser posts the token of its form at least.
    posted = {"csrfmiddlewaretoken": "x", **posted}
    answer = admin_client.post(_address(name, of, world), posted)
    assert answer.status_code == 200
    page = answer.content.decode()
    summary = re.search(r'<div class="error-summary".*?</div>', page, re.S)
    assert summary, "no summary"
    assert page.count('class="error-summary"') == 1
    sentences = re.findall(r"<li>(.*?)</li>", summary.group(), re.S)
    assert sentences
    rest = page.replace(summary.group(), "")
    for target in re.findall(r'href="#([^"]+)"', summary.group()):
        assert f'id="{target}"' in rest, target
    assert "This field is required" not in summary.group()


@pytest.mark.django_db
def test_what_is_needed_has_a_mark(world: World, admin_client: Client) -> None:
    page = admin_client.get(_address("audiences_profile_opt_in", "opted_out", world))
    assert '<label for="id_note" class="required">' in page.content.decode()


def test_every_template_with_a_form_of_ours_says_what_was_refused() -> None:
    """A template that shows the fields of a form shows its errors by the one tag."""
    for path in [*TEMPLATES.glob("admin/**/*.html")]:
        text = path.read_text()
        if 'method="post"' not in text or "{% csrf_token %}" not in text:
            continue
        if text.startswith('{% extends "admin/delivery/quarantineentry/small_page'):
            continue
        shows = re.search(r"{% for field in form %}|includes/form_rows\.html", text)
        assert not shows or "form_errors" in text, path
        assert "Please correct the error" not in text, path


def test_beside_its_field_a_problem_is_said_in_the_words_of_the_top(
    world: World, admin_client: Client
) -> None:
    for name, of, label in (
        ("audiences_service_add", "", "Label"),
        ("audiences_profile_opt_in", "opted_out", "Note"),
        ("delivery_sender_add", "", "Name"),
    ):
        posted = {"csrfmiddlewaretoken": "x"}
        page = admin_client.post(_address(name, of, world), posted).content.decode()
        sentence = f"Fill this in: “{label}”."
        assert page.count(sentence) == 2, name
        assert "This field is required" not in page


def test_a_fault_of_a_condition_leads_to_its_row(
    world: World, admin_client: Client
) -> None:
    row = {
        "condition.node": "all",
        "condition.0.node": "any",
        "condition.0.0.node": "created",
        "condition.0.1.node": "profile",
        "condition.0.1.key.field": "first_name",
        "condition.0.1.key.operator": "is",
    }
    url = _address("audiences_audience_add", "", world)
    base = {"name": "Annas", "kind": "condition", "service": "", **row}
    page = admin_client.post(url, base).content.decode()
    assert 'href="#condition.0.0">Condition: Row 1.1: Fill in at least one' in page
    assert 'class="row faulty" id="condition.0.0"' in page
    assert page.count('class="row faulty"') == 2, "each row that is wrong is marked"
    assert "There are 2 problems" in page
    base |= {"condition.0.0.key.in_last_days": "7"}
    page = admin_client.post(url, base).content.decode()
    assert 'href="#condition.0.1.key.value">Condition: Row 1.2, Value: Fill' in page
    assert page.count('class="row faulty"') == 1
    assert 'id="condition.0.1.key.value"' in page


def test_what_another_page_mends_is_a_link_to_it(
    world: World, admin_client: Client
) -> None:
    other = world.people[1]
    Profile.objects.filter(pk=other.pk).update(external_id="X1")
    entry, taken = world.entry, Audience.objects.create(name="Taken", kind="list")
    audience = {"name": "Taken", "as": "list"}
    for name, of, posted, links in (
        (
            "audiences_profile_change",
            "person",
            {"external_id": "X1"},
            reverse("admin:audiences_profile_change", args=[other.pk]),
        ),
        (
            "audiences_profile_save_as_audience",
            "?q=Vos",
            audience,
            reverse("admin:audiences_audience_change", args=[taken.pk]),
        ),
        (
            "delivery_quarantineentry_add",
            "",
            {"channel": entry.channel, "address": entry.key, "status": "allowed"},
            reverse("admin:delivery_quarantineentry_change", args=[entry.pk]),
        ),
    ):
        answer = admin_client.post(_address(name, of, world), posted)
        assert f'class="remedy" href="{links}"' in answer.content.decode(), name
    draft = world.draft
    page = admin_client.get(_address("delivery_delivery_send", "draft", world))
    prepare = reverse("admin:delivery_delivery_outcomes", args=[draft.pk])
    assert f'class="remedy" href="{prepare}">Prepare it' in page.content.decode()
    # Whoever may not open the page is not sent there.
    viewer = clerk("reader", "view_delivery", "view_profile")
    page = viewer.get(_address("delivery_delivery_send", "draft", world))
    assert 'class="remedy"' not in page.content.decode()
