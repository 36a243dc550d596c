"""Own fields, tags and audiences made of people and files, in the console."""

from decimal import Decimal
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audiences import fields, membership, tags
from audiences.imports import runs
from audiences.models import (
    Audience,
    AudienceMember,
    BulkAct,
    FieldValue,
    ImportRun,
    OwnField,
    Profile,
    ProfileTag,
    Tag,
)
from tests.people import tree

from .conftest import World, clerk

FIELD = "admin:audiences_ownfield"
BUILDER = "admin:audiences_audience_add"


def _field(**changed: Any) -> dict[str, Any]:
    return {"label": "Shoe size", "type": "number", "choices": "", **changed}


def test_field_is_defined_changed_and_what_is_wrong_is_said_at_its_place(
    world: World, admin_client: Client
) -> None:
    url = reverse(f"{FIELD}_add")
    answer = admin_client.post(url, _field(type="choice"))
    errors = answer.context["adminform"].form.errors
    assert errors == {"choices": ["Give the choices, one on each line."]}
    posted = _field(label="Colour", type="choice", choices="Red\r\nBlue\r\n")
    assert admin_client.post(url, posted).status_code == 302
    field = OwnField.objects.get()
    assert (field.slug, field.choices) == ("colour", ["Red", "Blue"])
    assert (field.is_personal, field.is_editable) == (False, False)
    change = reverse(f"{FIELD}_change", args=[field.pk])
    posted = {"label": "Colours", "choices": "Red\nGreen", "is_editable": "on"}
    assert admin_client.post(change, posted).status_code == 302
    field.refresh_from_db()
    assert (field.slug, field.label, field.type) == ("colour", "Colours", "choice")
    assert (field.choices, field.is_editable) == (["Red", "Green"], True)


def test_field_has_a_label_and_choices_in_each_language(
    world: World, admin_client: Client
) -> None:
    posted = _field(
        label="Colour", type="choice", choices="Red\nBlue", choices_nl="Rood"
    )
    url = reverse(f"{FIELD}_add")
    answer = admin_client.post(url, posted)
    errors = answer.context["adminform"].form.errors
    assert errors == {"choices_nl": ["As many lines as there are choices: 2."]}
    posted |= {"label_nl": "Kleur", "choices_nl": "Rood\nBlauw"}
    assert admin_client.post(url, posted).status_code == 302
    field = OwnField.objects.get()
    assert (field.label_in("nl-BE"), field.label_in("fr")) == ("Kleur", "Colour")
    assert (field.choice_in("Red", "nl"), field.choice_in("Red", "de")) == (
        "Rood",
        "Red",
    )
    page = admin_client.get(reverse(f"{FIELD}_change", args=[field.pk]))
    assert page.context["adminform"].form["choices_nl"].value() == "Rood\nBlauw"


def test_of_two_who_edit_a_field_the_second_is_told(
    world: World, admin_client: Client
) -> None:
    field = fields.create_field("Colour", "choice", choices=["Red"])
    url = reverse(f"{FIELD}_change", args=[field.pk])
    seen = admin_client.get(url).context["adminform"].form["seen"].value()
    ours = {"label": "Tint", "choices": "Red", "seen": seen}
    theirs = {"label": "Colour", "choices": "Red\nBlue", "seen": seen}
    assert admin_client.post(url, theirs).status_code == 302
    answer = admin_client.post(url, ours)
    assert "Somebody else saved this field meanwhile: “Colour” (Red, Blue)" in (
        answer.content.decode()
    )
    field.refresh_from_db()
    assert (field.label, field.choices) == ("Colour", ["Red", "Blue"])
    ours["seen"] = answer.context["adminform"].form["seen"].value()
    assert admin_client.post(url, ours).status_code == 302
    field.refresh_from_db()
    assert (field.label, field.choices) == ("Tint", ["Red"])


def test_of_two_who_edit_a_persons_facts_the_second_is_told(
    world: World, admin_client: Client
) -> None:
    size = fields.create_field("Shoe size", "number")
    town = fields.create_field("Town", "text")
    person = world.people[0]
    url = reverse("admin:audiences_profile_own_facts", args=[person.pk])
    shown = {
        "initial-field_shoe_size": "",
        "initial-field_town": "",
        "initial-tags": "",
    }
    fields.set_values(person, {size: Decimal(40), town: "Delft"})
    posted = {**shown, "field_shoe_size": "42", "field_town": "", "tags": ""}
    form = admin_client.post(url, posted).context["form"]
    (said,) = form.errors["field_shoe_size"]
    assert said.startswith("Somebody else changed this to “40” meanwhile.")
    assert form["field_town"].value() == "Delft"
    assert fields.values_of([person.pk])[person.pk]["shoe_size"] == Decimal(40)
    again = {
        "initial-field_shoe_size": "40", "initial-field_town": "Delft",
        "initial-tags": "", "field_shoe_size": "42", "field_town": "Delft", "tags": "",
    }  # fmt: skip
    assert admin_client.post(url, again).status_code == 302
    have = fields.values_of([person.pk])[person.pk]
    assert have == {"shoe_size": Decimal(42), "town": "Delft"}


def test_deleting_says_how_many_values_go_and_one_in_use_stays(
    world: World, admin_client: Client
) -> None:
    field = fields.create_field("Town", "text")
    fields.set_values(world.people[0], {field: "Delft"})
    node = {"node": "own_field", "field": "town", "operator": "is_filled"}
    audience = membership.create_with_condition("Townies", tree(node))
    url = reverse(f"{FIELD}_delete", args=[field.pk])
    page = admin_client.get(url).content.decode()
    assert "Townies" in page
    admin_client.post(url, {"post": "yes"})
    assert OwnField.objects.exists()
    audience.delete()
    assert "Town: 1 value goes with it" in admin_client.get(url).content.decode()
    admin_client.post(url, {"post": "yes"})
    assert not OwnField.objects.exists()
    assert not FieldValue.objects.exists()


def test_facts_of_a_person_are_changed_on_a_page_of_their_own(
    world: World, admin_client: Client
) -> None:
    one = world.people[0]
    size = fields.create_field("Shoe size", "number")
    fields.create_field("Colour", "choice", choices=["Red", "Blue"])
    url = reverse("admin:audiences_profile_own_facts", args=[one.pk])
    wrong = admin_client.post(url, {"field_shoe_size": "big", "tags": ""})
    assert wrong.context["form"].errors == {
        "field_shoe_size": ["'big' is no number such as 42 or 3.5"]
    }
    posted = {"field_shoe_size": "42,5", "field_colour": "Red", "tags": "VIP; runner"}
    assert admin_client.post(url, posted).status_code == 302
    person = reverse("admin:audiences_profile_change", args=[one.pk])
    page = admin_client.get(person).content.decode()
    for word in ("42.5", "Red", "VIP", "runner", url):
        assert word in page
    # What somebody else has changed meanwhile stays.
    form = admin_client.get(url).context["form"]
    assert form.initial["tags"] == "runner; VIP"
    assert admin_client.post(url, {"field_shoe_size": "", "field_colour": "Red"})
    assert not FieldValue.objects.filter(field=size).exists()
    assert not ProfileTag.objects.exists()
    assert clerk("looker", "view_profile").get(url).status_code == 403


def test_tag_is_put_on_all_who_are_chosen_and_filters_the_list(
    world: World, admin_client: Client
) -> None:
    chosen = ",".join(str(p.pk) for p in world.people[:3])
    url = reverse("admin:audiences_profile_bulk")
    query = {"act": "tag", "ids": chosen}
    refused = admin_client.post(f"{url}?act=tag&ids={chosen}", {"tag": "a;b"})
    assert "between tags" in str(refused.context["form"].errors)
    assert "Tag" in admin_client.get(url, query).content.decode()
    admin_client.post(f"{url}?act=tag&ids={chosen}", {"tag": "Runner"})
    assert (BulkAct.objects.get().changed, ProfileTag.objects.count()) == (3, 3)
    people = reverse("admin:audiences_profile_changelist")
    assert admin_client.get(people, {"tag": "runner"}).context["cl"].result_count == 3
    one = world.people[0].pk
    admin_client.post(f"{url}?act=untag&ids={one}", {"tag": "RUNNER"})
    assert ProfileTag.objects.count() == 2
    tag = Tag.objects.get()
    admin_client.post(
        reverse("admin:audiences_tag_change", args=[tag.pk]), {"name": "Jogger"}
    )
    tag.refresh_from_db()
    assert (tag.name, tag.slug) == ("Jogger", "runner")


def test_filters_become_an_audience(world: World, admin_client: Client) -> None:
    Profile.objects.filter(pk=world.people[0].pk).update(language="nl")
    url = reverse("admin:audiences_profile_save_as_audience")
    query = "?language=nl&opted_out=none&created_from=2020-01-01&created_to=2999-01-01"
    query = query.replace("2999", "2199")
    page = admin_client.get(url + query)
    assert page.context["sentence"].startswith("(not opted out of any channel and")
    answer = admin_client.post(url + query, {"name": "Dutch", "as": "condition"})
    audience = Audience.objects.get(name="Dutch")
    assert answer["Location"].endswith(f"/{audience.pk}/change/")
    people = reverse("admin:audiences_profile_changelist")
    listed = admin_client.get(people + query).context["cl"].queryset
    found = membership.Members.of(audience).profiles(world.people[0].created_at)
    assert set(found) == set(listed)
    again = admin_client.post(url + query, {"name": "Dutch", "as": "condition"})
    assert "already" in str(again.context["form"].errors)


def test_what_is_no_condition_says_why_and_becomes_a_list(
    world: World, admin_client: Client
) -> None:
    url = reverse("admin:audiences_profile_save_as_audience")
    for query in ("?q=Vos", "?without_address=any", "?address_status=quarantine"):
        page = admin_client.get(url + query)
        assert page.context["sentence"] == ""
        assert len(page.context["unsaid"]) == 1
    admin_client.post(f"{url}?q=Vos", {"name": "Vossen", "as": "condition"})
    audience = Audience.objects.get(name="Vossen")
    assert audience.kind == "list"
    assert AudienceMember.objects.filter(audience=audience).count() == 1


def test_audience_comes_from_a_file_with_preview_and_rejects(
    world: World, admin_client: Client
) -> None:
    text = "\n".join(["external_id", "P1", "P2", "P2", "nobody", ""])
    file = SimpleUploadedFile("runners.csv", text.encode())
    url = reverse("admin:audiences_importrun_list")
    admin_client.post(url, {"audience": "Runners", "file": file})
    run = ImportRun.objects.get()
    assert (run.state, run.counts["rows"]) == (
        ImportRun.State.CHECKED,
        {"added": 2, "unchanged": 1, "rejected": 1},
    )
    assert not Audience.objects.filter(name="Runners").exists()
    page = reverse("admin:audiences_importrun_change", args=[run.pk])
    assert "put on the list" in admin_client.get(page).content.decode().lower()
    runs.confirm(run)
    run.refresh_from_db()
    assert run.state == ImportRun.State.DONE
    assert Audience.objects.get(name="Runners").members.count() == 2
    file = SimpleUploadedFile("runners.csv", text.encode())
    again = admin_client.post(url, {"audience": "Runners", "file": file})
    assert "already" in str(again.context["form"].errors)


def test_builder_offers_choices_where_there_are_any(
    world: World, admin_client: Client
) -> None:
    fields.create_field("Colour", "choice", choices=["Red", "Blue", "a, b"])
    base = {"name": "X", "kind": "condition", "service": "", "condition.node": "all"}
    added = {"_row": "add:condition", "condition.add": "own_field:colour"}
    page = admin_client.post(reverse(BUILDER), {**base, **added}).content.decode()
    assert 'type="checkbox" name="condition.0.key.value" value="Red"' in page
    assert "starts with" not in page.partition('name="condition.add"')[0]
    added = {"_row": "add:condition", "condition.add": "profile:country"}
    page = admin_client.post(reverse(BUILDER), {**base, **added}).content.decode()
    assert '<option value="NL">Netherlands</option>' in page
    row = {
        "condition.0.node": "own_field",
        "condition.0.key.field": "colour",
        "condition.0.key.operator": "is",
        "condition.0.key.value": ["", "Red", "a, b"],
    }
    admin_client.post(reverse(BUILDER), {**base, **row})
    made = Audience.objects.get(name="X")
    assert made.condition["condition"]["of"] == [
        {
            "node": "own_field",
            "field": "colour",
            "operator": "in",
            "value": ["Red", "a, b"],
        }
    ]
    url = reverse("admin:audiences_audience_change", args=[made.pk])
    page = admin_client.get(url).content.decode()
    assert 'value="a, b" checked' in page


def test_audience_shows_reach_and_leads_to_a_delivery(
    world: World, admin_client: Client
) -> None:
    node = {"node": "profile", "field": "first_name", "operator": "is", "value": "Anna"}
    audience = membership.create_with_condition("Annas", tree(node))
    url = reverse("admin:audiences_audience_change", args=[audience.pk])
    page = admin_client.get(url)
    reach = dict(page.context["matching"].reach)
    assert reach
    assert all("profile" in words for words in reach.values())
    (label, link) = page.context["links"][0]
    assert label == "Use in a new delivery"
    form = admin_client.get(link).context["adminform"].form
    assert str(form.initial["audience"]) == str(audience.pk)


def test_tags_of_audiences_and_deliveries_filter_their_lists(
    world: World, admin_client: Client
) -> None:
    audience = membership.list_of("Listed", [])
    url = reverse("admin:audiences_audience_change", args=[audience.pk])
    admin_client.post(url, {"name": "Listed", "tag_names": "Spring; VIP"})
    assert set(audience.tags.values_list("slug", flat=True)) == {"spring", "vip"}
    listed = reverse("admin:audiences_audience_changelist")
    found = admin_client.get(listed, {"tag": "vip"}).context["cl"].queryset
    assert list(found) == [audience]
    world.draft.tags.set(tags.ensure(["VIP"]).values())
    listed = reverse("admin:delivery_delivery_changelist")
    found = admin_client.get(listed, {"tag": "vip"}).context["cl"].queryset
    assert list(found) == [world.draft]


def test_list_of_tags_takes_the_same_statements_for_one_and_for_many(
    world: World, admin_client: Client
) -> None:
    url = reverse("admin:audiences_tag_changelist")
    tags.set_tags(world.people[0], ["a0"])
    tags.set_tags(world.people[1], ["a0"])
    admin_client.get(url)
    with CaptureQueriesContext(connection) as few:
        admin_client.get(url)
    tags.set_tags(world.people[2], [f"a{number}" for number in range(20)])
    with CaptureQueriesContext(connection) as many:
        page = admin_client.get(url)
    assert len(many) == len(few)
    rows = page.context["cl"].result_list
    counts = {tag.name: tag.of_people for tag in rows}
    assert (counts["a0"], counts["a1"], len(counts)) == (3, 1, 20)
