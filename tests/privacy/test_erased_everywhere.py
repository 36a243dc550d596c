"""After an erasure nothing in the database names the person; counts and events stay."""

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import models

from audiences import privacy, suppression
from audiences.consent import Origin
from audiences.models import (
    ConsentEvent,
    ErasureRun,
    ImportRun,
    OutboxMail,
    Profile,
    Suppression,
)
from audiences.privacy import places
from delivery.models import Message, MessageEvent, QuarantineEntry
from tests.people import person

from . import everything

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _region(settings: object) -> None:
    settings.PHONE_REGION = "NL"  # type: ignore[attr-defined]


def test_nothing_readable_stays_and_what_counts_stays(admin_user: User) -> None:
    other = person(first_name="Bo", last_name="Bos", email="bo@shop.example")
    made = everything.make(admin_user)
    before = everything.found()
    assert len(before) > 15, before  # the test finds what is there
    events = ConsentEvent.objects.filter(profile=made.profile.pk).count()
    messages = Message.objects.count()
    note = f"asked by {everything.EMAIL}"
    origin = Origin(source="operator", actor="olga", note=note)
    privacy.erase(made.profile, origin=origin)
    assert everything.found() == []
    left = ConsentEvent.objects.filter(profile=made.profile.pk)
    assert left.count() == events + 1 > 3
    assert Message.objects.count() == messages == 2
    proof = left.get(kind="erase").evidence
    assert (proof.actor, proof.note) == ("olga", "asked by [erased]")
    assert LogEntry.objects.filter(object_id=str(made.profile.pk)).exists()
    waiting = ImportRun.objects.get(file_name="wacht.csv")
    assert (waiting.state, waiting.content.count()) == ("failed", 0)
    assert "upload it again" in waiting.error
    other.refresh_from_db()
    assert other.addresses.get().value == "bo@shop.example"


def test_what_another_profile_has_too_stays_with_it() -> None:
    mine = person(first_name="Jan", last_name="Bos", email="shared@shop.example")
    twin = person(first_name="Piet", last_name="Bos", email="shared@shop.example")
    from delivery import quarantine

    quarantine.record("email", "shared@shop.example", type="hard", source="test")
    privacy.erase(mine)
    assert QuarantineEntry.objects.get().key == "shared@shop.example"
    twin.refresh_from_db()
    assert (twin.last_name, twin.addresses.get().key) == ("Bos", "shared@shop.example")
    assert "Jan" not in everything.dump()


def test_a_number_in_other_texts_is_no_number_of_the_person() -> None:
    from audiences.suppression import traces

    known = traces.of_number("+31612345987") + traces.of_words("1001")
    for text in ("30612345987654", "order 10010", "a1001", "2026-10-01 1001x"):
        assert known.without(text) == text
    for text in ("06 123 45 987", "(0031) 612345987", "+31 (0)6 12345987", "no. 1001!"):
        assert known.are_in(text), text


def test_a_log_that_is_kept_as_json_is_read_as_what_it_says() -> None:
    """The n of a line's end is no letter of a name, nor is a quote its end."""
    from django.contrib.auth.models import User

    from audiences.records import console_log

    jan = person(
        first_name='Józef “Jo” "Joe"', last_name="Quist", external_id="AD\\jóq1"
    )
    names = f"met\n{jan.first_name} Quist, Quist\nand {jan.external_id}"
    kept = console_log.kept("Changed: {names}.", names=names)
    olga = User.objects.create(username="olga")
    LogEntry.objects.log_actions(olga.pk, [olga], 2, kept, single_object=True)
    privacy.erase(jan)
    said = console_log.in_words(LogEntry.objects.get())
    assert said == "Changed: met\n[erased], [erased]\nand [erased]."


def test_notes_about_suppressed_addresses_and_erasures_of_many_name_nobody() -> None:
    jan = person(first_name="Zwaan", last_name="Quist", email="zw@shop.example")
    entry = suppression.Entry("email", "old@shop.example", "any", "by_hand")
    note = "Zwaan Quist (zw@shop.example) called"
    suppression.suppress([entry], note=note)
    suppression.lift("email", entry.key, "officer", actor="eva", note=note)
    many = ErasureRun.objects.create(
        actor="eva", reason="own_wish", note=note, people=[jan.pk]
    )
    privacy.erase(jan)
    row = Suppression.objects.get(lifted_at__isnull=False)
    many.refresh_from_db()
    expected = "[erased] ([erased]) called"
    assert [row.note, row.lift_note, many.note] == [expected] * 3
    assert many.people == [jan.pk]


def test_every_model_that_may_have_something_personal_has_a_line() -> None:
    assert places.missing(apps.get_models(include_auto_created=True)) == []


def test_a_new_model_with_something_personal_is_missed() -> None:
    for field in (models.TextField(), models.JSONField(), models.BinaryField()):

        class Meta:
            app_label = "audiences"

        facts = {"__module__": __name__, "Meta": Meta, "field": field}
        name = f"New{type(field).__name__}"
        model = type(name, (models.Model,), facts)
        try:
            assert places.missing([model]) == [f"audiences.{name}"]
        finally:
            del apps.all_models["audiences"][name.lower()]
            apps.clear_cache()


def test_all_mails_of_a_person_and_no_others_go() -> None:
    a, b = person(email="a@shop.example"), person(email="b@shop.example")
    for profile, to in ((a, "a@shop.example"), (b, "b@shop.example")):
        OutboxMail.objects.create(
            kind="subscribed", found_by="email", to=to, key=to, language="en",
            context={"profile": profile.pk, "service": 1},
        )  # fmt: skip
    privacy.erase(a)
    assert OutboxMail.objects.get().to == "b@shop.example"
    assert Profile.objects.get() == b
    assert not MessageEvent.objects.exists()
