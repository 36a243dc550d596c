"""The one writer of quarantine: entries belong to addresses, whoever has them."""

import csv
import io
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from audiences import addresses, profiles
from audiences.files import open_file
from audiences.imports.engine import Import
from audiences.models import Address, Profile
from delivery import quarantine
from delivery.models import AddressError, MessageEvent, QuarantineEntry
from delivery.quarantine import files
from delivery.quarantine.verification import verify_quarantine

pytestmark = pytest.mark.django_db
AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
only_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite has one writer at a time"
)


def profile_with(address: str, channel: str = "email") -> Profile:
    profile = Profile.objects.create()
    addresses.attach(profile, channel, address)
    return profile


def record(address="a@x.example", type="hard", at=AT, channel="email", **facts):
    facts.setdefault("source", "test")
    return quarantine.record(channel, address, type=type, at=at, **facts)


def delivered(key: str, at: datetime, channel: str = "email") -> None:
    """A message event says that a message reached the address."""
    MessageEvent.objects.create(
        kind="delivered",
        channel=channel,
        key=key,
        at=at,
        source="test",
        event_id=f"{key} {at}",
    )
    quarantine.delivered(channel, key)


def copies(key="a@x.example") -> list[str]:
    rows = Address.objects.filter(key=key).order_by("pk")
    return list(rows.values_list("quarantine_status", flat=True))


def status_of(address="a@x.example", channel="email") -> str:
    entry = quarantine.entry_of(channel, addresses.normalise(channel, address).key)
    return entry.status if entry else "none"


# ------------------------------------------------------------- it is the address's (Q1)
def test_two_profiles_that_share_a_number_are_both_affected():
    one, two = (
        profile_with("+31612345678", "sms"),
        profile_with("+31 6 1234 5678", "sms"),
    )
    record("+31612345678", channel="sms")
    assert copies("+31612345678") == ["quarantine", "quarantine"]
    assert {one.addresses.get().key, two.addresses.get().key} == {"+31612345678"}


def test_a_new_address_of_the_profile_is_clean():
    profile = profile_with("a@x.example")
    record()
    new = addresses.attach(profile, "email", "b@x.example", primary=True)
    assert (new.quarantine_status, copies()) == ("valid", ["quarantine"])


def test_the_same_text_on_another_channel_is_another_address():
    for channel in ("sms", "phone"):
        profile_with("+31612345678", channel)
    record("+31612345678", channel="sms")
    assert copies("+31612345678") == ["quarantine", "valid"]


def test_an_entry_waits_for_the_profile_that_gets_the_address():
    record()
    assert profile_with("A@X.example").addresses.get().quarantine_status == "quarantine"


def test_an_entry_waits_for_an_import_that_brings_the_address(tmp_path):
    record()
    file = tmp_path / "people.csv"
    file.write_text("external_id,email\n1,A@x.example\n2,b@x.example\n")
    call_command("import_profiles", str(file), "--json", stdout=io.StringIO())
    assert (copies("a@x.example"), copies("b@x.example")) == (["quarantine"], ["valid"])


@pytest.mark.parametrize(
    ("given", "same", "channel"),
    [
        ("Jan@X.EXAMPLE", "jan@x.example", "email"),
        ("jan@bücher.example", "jan@xn--bcher-kva.example", "email"),
        ("jose\u0301@x.example", "jos\u00e9@x.example", "email"),
        (" +31 (0)6-1234 5678", "+31612345678", "sms"),
        ("Straat 1,  Breda", "straat 1, breda", "direct_mail"),
    ],
)
def test_addresses_match_on_their_key(given, same, channel):
    record(given, channel=channel)
    assert status_of(same, channel) == "quarantine"


def test_tokens_keep_their_case():
    record("AbC", channel="push")
    assert (status_of("AbC", "push"), status_of("abc", "push")) == (
        "quarantine",
        "none",
    )


@pytest.mark.parametrize(
    ("channel", "text"),
    [
        ("email", "nobody"),
        ("email", " "),
        ("sms", "0612"),
        ("push", "a b"),
        ("email", "a\0@x.example"),
    ],
)
def test_an_invalid_address_is_refused_with_its_name(channel, text):
    for act in (
        lambda: record(text, channel=channel),
        lambda: quarantine.set_status(channel, text, "quarantine", source="test"),
        lambda: quarantine.describe(channel, text),
    ):
        with pytest.raises(addresses.InvalidAddress, match="not an address for"):
            act()
    assert not AddressError.objects.exists()
    assert not QuarantineEntry.objects.exists()


# ------------------------------------------------------------------ the rules (Q2, Q3)
def test_the_entry_tells_what_happened():
    record(type="soft", reason="mailbox_full", text="452 full")
    entry = record(type="soft", reason="refused", at=AT + DAY, text="450 no")
    entry.refresh_from_db()
    assert {name: getattr(entry, name) for name in ("status", "reason", "type", "error_count", "first_error_at", "last_error_at", "text", "releases_at")} == {
        "status": "erroneous", "reason": "refused", "type": "soft", "error_count": 2,
        "first_error_at": AT, "last_error_at": AT + DAY, "text": "450 no",
        "releases_at": AT + 11 * DAY,
    }  # fmt: skip


def test_errors_in_any_order_of_arrival_give_the_same_entry():
    hours = [0, 24, 48, 72, 96]
    for order in (hours, hours[::-1], [48, 0, 96, 24, 72]):
        name = f"o{order[0]}@x.example"
        for at in order:
            record(name, "soft", AT + at * HOUR)
        assert status_of(name) == "quarantine"


def test_an_ignored_error_is_kept_and_changes_nothing():
    profile_with("a@x.example")
    assert record(type="ignored") is None
    assert AddressError.objects.count() == 1
    assert (status_of(), copies()) == ("none", ["valid"])
    record()
    before = QuarantineEntry.objects.values().get()
    record(type="ignored", at=AT + DAY)
    assert QuarantineEntry.objects.values().get() == before


@pytest.mark.parametrize("reason", ["complaint", "stop"])
def test_a_complaint_denylists_the_address_until_an_operator_says_otherwise(reason):
    profile = profile_with("a@x.example")
    record(type="soft", reason=reason, text="outage")
    record(at=AT + DAY)
    delivered("a@x.example", AT + 2 * DAY)
    quarantine.clean_up(AT + 9999 * DAY)
    bulk = quarantine.release_matching("outage", AT - DAY, AT + DAY, source="test")
    assert (bulk.released, status_of(), copies()) == ([], "denylisted", ["denylisted"])
    profile.refresh_from_db()
    assert not profile.no_longer_contact_email
    quarantine.set_status("email", "a@x.example", "valid", source="test")
    assert (status_of(), copies()) == ("valid", ["valid"])


def test_an_event_counts_once_for_its_source():
    for source in ("one", "one", "two"):
        record(source=source, event_id="7")
    assert AddressError.objects.count() == 2
    assert QuarantineEntry.objects.get().error_count == 2


# ------------------------------------------------------------------- release (Q5, Q6)
@pytest.mark.parametrize(("reason", "days"), [("refused", 10), ("mailbox_full", 30)])
def test_cleaning_up_releases_erroneous_addresses_whose_time_is_over(reason, days):
    profile_with("a@x.example")
    record(type="soft", reason=reason)
    record("b@x.example", "hard", reason=reason)
    assert quarantine.clean_up(AT + days * DAY - HOUR) == 0
    assert quarantine.clean_up(AT + days * DAY) == 1
    assert (status_of(), copies(), status_of("b@x.example")) == (
        "valid",
        ["valid"],
        "quarantine",
    )
    assert list(verify_quarantine()) == []


def test_a_success_releases_an_erroneous_address_and_no_other():
    for name, type in (("a@x.example", "soft"), ("b@x.example", "hard")):
        profile_with(name)
        record(name, type)
        delivered(name, AT + HOUR)
    assert (copies("a@x.example"), copies("b@x.example")) == (["valid"], ["quarantine"])
    assert record(type="soft", at=AT + DAY).error_count == 1


def test_a_deleted_entry_is_gone_and_its_evidence_counts_no_more():
    profile_with("a@x.example")
    quarantine.delete(record(), source="test", actor="anna")
    assert (status_of(), copies(), AddressError.objects.count()) == (
        "none",
        ["valid"],
        1,
    )
    assert list(verify_quarantine()) == []


def test_bulk_release_frees_the_outage_and_reports_what_stays():
    record("only@x.example", text="Outage at X")
    record("also@x.example", text="outage")
    record("also@x.example", at=AT - DAY, text="user unknown")
    record("late@x.example", at=AT + DAY, text="outage")
    record("other@x.example", text="user unknown")
    quarantine.set_status("email", "set@x.example", "quarantine", source="test")
    record("set@x.example", text="outage")
    record("soft@x.example", "soft", text="outage")
    for dry_run in (True, False):
        done = quarantine.release_matching(
            "OUTAGE", AT, AT + HOUR, source="test", dry_run=dry_run
        )
        assert {key for _c, key in done.released} == {
            "only@x.example",
            "soft@x.example",
        }
        assert {key for _c, key in done.kept} == {"also@x.example", "set@x.example"}
        assert status_of("only@x.example") == ("quarantine" if dry_run else "valid")
    for name in ("also", "late", "other", "set"):
        assert status_of(f"{name}@x.example") == "quarantine"
    assert list(verify_quarantine()) == []


@pytest.mark.parametrize(
    "shift", [timedelta(microseconds=1), -timedelta(microseconds=1)]
)
def test_the_period_of_a_bulk_release_includes_both_ends(shift):
    record(text="outage")
    assert not quarantine.release_matching(
        "outage", AT + abs(shift), AT + DAY, source="t"
    ).released
    assert not quarantine.release_matching(
        "outage", AT - DAY, AT - abs(shift), source="t"
    ).released
    assert quarantine.release_matching("outage", AT, AT, source="t").released


# ------------------------------------------------------------------------------- files
def exported() -> list[list[str]]:
    stream = io.StringIO()
    call_command("export_quarantine", stdout=stream)
    return list(csv.reader(io.StringIO(stream.getvalue())))


def import_text(tmp_path, text: str, **options):
    file = tmp_path / "list.csv"
    file.write_text(text)
    reading, rejects = open_file(file), []
    counts = Import(
        file=reading,
        importer=files.QuarantineImporter(reading, source="test"),
        on_chunk=lambda chunk, counts: rejects.extend(chunk.rejects),
        **options,
    ).run()
    return counts, rejects


def test_an_export_brings_equal_entries_into_an_empty_database(tmp_path):
    record("hard@x.example", text='=5+5, "no"\nsecond line')
    record("+31612345678", channel="sms", reason="stop")
    record("Straat 1, Breda", "soft", channel="direct_mail", reason="mailbox_full")
    record("token", channel="push", at=AT + timedelta(microseconds=5))
    record("gone@x.example", "ignored")
    names = [field.name for field in QuarantineEntry._meta.fields if field.name != "id"]
    before = list(QuarantineEntry.objects.order_by("key").values(*names))
    stream = io.StringIO()
    call_command("export_quarantine", stdout=stream)
    QuarantineEntry.objects.all().delete()
    AddressError.objects.all().delete()
    imported = import_text(tmp_path, stream.getvalue())
    assert imported == ({"changed": 4, "unchanged": 0, "rejected": 0}, [])
    assert list(QuarantineEntry.objects.order_by("key").values(*names)) == before
    assert import_text(tmp_path, stream.getvalue())[0]["changed"] == 0
    assert list(verify_quarantine()) == []


def test_a_file_never_lowers_a_status_and_says_how_many_it_left(tmp_path):
    record(reason="complaint")
    record("b@x.example", "soft")
    text = "channel,address,status\nemail,a@x.example,quarantine\nemail,b@x.example,quarantine\n"
    one_each = {"changed": 1, "unchanged": 1, "rejected": 0}
    assert import_text(tmp_path, text, preview=True)[0] == one_each
    assert status_of("b@x.example") == "erroneous"
    assert import_text(tmp_path, text)[0] == one_each
    assert (status_of(), status_of("b@x.example")) == ("denylisted", "quarantine")


@pytest.mark.parametrize("order", [1, -1])
def test_of_several_rows_for_one_address_the_gravest_counts(tmp_path, order):
    rows = ["email,A@x.example,denylisted", "email,a@x.example,erroneous"][::order]
    import_text(tmp_path, "\n".join(["channel,address,status", *rows]))
    assert status_of() == "denylisted"


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ("fx,a@x.example,,,,,,,", "channel"),
        ("email,nobody,,,,,,,", "address"),
        ("email,a@x.example,valid,,,,,,", "status"),
        ("email,a@x.example,odd,,,,,,", "status"),
        ("email,a@x.example,,odd,,,,,", "reason"),
        ("email,a@x.example,,,odd,,,,", "type"),
        ("email,a@x.example,,,,,-1,,", "error_count"),
        ("email,a@x.example,,,,,,today,", "first_error_at"),
        ("email,a@x.example,,,,,,,2026-13-01", "last_error_at"),
        ("email,a@x.example,,,,,,,9999-12-31T23:00-05:00", "last_error_at"),
        ("email,a@x.example,,,,nul\0,,,", "text"),
    ],
)
def test_a_broken_row_is_rejected_and_the_others_are_done(tmp_path, row, field):
    header = ",".join(files.COLUMNS)
    _counts, [reject] = import_text(
        tmp_path, f"{header}\n{row}\nemail,ok@x.example,,,,,,,\n"
    )
    problem = reject.problem
    assert (reject.line, problem.field, bool(problem.reason)) == (2, field, True)
    assert status_of("ok@x.example") == "quarantine"


# ------------------------------------------------------------------------ verification
@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE delivery_quarantineentry SET status = 'valid'",
        "UPDATE delivery_quarantineentry SET text = 'other'",
        "UPDATE delivery_quarantineentry SET error_count = 9",
        "UPDATE audiences_address SET quarantine_status = 'valid' WHERE is_valid",
        "UPDATE audiences_address SET quarantine_status = 'denylisted'",
        "DELETE FROM delivery_quarantineentry",
        "DELETE FROM delivery_quarantineentry WHERE key = 'nobody@x.example'",
        "DELETE FROM delivery_quarantineentry WHERE key = 'set@x.example'",
        "DELETE FROM delivery_addresserror",
    ],
)
def test_verify_finds_what_was_changed_behind_its_back(tampering):
    profile_with("a@x.example")
    record()
    record("nobody@x.example")
    quarantine.set_status("email", "set@x.example", "denylisted", source="test")
    assert list(verify_quarantine()) == []
    with connection.cursor() as cursor:
        cursor.execute(tampering)
    assert list(verify_quarantine()) != []


# ------------------------------------------------------------------- many at once
def test_bulk_functions_ask_as_often_for_many_rows_as_for_few(tmp_path):
    def count(act) -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            act()
        return len(queries)

    counts = {}
    for many in (3, 60):
        names = [f"p{n}@{many}.example" for n in range(many)]
        for name in names:
            profile_with(name)
        text = "channel,address\n" + "".join(f"email,{name}\n" for name in names)
        counts[many] = [count(lambda text=text: import_text(tmp_path, text))]
        for name in names:
            record(f"o{name}", text=f"outage {many}")
            record(f"s{name}", "soft")
        counts[many] += [
            count(
                lambda m=many: quarantine.release_matching(
                    f"outage {m}", AT, AT, source="t"
                )
            ),
            count(lambda: list(verify_quarantine())),
            count(lambda: quarantine.clean_up(AT + 99 * DAY)),
        ]
    assert counts[3] == counts[60]


def in_threads(*acts) -> None:
    failures: list[BaseException] = []

    def run(act) -> None:
        try:
            act()
        except BaseException as failure:
            failures.append(failure)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert failures == []


@only_postgresql
@pytest.mark.usefixtures("transactional_db")
def test_errors_from_eight_threads_are_all_counted():
    profile_with("a@x.example")
    in_threads(*(lambda n=n: record(type="soft", at=AT + n * DAY) for n in range(8)))
    entry = QuarantineEntry.objects.get()
    assert (entry.status, entry.error_count, copies()) == (
        "quarantine",
        8,
        ["quarantine"],
    )


@only_postgresql
@pytest.mark.usefixtures("transactional_db")
def test_one_event_from_eight_threads_counts_once():
    in_threads(*(lambda: record(event_id="7") for _ in range(8)))
    assert (
        QuarantineEntry.objects.get().error_count == AddressError.objects.count() == 1
    )


@only_postgresql
@pytest.mark.usefixtures("transactional_db")
@pytest.mark.parametrize("first", ["attach", "record"])
def test_an_address_attached_while_it_is_quarantined_gets_the_status(first):
    profile = Profile.objects.create()
    acts = {
        "attach": lambda: addresses.attach(profile, "email", "a@x.example"),
        "record": record,
    }
    [other] = set(acts) - {first}
    with transaction.atomic():
        acts[first]()
        in_threads(acts[other])
    assert copies() == ["quarantine"]
    assert profiles.find("a@x.example") == profile
