"""Suppressed addresses: whoever was erased stays unreachable, whoever brings them back."""

import hashlib

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import DatabaseError, transaction

from audiences import addresses, privacy, suppression
from audiences.models import Address, Profile, Suppression
from audiences.records.verification import verify_consent
from audiences.refusals import Refused
from audiences.sql import execute
from audiences.suppression import Entry, ErasedFor, Lift, NoKey, Reason
from delivery import quarantine
from delivery.models import Message
from tests.people import ago, got, person

pytestmark = pytest.mark.django_db
NUMBER = "+31612345678"
OLD, NEW = "an old key, long and random enough", "a new key, long and random enough"


def on_list() -> set[tuple[str, str]]:
    return {*suppression.active().values_list("channel", "reason")}


def marks(profile: Profile) -> dict[str, bool]:
    return dict(profile.addresses.values_list("channel", "is_suppressed"))


def test_own_wish_suppresses_every_address_on_any_channel() -> None:
    jan = person(email="Jan@X.example", sms=NUMBER)
    twin = person(email="jan@x.example", sms=NUMBER)
    privacy.erase(jan)
    assert Suppression.objects.count() == 2
    assert on_list() == {("any", "erased")}
    assert marks(twin) == {"email": True, "sms": True}
    again = person(email=" JAN@x.EXAMPLE ", push="jan@x.example")
    addresses.attach(again, "phone", NUMBER)
    addresses.attach(again, "email", "other@x.example")
    # The token only looks like an address; the number is one, on whatever channel.
    assert marks(again.__class__.objects.get(pk=again.pk)) != {}
    held = dict(again.addresses.values_list("value", "is_suppressed"))
    assert held == {
        "JAN@x.EXAMPLE": True,
        "jan@x.example": False,
        NUMBER: True,
        "other@x.example": False,
    }


@pytest.mark.parametrize(
    ("out", "status", "expected"),
    [
        ("", "valid", set()),
        ("", "erroneous", set()),
        ("email", "valid", {("email", "opted_out")}),
        ("sms", "valid", {("sms", "opted_out")}),
        ("phone", "valid", set()),
        ("any", "valid", {("any", "opted_out")}),
        ("", "quarantine", {("email", "quarantined")}),
        ("sms", "denylisted", {("sms", "opted_out"), ("email", "denylisted")}),
        ("any", "denylisted", {("any", "opted_out")}),
    ],
)
def test_retention_suppresses_only_what_was_blocked(
    out: str, status: str, expected: set[tuple[str, str]]
) -> None:
    jan = person(email="jan@x.example", sms=NUMBER, out=out)
    Address.objects.filter(channel="email").update(quarantine_status=status)
    privacy.erase(jan, reason=ErasedFor.RETENTION)
    assert on_list() == expected


@pytest.mark.parametrize(
    ("reason", "out", "status", "expected"),
    [
        ("own_wish", "", "valid", {("any", "erased")}),
        ("own_wish", "", "denylisted", {("any", "erased")}),
        ("retention", "", "valid", set()),
        ("retention", "email", "valid", {("email", "opted_out")}),
        ("retention", "", "denylisted", {("email", "denylisted")}),
        ("retention", "", "quarantine", {("email", "quarantined")}),
    ],
)
def test_an_address_of_before_is_suppressed_too(
    reason: str, out: str, status: str, expected: set[tuple[str, str]]
) -> None:
    jan = person(email="old@x.example", out=out)
    got(jan, ago(9))
    Message.objects.update(address="Old@X.example")
    addresses.detach(jan.addresses.get())
    if status != "valid":
        quarantine.set_status("email", "old@x.example", status, source="operator")
    privacy.erase(jan, reason=reason)
    assert on_list() == expected
    assert marks(person(email="old@x.example")) == {"email": bool(expected)}


def test_an_address_of_before_that_somebody_else_has_now_stays_theirs() -> None:
    jan = person(email="old@x.example")
    got(jan, ago(9))
    Message.objects.update(address="old@x.example")
    addresses.detach(jan.addresses.get())
    els = person(email="old@x.example")
    privacy.erase(jan)
    assert marks(els) == {"email": False}


def test_the_same_file_again_brings_nobody_back(tmp_path) -> None:
    file = tmp_path / "people.csv"
    file.write_text(
        f"external_id,email,sms\nJ1,jan@x.example,{NUMBER}\nE1,els@x.example,"
    )
    call_command("import_profiles", str(file))
    privacy.erase(Profile.objects.get(external_id="J1"))
    call_command("import_profiles", str(file))
    jan, els = (Profile.objects.get(external_id=name) for name in ("J1", "E1"))
    assert marks(jan) == {"email": True, "sms": True}
    assert marks(els) == {"email": False}


def test_a_former_key_is_asked_and_what_it_meets_is_written_under_the_newest(
    settings,
) -> None:
    settings.SUPPRESSION_KEYS = [OLD]
    privacy.erase(person(email="jan@x.example"))
    privacy.erase(person(email="els@x.example"))
    before = Suppression.objects.order_by("pk").first()
    settings.SUPPRESSION_KEYS = [NEW, OLD]
    assert marks(person(email="jan@x.example")) == {"email": True}
    after = Suppression.objects.get(pk=before.pk)
    assert after.key_id != before.key_id
    assert after.digest != before.digest
    assert (after.since, after.reason) == (before.since, before.reason)
    assert Suppression.objects.count() == 2
    # Suppressing again what an old key knows adds nothing.
    assert not suppression.suppress(
        [Entry("email", "els@x.example", "any", Reason.ERASED)]
    )
    settings.SUPPRESSION_KEYS = [NEW]
    assert marks(person(email="jan@x.example")) == {"email": True}
    assert not suppression.lost()


def test_a_key_that_is_gone_is_told_and_without_any_nothing_is_attached(
    settings,
) -> None:
    settings.SUPPRESSION_KEYS = [OLD]
    privacy.erase(person(email="jan@x.example"))
    settings.SUPPRESSION_KEYS = [NEW]
    assert len(suppression.lost()) == 1
    assert any("under the key" in line for line in verify_consent().differences)
    assert "audiences.E002" in {m.id for m in run_checks(databases=["default"])}
    settings.SUPPRESSION_KEYS = []
    with pytest.raises(NoKey, match="SUPPRESSION_KEYS is not set"):
        person(email="els@x.example")


def test_without_a_key_nobody_is_erased(settings) -> None:
    settings.SUPPRESSION_KEYS = []
    jan = person(email="jan@x.example")
    with pytest.raises(NoKey, match="SUPPRESSION_KEYS is not set"):
        privacy.erase(jan)
    assert Profile.objects.filter(pk=jan.pk).exists()
    assert not Suppression.objects.exists()


def test_nothing_readable_is_on_the_list() -> None:
    privacy.erase(person(email="jan@x.example", sms=NUMBER))
    row = str(list(Suppression.objects.values()))
    for key in ("jan@x.example", NUMBER):
        for text in (key, hashlib.sha256(key.encode()).hexdigest()):
            assert text not in row
    with pytest.raises(Refused, match="note has the address"):
        suppression.suppress(
            [Entry("sms", NUMBER, "any", Reason.BY_HAND)], note="call +31 6 12345678"
        )


def test_who_confirms_by_sms_has_said_nothing_about_being_called() -> None:
    privacy.erase(person(sms=NUMBER))
    again = person(sms=NUMBER)
    addresses.attach(again, "phone", NUMBER)
    assert marks(again) == {"sms": True, "phone": True}
    assert suppression.lift("sms", NUMBER, Lift.CONFIRMED)
    assert marks(again) == {"sms": False, "phone": True}
    assert on_list() == {("phone", "erased"), ("fax", "erased")}
    lifted = Suppression.objects.get(lifted_at__isnull=False)
    assert (lifted.channel, lifted.lifted_by) == ("any", "confirmed")
    with pytest.raises(Refused, match="A note must say"):
        suppression.lift("phone", NUMBER, Lift.OFFICER)
    assert suppression.lift("phone", NUMBER, Lift.OFFICER, actor="eva", note="letter")
    assert marks(again) == {"sms": False, "phone": False}
    # What was lifted may come again.
    assert suppression.suppress([Entry("phone", NUMBER, "any", Reason.BY_HAND)]) == 1
    assert marks(again) == {"sms": True, "phone": True}


@pytest.mark.parametrize("count", [1, 30])
def test_an_import_asks_with_one_statement(
    count: int, django_assert_max_num_queries
) -> None:
    privacy.erase(person(email="jan0@x.example"))
    people = [Profile.objects.create() for _ in range(count)]
    books = addresses.books([p.pk for p in people])
    for n, book in enumerate(books.values()):
        for name in ("jan", "els"):
            given = addresses.accept("email", f"{name}{n}@x.example")
            book.give("email", given, primary=False)
    with django_assert_max_num_queries(12):
        addresses.save(books.values())
    assert Address.objects.filter(is_suppressed=True).count() == 1


def test_copies_that_say_otherwise_are_found_and_mended() -> None:
    jan, els = person(email="jan@x.example"), person(email="els@x.example")
    suppression.suppress([Entry("email", "jan@x.example", "email", Reason.BY_HAND)])
    Address.objects.filter(profile=jan).update(is_suppressed=False)
    Address.objects.filter(profile=els).update(is_suppressed=True)
    differences = verify_consent().differences
    assert [line.partition(" is ")[0] for line in differences] == [
        "an address of email",
        "an address of email",
    ]
    assert suppression.copy_all() == 2
    assert (marks(jan), marks(els)) == ({"email": True}, {"email": False})
    assert not suppression.copy_all()


@pytest.mark.parametrize(
    ("channel", "key", "note"),
    [
        ("email", "jan@xn--mnchen-3ya.example", "mail from Jan@M\u00dcNCHEN.example"),
        ("email", "jan@xn--mnchen-3ya.example", "jan%40xn--mnchen-3ya.example"),
        ("sms", NUMBER, "called from 0612345678"),
        ("fax", NUMBER, "06-12 34 56 78 called"),
        ("phone", NUMBER, "0031 6 12345678"),
        ("sms", NUMBER, "+31 (0)6 12345678"),
        ("push", "TokEn-1234", "token-1234"),
        ("direct_mail", "kerkstraat 1 ons dorp", "Kerkstraat 1\nOns Dorp"),
    ],
)
def test_a_note_with_the_address_in_any_spelling_is_refused(
    channel: str, key: str, note: str
) -> None:
    with pytest.raises(Refused, match="note has the address"):
        suppression.suppress([Entry(channel, key, "any", Reason.BY_HAND)], note=note)
    suppression.suppress(
        [Entry(channel, key, "any", Reason.BY_HAND)], note="letter 0612345 of 2026"
    )
    with pytest.raises(Refused, match="note has the address"):
        suppression.lift(channel, key, Lift.OFFICER, actor="eva", note=note)


@pytest.mark.parametrize(
    "change",
    [
        "channel = 'fax'",
        "reason = 'by_hand'",
        "since = CURRENT_TIMESTAMP",
        "digest = 'x'",
        "key_id = 'x'",
    ],
)
def test_nobody_alters_what_a_row_says(change: str) -> None:
    name = ("email", "a@x.example")
    suppression.suppress([Entry(*name, scope="email", reason="opted_out")])
    table = Suppression._meta.db_table
    with pytest.raises(DatabaseError, match="only lifted"), transaction.atomic():
        execute(f"UPDATE {table} SET {change}")
    execute(f"UPDATE {table} SET digest = 'x', key_id = 'x'")  # as another key does
    execute(
        f"UPDATE {table} SET lifted_at = CURRENT_TIMESTAMP, lifted_by = 'confirmed'"
    )
    with pytest.raises(DatabaseError, match="only lifted"), transaction.atomic():
        execute(f"UPDATE {table} SET lifted_at = NULL, lifted_by = ''")
