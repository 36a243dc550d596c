"""The steps Content and Test: what is written, in each language, is what is sent."""

from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from audiences import organisation
from delivery import deliveries
from delivery.composing import Composer, example, writing
from delivery.models import ContentVariant, Delivery, Sender

from .conftest import World, clerk

pytestmark = pytest.mark.django_db
STOP = "[Stop]({{ unsubscribe_link }})"
DUTCH = {
    "subject": "Hoi {{ first_name|daar }}",
    "preheader": "x",
    "content": f"Dag {STOP}",
}


def _url(name: str, delivery: Delivery, query: str = "") -> str:
    return reverse(f"admin:delivery_delivery_{name}", args=[delivery.pk]) + query


def _step(client: Client, delivery: Delivery) -> Any:
    """The step Content, as the pages of the delivery show it."""
    steps = client.get(_url("content", delivery)).context["steps"]
    return next(step for step in steps if step.code == "content")


@pytest.fixture
def made() -> Delivery:
    organisation.change(name="Shop", postal_address="Main Street 1")
    return deliveries.create("Sale", channel="email")


def _errors(answer: Any) -> dict[str, Any]:
    return dict(answer.context["form"].errors)


def test_all_that_a_mail_says_is_written_on_its_page(
    made: Delivery, admin_client: Client
) -> None:
    sender = Sender.objects.create(name="Shop", address="news@shop.example")
    off = Sender.objects.create(name="Old", address="o@shop.example", is_active=False)
    url = _url("content", made)
    page = admin_client.get(url).content.decode()
    assert "news@shop.example" in page
    assert "o@shop.example" not in page
    posted = {
        "sender": sender.pk,
        "subject": "Hello {{ first_name|there }}",
        "preheader": "Look",
        "content": f"Hi\r\n\r\n{STOP}",
        "headers": "X-Campaign: spring",
    }
    for bad, field in (
        ({"headers": "From: me"}, "headers"),
        ({"headers": "X-A: 1\nX-A: 2"}, "headers"),
        ({"headers": "nonsense"}, "headers"),
        ({"sender": off.pk}, "sender"),
        ({"subject": "x" * 251}, "subject"),
        ({"preheader": "x" * 251}, "preheader"),
    ):
        assert set(_errors(admin_client.post(url, posted | bad))) == {field}
    assert Delivery.objects.get(pk=made.pk).subject == ""
    Delivery.objects.filter(pk=made.pk).update(tested_at=made.created_at)
    assert admin_client.post(url, posted).status_code == 302
    made.refresh_from_db()
    assert (made.sender, made.preheader) == (sender, "Look")
    assert made.content == f"Hi\n\n{STOP}"
    assert made.tested_at is None
    assert made.written_by == "admin"
    [sent] = Composer(made, is_copy=True).compose([example()])
    shown = admin_client.post(_url("preview", made)).context["shown"]
    assert shown.said.subject == sent.subject == "Hello Anna"
    assert not shown.errors + shown.warnings


def test_a_language_is_added_changed_and_removed(
    made: Delivery, admin_client: Client
) -> None:
    writing.set_content(made, subject="Hi", content=f"Hello {STOP}")
    url = _url("content", made, "?language=NL-be")
    page = admin_client.get(url)
    assert page.context["is_new"]
    assert "Hello" in page.content.decode()
    assert not ContentVariant.objects.exists()
    assert "sender" not in page.context["form"].fields
    assert admin_client.post(url, DUTCH).status_code == 302
    assert admin_client.post(url, DUTCH | {"subject": "Dag"}).status_code == 302
    assert ContentVariant.objects.get().language == "nl-BE"
    made.refresh_from_db()
    assert Composer(made).rendered(example("nl-BE")).subject == "Dag"
    assert _step(admin_client, made).is_done
    # What is wrong in one language is told at its step, and keeps nobody from saving.
    admin_client.post(url, DUTCH | {"content": "Dag {{ voornaam }}"})
    step = _step(admin_client, made)
    assert (step.is_done, step.is_failed) == (False, True)
    remove = _url("content_remove", made)
    admin_client.post(remove, {"language": "nl-BE"})
    assert not ContentVariant.objects.exists()
    assert (
        admin_client.get(_url("content", made, "?language=%C3%A9")).status_code == 302
    )


def test_a_text_to_start_from_is_kept_when_somebody_saves_it(
    made: Delivery, admin_client: Client
) -> None:
    page = admin_client.get(_url("content", made))
    codes = [each.code for each in page.context["starters"]]
    assert "newsletter" in codes
    for language, words in (("", "Dear {{ first_name"), ("nl", "Beste {{ first_name")):
        query = f"?start=newsletter&language={language}"
        assert words in admin_client.get(_url("content", made, query)).content.decode()
    made.refresh_from_db()
    assert made.content == ""
    sms = deliveries.create("Text", channel="sms")
    found = admin_client.get(_url("content", sms)).context["starters"]
    assert [each.code for each in found] == ["reminder"]


def test_a_file_has_the_columns_that_were_chosen(admin_client: Client) -> None:
    made = deliveries.create("Catalogue", channel="direct_mail")
    url = _url("content", made)
    page = admin_client.get(url)
    assert list(page.context["form"].fields) == ["columns"]
    assert "columns" in _errors(admin_client.post(url, {}))
    assert "columns" in _errors(admin_client.post(url, {"columns": ["shoe_size"]}))
    posted = {"columns": ["external_id", "address"]}
    assert admin_client.post(url, posted).status_code == 302
    made.refresh_from_db()
    assert made.columns == "external_id,address"
    assert deliveries.duplicate(made).columns == made.columns


def test_what_is_sent_stands_and_who_may_only_look_writes_nothing(
    world: World, admin_client: Client
) -> None:
    for name in ("content", "content_remove"):
        answer = admin_client.post(_url(name, world.sent), DUTCH)
        assert answer.status_code == 403
    looker = clerk("looker", "view_delivery")
    url = _url("content", world.draft)
    assert looker.get(url).context["may_write"] is False
    assert looker.post(url, {"content": "x"}).status_code == 403


def test_a_copy_keeps_all_that_it_says(made: Delivery) -> None:
    sender = Sender.objects.create(name="Shop", address="news@shop.example")
    facts = {"subject": "Hi", "content": STOP, "headers": "X-A: b", "preheader": "p"}
    writing.set_content(made, sender=sender, **facts)
    writing.set_content(made, language="nl", **DUTCH)
    Delivery.objects.filter(pk=made.pk).update(tested_at=made.created_at)
    made.refresh_from_db()
    copy = deliveries.duplicate(made)
    for name in (*facts, "sender"):
        assert getattr(copy, name) == getattr(made, name)
    assert copy.variants.get().subject == DUTCH["subject"]
    assert copy.tested_at is None


def test_a_proof_goes_to_own_addresses_as_any_profile(
    made: Delivery, world: World, admin_client: Client, settings: Any
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    writing.set_content(made, subject="Hi {{ first_name|you }}", content=STOP)
    url = _url("test", made)
    assert _errors(admin_client.post(url, {"to": "nonsense"}))["to"]
    assert _errors(admin_client.post(url, {"to": ""}))["to"]
    wrong = {"to": "me@shop.example", "preview_profile": "P99"}
    assert _errors(admin_client.post(url, wrong))["preview_profile"]
    assert mail.outbox == []
    posted = {"to": "me@shop.example\nyou@shop.example", "preview_profile": "P1"}
    page = admin_client.post(url, posted)
    assert "2 proofs are on their way" in page.content.decode()
    assert len(mail.outbox) == 2
    made.refresh_from_db()
    assert made.tested_at
    step = next(s for s in page.context["steps"] if s.code == "test")
    assert step.is_done
    assert not made.messages.exists()
