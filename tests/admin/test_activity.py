"""Who did what, with links; and the summary by mail each morning, once a day."""

import ast
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from audiences import consent, outbox
from audiences.consent import Origin
from audiences.models import MorningSummary, OutboxMail, Profile
from audiences.privacy import many, places
from audiences.privacy.people import Person
from audiences.records import activity, summaries
from audiences.records.activity import Asked
from audiences.selections import bulk_acts
from tests.delivery.sessions import Session, wait_until_blocked

from .conftest import World, clerk
from .elements import marked

ACTIVITY = "admin:audiences_profile_activity"


def _page(client: Client, **query: str) -> str:
    return client.get(reverse(ACTIVITY), query).content.decode()


def test_activity_says_who_did_what_and_leads_there(
    world: World, admin_client: Client
) -> None:
    person = world.people[0]
    url = reverse("admin:audiences_profile_opt_out", args=[person.pk])
    admin_client.post(url, {"scope": "sms", "note": "by phone"})
    act = bulk_acts.begin("opt_out", {}, actor="eva", details={"scope": "fax"})
    page = _page(admin_client)
    for text in (
        "Anna Vos is opted out of SMS.",
        reverse("admin:audiences_profile_change", args=[person.pk]),
        "Opt out: Fax",
        reverse("admin:audiences_bulkact_change", args=[act.pk]),
        "eva",
    ):
        assert text in page, text
    assert "Opt out: Fax" not in _page(admin_client, who="admin")
    assert "is opted out of SMS" not in _page(admin_client, kind="bulk")


def test_the_log_is_asked_by_numbers_that_its_indexes_know(
    db: None, django_assert_num_queries: Any
) -> None:
    """Of millions of rows of programs about people the others must not be sought out."""
    ContentType.objects.get_for_model(Profile)
    with django_assert_num_queries(6) as found:
        assert activity.acts(Asked(actor="nobody"), 50) == []
    assert not [q for q in found if LogEntry._meta.db_table in q["sql"]]
    with django_assert_num_queries(2) as found:
        assert activity.acts(Asked(kind=activity.OTHERS), 50) == []
    assert "content_type_id" in found[-1]["sql"]
    assert "NOT" not in found[-1]["sql"].partition("WHERE")[2]


def test_rows_about_what_there_is_no_more_are_among_the_others(
    world: World, admin_client: Client
) -> None:
    user = User.objects.get(username="admin")
    LogEntry.objects.create(
        user=user, content_type=None, object_repr="of a former part", action_flag=2
    )
    for asked in (Asked(), Asked(kind=activity.OTHERS), Asked(actor="admin")):
        found = [act.row for act in activity.acts(asked, 50) if act.actor == "admin"]
        assert [row.object_repr for row in found] == ["of a former part"]
    assert "of a former part" in _page(admin_client)


def test_each_reads_the_log_in_their_own_language(
    world: World, admin_client: Client
) -> None:
    """A Dutch operator writes, and an English one reads; older rows are read too."""
    person, user = world.people[0], User.objects.get(username="admin")
    admin_client.cookies[settings.LANGUAGE_COOKIE_NAME] = "nl"
    for name, given in {
        "profile_opt_out": {"scope": "any", "note": ""},
        "profile_addresses_add": {"channel": "email", "address": "a@new.example"},
    }.items():
        url = reverse(f"admin:audiences_{name}", args=[person.pk])
        admin_client.post(url, given)
    earlier = '[{"added": {"name": "change of consent", "object": "Al gedaan."}}]'
    for text in ("Erased.", "Afgemeld.", earlier, '[{"said": {"te', '[{"said": {}}]'):
        LogEntry.objects.log_actions(user.pk, [person], 2, text, single_object=True)
    read = {
        "en": (
            "opted out of Any channel",
            "Address “a•••@n•••.example” was",
            "Erased.",
        ),
        "nl": ("afgemeld voor Elk kanaal", "Adres “a•••@n•••.example” is", "Gewist."),
    }
    history = reverse("admin:audiences_profile_history", args=[person.pk])
    for language, texts in read.items():
        admin_client.cookies[settings.LANGUAGE_COOKIE_NAME] = language
        for url in (reverse(ACTIVITY), history):
            page = admin_client.get(url).content.decode()
            for text in (*texts, "Afgemeld.", "Al gedaan."):
                assert text in page, (url, text)
            assert "{who}" not in page
    facts = {row["change_message"] for row in _log_of(person)}
    assert {"Erased.", "Al gedaan.", "Address “a•••@n•••.example” was added."} <= facts


def _log_of(person: Profile) -> list[dict[str, str]]:
    (place,) = [place for place in places.all_places() if place.model is LogEntry]
    with translation.override("en"):
        return place.rows(Person.of(person))


def test_no_sentence_of_the_log_is_kept_in_the_language_of_its_writer() -> None:
    """What is handed to the log is a constant, a structure, or a sentence to keep."""
    found = []
    for path in (*Path("audiences").rglob("*.py"), *Path("delivery").rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        if not re.search("log_change|log_addition|_log\\(|change_message", source):
            continue
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func).rpartition(".")[2]
                found += [
                    f"{path}:{node.lineno}: {ast.unparse(given)}"
                    for given in _kept_by(name, node)
                    if not _is_worded_later(given)
                ]
    assert not found


def _kept_by(name: str, call: ast.Call) -> list[ast.expr]:
    if name in ("log_change", "log_addition") and len(call.args) == 3:
        return [call.args[2]]
    if name == "_log" and len(call.args) == 2:
        return [call.args[1]]
    return [word.value for word in call.keywords if word.arg == "change_message"]


def _is_worded_later(given: ast.expr) -> bool:
    if isinstance(given, ast.Call):
        return ast.unparse(given.func).endswith(("gettext_noop", "to_keep", "kept"))
    # A name is the parameter of a function whose callers give a constant.
    return isinstance(given, (ast.List, ast.Name)) or ast.unparse(given) == "''"


def test_an_erasure_of_many_is_said_once(world: World, admin_client: Client) -> None:
    ids = [person.pk for person in world.people[:2]]
    many.ask(ids, actor="iris", note="asked by letter")
    page = _page(admin_client, kind="erasures", who="iris")
    assert page.count(">Erasure of many<") == 1
    assert "2 people · Waiting" in page


def test_who_may_not_see_the_log_sees_their_own_acts(world: World) -> None:
    bulk_acts.begin("opt_out", {}, actor="eva", details={"scope": "fax"})
    bulk_acts.begin("opt_out", {}, actor="helper", details={"scope": "push"})
    page = _page(clerk("helper", "view_profile"))
    assert "Opt out: Push" in page
    assert "Opt out: Fax" not in page
    assert "Opt out: Fax" not in _page(clerk("other", "view_profile"), who="eva")


@pytest.fixture
def eva(db: None) -> User:
    return User.objects.create_user("eva", "eva@shop.example", is_staff=True)


def _morning(day: int = 2, hour: int = 8) -> datetime:
    return timezone.localtime(datetime(2027, 3, day, 12, tzinfo=UTC)).replace(hour=hour)


def test_summary_is_off_by_default_and_sent_once_a_day_with_two_clocks(
    eva: User,
) -> None:
    assert summaries.send_due(_morning()) == 0
    MorningSummary.objects.create(user=eva, hour=7, language="nl")
    assert summaries.send_due(_morning(hour=6)) == 0
    assert summaries.send_due(_morning()) == 1
    assert summaries.send_due(_morning(hour=9)) == 0
    assert summaries.send_due(_morning(day=3)) == 1
    assert OutboxMail.objects.filter(kind="summary", to=eva.email).count() == 2


@pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite has one writer at a time"
)
@pytest.mark.django_db(transaction=True)
def test_summary_is_sent_once_by_two_clocks_at_the_same_moment(eva: User) -> None:
    """The second has read who is due, and waits until the first has committed."""
    MorningSummary.objects.create(user=eva, hour=7, language="nl")
    sent: list[int] = []
    second = Session(lambda _own: sent.append(summaries.send_due(_morning())))
    with transaction.atomic():
        sent.append(summaries.send_due(_morning()))
        second.start()
        wait_until_blocked()
    second.finish()
    assert sent == [1, 0]
    assert OutboxMail.objects.filter(kind="summary").count() == 1


def test_summary_counts_the_day_before_in_the_language_of_its_reader(
    eva: User, mailoutbox: list[object]
) -> None:
    from tests.factories import ProfileFactory

    yesterday = timezone.now() - timedelta(days=1)
    for number in range(3):
        at = yesterday if number else timezone.now()
        consent.opt_out(ProfileFactory(), "email", Origin(source="one_click", at=at))
    MorningSummary.objects.create(user=eva, hour=0, language="en")
    assert summaries.send_due() == 1
    outbox.send_waiting()
    (mail,) = mailoutbox
    body = mail.body  # type: ignore[attr-defined]
    for text in ("Opt-outs: 2", "Complaints: 0", "quarantine: 0", reverse(ACTIVITY)):
        assert text in body, text


def test_whoever_is_no_operator_any_more_gets_none(eva: User) -> None:
    MorningSummary.objects.create(user=eva, hour=0, language="en")
    User.objects.filter(pk=eva.pk).update(is_active=False)
    assert summaries.send_due(_morning()) == 0


def test_summary_is_switched_on_and_off_by_one_click(eva: User) -> None:
    client = Client()
    eva.is_superuser = True
    eva.save()
    client.force_login(eva)
    url = reverse("admin:audiences_profile_summary")
    assert "on" in marked(_page(client), "action")
    page = client.post(url, {"act": "on", "hour": "6"}, follow=True).content.decode()
    assert "from 06:00 on" in page
    assert MorningSummary.objects.get().hour == 6
    assert "off" in marked(page, "action")
    client.post(url, {"act": "off"})
    assert not MorningSummary.objects.exists()
    User.objects.update(email="")
    page = client.post(url, {"act": "on", "hour": "6"}, follow=True).content.decode()
    assert "Your user has no email address" in page
