"""The profile's form: flags through the writer, nothing lost, nothing deleted (P5)."""

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from audiences import consent
from audiences.channels import Channel
from audiences.consent import Origin
from audiences.models import Profile, Subscription
from audiences.records import console_log

from .conftest import World, clerk, page_values

pytestmark = pytest.mark.one_database

VIEW = ("view_profile", "view_delivery", "view_quarantineentry")


def _url(profile: Profile, name: str = "change") -> str:
    return reverse(f"admin:audiences_profile_{name}", args=[profile.pk])


def test_ticked_box_is_an_opt_out_in_the_users_name(
    world: World, admin_client: Client
) -> None:
    profile = world.people[0]
    posted = page_values(profile, no_longer_contact_sms="on", note="called us")
    assert admin_client.post(_url(profile), posted).status_code == 302
    profile.refresh_from_db()
    assert profile.no_longer_contact_sms
    event = consent.events_of(profile.pk)[0]
    assert (event.kind, event.channel, event.source) == ("opt_out", "sms", "operator")
    assert (event.evidence.actor, event.evidence.note) == ("admin", "called us")
    assert LogEntry.objects.filter(object_id=str(profile.pk)).exists()


def test_cleared_box_needs_a_note(world: World, admin_client: Client) -> None:
    profile = world.people[1]
    posted = page_values(profile, no_longer_contact_email="")
    answer = admin_client.post(_url(profile), posted)
    assert "An opt-in needs a note" in answer.content.decode()
    profile.refresh_from_db()
    assert profile.no_longer_contact_email
    posted["note"] = "asked by mail"
    assert admin_client.post(_url(profile), posted).status_code == 302
    profile.refresh_from_db()
    assert not profile.no_longer_contact_email
    assert consent.events_of(profile.pk)[0].kind == "opt_in"


def test_opt_in_under_any_channel_warns(world: World, admin_client: Client) -> None:
    profile = world.people[1]
    consent.opt_out(profile, "any", Origin(source="operator"))
    posted = page_values(profile, no_longer_contact_email="", note="asked")
    answer = admin_client.post(_url(profile), posted, follow=True)
    assert "still opted out of any channel" in answer.content.decode()


def test_opt_out_that_came_in_while_the_page_was_open_stays(
    world: World, admin_client: Client
) -> None:
    profile = world.people[0]
    posted = page_values(profile, first_name="Anneke")
    consent.opt_out(profile, "email", Origin(source="one_click"))
    assert admin_client.post(_url(profile), posted).status_code == 302
    profile.refresh_from_db()
    assert profile.no_longer_contact_email
    assert profile.first_name == "Anneke"
    assert [event.source for event in consent.events_of(profile.pk)[:1]] == [
        "one_click"
    ]


def test_two_operators_who_change_different_fields_both_keep_theirs(
    world: World, admin_client: Client
) -> None:
    profile = world.people[0]
    mine = page_values(profile, first_name="Anneke")
    Profile.objects.filter(pk=profile.pk).update(language="nl")
    assert admin_client.post(_url(profile), mine).status_code == 302
    profile.refresh_from_db()
    assert (profile.first_name, profile.language) == ("Anneke", "nl")


def test_two_operators_who_change_one_field_are_told(
    world: World, admin_client: Client
) -> None:
    profile = world.people[0]
    mine = page_values(profile, first_name="Anneke")
    Profile.objects.filter(pk=profile.pk).update(first_name="Annie")
    answer = admin_client.post(_url(profile), mine)
    assert "“Annie” meanwhile" in answer.content.decode()
    profile.refresh_from_db()
    assert profile.first_name == "Annie"


def test_page_carries_the_values_that_it_showed(
    world: World, admin_client: Client
) -> None:
    page = admin_client.get(_url(world.people[1])).content.decode()
    assert 'name="initial-no_longer_contact_email" value="True"' in page
    assert 'name="initial-no_longer_contact_sms" value="False"' in page


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        ("language", "EN_gb", "en-GB"),
        ("country", "nl", "NL"),
        ("external_id", "", None),
    ],
)
def test_facts_are_kept_in_one_notation(
    field: str, value: str, kept: str | None, world: World, admin_client: Client
) -> None:
    profile = world.people[0]
    posted = page_values(profile, **{field: value})
    assert admin_client.post(_url(profile), posted).status_code == 302
    profile.refresh_from_db()
    assert getattr(profile, field) == kept


@pytest.mark.parametrize(
    ("field", "value"), [("language", "dutch!"), ("country", "N1")]
)
def test_wrong_codes_are_refused_at_the_field(
    field: str, value: str, world: World, admin_client: Client
) -> None:
    posted = page_values(world.people[0], **{field: value})
    answer = admin_client.post(_url(world.people[0]), posted)
    assert field in answer.context["adminform"].form.errors


def test_new_profile_with_a_ticked_box_has_an_event(
    admin_client: Client, db: None
) -> None:
    add = reverse("admin:audiences_profile_add")
    posted = {"first_name": "Bo", "last_name": "Vos", "no_longer_contact": "on"}
    assert admin_client.post(add, posted).status_code == 302
    profile = Profile.objects.get()
    assert profile.no_longer_contact
    assert consent.events_of(profile.pk)[0].evidence.actor == "admin"


def test_a_person_without_any_name_is_not_made(admin_client: Client, db: None) -> None:
    add = reverse("admin:audiences_profile_add")
    answer = admin_client.post(add, {"language": "nl"})
    assert "first_name" in answer.context["adminform"].form.errors
    assert not Profile.objects.exists()
    assert admin_client.post(add, {"external_id": "A-1"}).status_code == 302


def test_nothing_deletes_a_profile(world: World, admin_client: Client) -> None:
    profile = world.people[0]
    url = _url(profile, "delete")
    assert admin_client.get(url).status_code == 403
    assert admin_client.post(url, {"post": "yes"}).status_code == 403
    admin_client.post(
        reverse("admin:audiences_profile_changelist"),
        {"action": "delete_selected", "_selected_action": [profile.pk], "post": "yes"},
    )
    assert Profile.objects.filter(pk=profile.pk).exists()


def test_addresses_are_added_made_primary_and_removed(
    world: World, admin_client: Client
) -> None:
    profile = world.people[0]
    add = _url(profile, "addresses_add")
    answer = admin_client.post(add, {"channel": "email", "address": "no address"})
    assert answer.context["form"].errors["address"]
    admin_client.post(add, {"channel": "email", "address": "Two@example.com"})
    second = profile.addresses.get(key="two@example.com")
    assert not second.is_primary
    again = {"channel": "email", "address": "TWO@example.com"}
    page = admin_client.post(add, again, follow=True).content.decode()
    assert "The profile had address “TWO@example.com” already." in page
    admin_client.post(_url(profile, "addresses_primary"), {"address": second.pk})
    second.refresh_from_db()
    assert second.is_primary
    remove = _url(profile, "addresses_remove")
    question = admin_client.get(remove, {"address": second.pk})
    assert "TWO@example.com" in question.content.decode()
    assert profile.addresses.filter(channel=Channel.EMAIL).count() == 2
    admin_client.post(remove, {"address": second.pk})
    assert profile.addresses.get(channel=Channel.EMAIL).is_primary


def test_the_log_keeps_no_whole_address_of_any_kind(
    world: World, admin_client: Client
) -> None:
    profile = world.people[0]
    given = {"channel": "direct_mail", "address": "Anna Ames, Dorpsstraat 1, Ons Dorp"}
    page = admin_client.post(_url(profile, "addresses_add"), given, follow=True)
    assert "Dorpsstraat 1" in page.content.decode(), "who has written it reads it again"
    row = LogEntry.objects.latest("pk")
    assert console_log.in_words(row) == "Address “•••” was added."


def test_address_of_somebody_else_is_not_removed(
    world: World, admin_client: Client
) -> None:
    other = world.people[1].addresses.get()
    url = _url(world.people[0], "addresses_remove")
    assert admin_client.post(url, {"address": other.pk}).status_code == 404


def test_subscriptions_are_changed_in_the_users_name(
    world: World, admin_client: Client
) -> None:
    profile = world.people[1]
    data = {"service": world.service.pk, "note": "at the desk"}
    answer = admin_client.post(_url(profile, "subscribe"), data, follow=True)
    assert "opted out of Email" in answer.content.decode()
    event = consent.events_of(profile.pk)[0]
    assert (event.kind, event.evidence.actor) == ("subscribe", "admin")
    admin_client.post(_url(profile, "unsubscribe"), {"service": "news"})
    subscription = Subscription.objects.get(profile=profile)
    assert subscription.status == Subscription.Status.UNSUBSCRIBED


def test_page_shows_sharing_quarantine_history_and_messages(
    world: World, admin_client: Client
) -> None:
    page = admin_client.get(_url(world.people[1])).content.decode()
    assert _url(world.people[2]) in page
    assert "by phone" in page
    page = admin_client.get(_url(world.people[3])).content.decode()
    entry = reverse("admin:delivery_quarantineentry_change", args=[world.entry.pk])
    assert entry in page


def test_who_may_only_look_changes_nothing(world: World) -> None:
    client = clerk("looker", *VIEW)
    profile = world.people[0]
    assert client.get(_url(profile)).status_code == 200
    posted = page_values(profile, no_longer_contact_sms="on", first_name="X")
    assert client.post(_url(profile), posted).status_code == 403
    own = profile.addresses.first()
    assert own
    for name, data in {
        "addresses_add": {"channel": "email", "address": "x@example.com"},
        "addresses_primary": {"address": own.pk},
        "addresses_remove": {"address": own.pk},
        "subscribe": {"service": world.service.pk},
        "unsubscribe": {"service": "news"},
    }.items():
        assert client.post(_url(profile, name), data).status_code == 403, name
    profile.refresh_from_db()
    assert not profile.no_longer_contact_sms
    assert profile.addresses.count() == 2


def test_changes_by_get_are_refused(world: World, admin_client: Client) -> None:
    for name in ("addresses_primary", "unsubscribe"):
        assert admin_client.get(_url(world.people[0], name)).status_code == 405
