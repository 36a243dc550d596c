"""What restricts survives the restore of a backup; nothing else comes along."""

import json
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from audiences import addresses, consent, privacy, subscriptions, suppression
from audiences.models import Address, Profile, Service, Subscription
from audiences.suppression import Entry, Lift, Reason
from delivery import deliveries, quarantine
from delivery.models import QuarantineEntry
from tests.people import ORIGIN, causes, person

pytestmark = pytest.mark.django_db
NUMBER = "+31612345678"


class Disaster:
    """The time between a backup and its restore, which loses it."""

    def __init__(self, run, file) -> None:
        self.run, self.file = run, file
        self.backup = transaction.savepoint()
        self.began = timezone.now() - timedelta(seconds=1)

    def restore(self) -> dict:
        done = self.run(
            "export_restrictions",
            "--since",
            self.began.isoformat(),
            self.file,
            "--json",
        )
        assert done.code == 0, done.err
        transaction.savepoint_rollback(self.backup)
        return self.replay()

    def replay(self, code: int = 0) -> dict:
        done = self.run("import_restrictions", self.file, "--json")
        assert done.code == code, done.err
        return json.loads(done.out)


@pytest.fixture
def people() -> dict[str, Profile]:
    return {
        name: person(external_id=name, email=f"{name}@x.example", sms=f"+3161234567{n}")
        for n, name in enumerate(
            ["out", "any", "left", "bounced", "erased", "again", "free"]
        )
    }


def test_nobody_is_back(run, people, tmp_path) -> None:
    news = subscriptions.create_service("news", label="News", channel="email")
    for profile in people.values():
        subscriptions.subscribe(profile, news, ORIGIN)
    deliveries.create("D", channel="email", service=news)
    disaster = Disaster(run, tmp_path / "restrictions")
    consent.opt_out(people["out"], "email", ORIGIN)
    addresses.attach(people["out"], "email", "second@x.example")
    consent.opt_out(people["any"], "any", ORIGIN)
    subscriptions.unsubscribe(people["left"], news, ORIGIN)
    quarantine.set_status("email", "bounced@x.example", "quarantine", source="command")
    privacy.erase(people["erased"])
    consent.opt_out(people["again"], "email", ORIGIN)
    consent.opt_in(people["again"], "email", ORIGIN)
    new = person(external_id="new", email="new@x.example", sms=NUMBER, out="email")
    late = person(
        external_id="late", email="late@x.example", sms="+31612345699", out="any"
    )
    privacy.erase(person(email="gone@x.example"))
    suppression.suppress([Entry("email", "byhand@x.example", "email", Reason.BY_HAND)])
    found = disaster.restore()
    assert found["problems"] == []
    assert found["suppressed"] == 4
    assert not Profile.objects.filter(pk__in=[new.pk, late.pk]).exists()
    assert not Profile.objects.filter(external_id="erased").exists()
    # Whoever is imported again, with whatever the files of others say.
    for name in ("erased", "new", "late", "gone", "second", "byhand"):
        subscriptions.subscribe(
            person(external_id=name, email=f"{name}@x.example"), news, ORIGIN
        )
    late_number, new_number = person(sms="+31612345699"), person(sms=NUMBER)
    ids = dict(Profile.objects.values_list("pk", "external_id"))
    found = {ids[pk]: code for pk, code in causes(deliveries.find("D")).items()}
    assert {name: found[name] for name in found if name} == {
        "out": "denylist_channel",
        "any": "denylist_any_channel",
        "left": "not_subscribed",
        "bounced": "address_quarantined",
        **dict.fromkeys(("again", "free")),
        **dict.fromkeys(("erased", "new", "late", "gone"), "suppressed"),
        **dict.fromkeys(("second", "byhand"), "suppressed"),
    }
    # Who opted out of email alone can still be texted.
    marks = [p.addresses.get().is_suppressed for p in (late_number, new_number)]
    assert marks == [True, False]
    assert run("verify_consent").code == run("verify_quarantine").code == 0


def test_a_replay_may_be_repeated_and_takes_nothing_back(run, people, tmp_path) -> None:
    disaster = Disaster(run, tmp_path / "restrictions")
    for name in ("out", "again"):
        consent.opt_out(people[name], "email", ORIGIN)
    for name in ("bounced", "free"):
        quarantine.set_status(
            "email", f"{name}@x.example", "denylisted", source="command"
        )
    suppression.suppress([Entry("sms", NUMBER, "any", Reason.BY_HAND)])
    first = disaster.restore()
    assert first["changed"] == {"opt_out": 2, "quarantine": 2, "suppression": 1}
    assert disaster.replay()["unchanged"] == 5
    # What was allowed since stays allowed.
    consent.opt_in(people["again"], "email", ORIGIN)
    quarantine.set_status("email", "free@x.example", "valid", source="command")
    suppression.lift("sms", NUMBER, Lift.CONFIRMED)
    assert disaster.replay()["unchanged"] == 5
    flags = Profile.objects.filter(external_id__in=["out", "again"]).order_by("pk")
    assert [p.no_longer_contact_email for p in flags] == [True, False]
    assert QuarantineEntry.objects.get(key="free@x.example").status == "valid"


def test_backdated_acts_are_in_the_file(run, people, tmp_path) -> None:
    disaster = Disaster(run, tmp_path / "restrictions")
    long_ago = timezone.now() - timedelta(days=400)
    consent.opt_out(people["out"], "sms", consent.Origin(source="import", at=long_ago))
    assert disaster.restore()["changed"] == {"opt_out": 1}
    event = consent.events_of(people["out"].pk)[0]
    assert (event.at, event.source, event.kind) == (long_ago, "import", "opt_out")


def test_another_who_got_the_number_is_left_alone(run, tmp_path) -> None:
    disaster = Disaster(run, tmp_path / "restrictions")
    first = person(email="first@x.example", out="email")
    erased = person(email="erased@x.example")
    number = erased.pk
    privacy.erase(erased)
    run("export_restrictions", "--since", disaster.began.isoformat(), disaster.file)
    transaction.savepoint_rollback(disaster.backup)
    others = [Profile.objects.create(pk=pk) for pk in (first.pk, number)]
    disaster.replay()
    for other in others:
        other.refresh_from_db()
        assert not other.no_longer_contact_email


LINE = {"kind": "erasure", "profile": 1, "at": "2026-01-01T00:00:00+00:00"}
PERSON = {"id": 1, "created_at": "2026-01-01T00:00:00Z", "addresses": []}
OUT = {
    "kind": "opt_out",
    "channel": "email",
    "at": LINE["at"],
    "source": "operator",
    "person": PERSON,
}


@pytest.mark.parametrize(
    ("line", "where"),
    [
        ("not json", ""),
        ([], ""),
        ({"kind": "opt_in"}, "kind"),
        ({"kind": []}, "kind"),
        ({**LINE, "at": "yesterday"}, "at"),
        ({**LINE, "at": "2026-13-01T00:00:00Z"}, "at"),
        ({**LINE, "profile": "1"}, "profile"),
        ({**LINE, "profile": True}, "profile"),
        ({"kind": "erasure", "at": LINE["at"]}, "profile"),
        ({**OUT, "channel": "pigeon"}, "channel"),
        ({**OUT, "channel": ["email"]}, "channel"),
        ({**OUT, "person": 7}, "person"),
        ({**OUT, "person": {**PERSON, "addresses": [["email"]]}}, "person"),
        ({**OUT, "person": {**PERSON, "addresses": [["email", None]]}}, "person"),
        ({**OUT, "person": {**PERSON, "id": 2**70}}, "person"),
        ({**OUT, "kind": "unsubscribe", "service": "none"}, "service"),
        ({"kind": "suppression", "channel": "any", "digest": "x" * 64, "key_id": "0" * 8, "reason": "erased", "since": LINE["at"]}, "digest"),
    ],
)  # fmt: skip
def test_a_bad_line_is_named_and_the_others_are_done(
    run, people, tmp_path, line, where
) -> None:
    out = people["out"]
    good = {**OUT, "person": {**PERSON, "id": out.pk, "external_id": "out"}}
    head = {"kind": "head", "format": "campaign restrictions", "version": 1}
    lines = [head, line, good, {"kind": "end", "lines": 2}]
    file = tmp_path / "restrictions"
    file.write_text(
        "".join(f"{x if x == 'not json' else json.dumps(x)}\n" for x in lines)
    )
    done = run("import_restrictions", file)
    assert done.code == 1
    assert f"line 2{f', {where}' if where else ''}: " in done.err
    out.refresh_from_db()
    assert out.no_longer_contact_email


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["email,no_longer_contact"],
        ['{"kind": "head", "format": "campaign restrictions", "version": 9}'],
        ['{"kind": "head", "format": "campaign restrictions", "version": 1}'],
        ['{"kind": "head", "format": "campaign restrictions", "version": 1}', json.dumps(LINE)],
        ['{"kind": "head", "format": "campaign restrictions", "version": 1}', json.dumps(LINE), '{"kind": "end", "lines": 2}'],
    ],
)  # fmt: skip
def test_another_file_or_half_of_one_is_refused_as_a_whole(
    run, tmp_path, lines
) -> None:
    file = tmp_path / "restrictions"
    file.write_text("\n".join(lines))
    assert run("import_restrictions", file).code == 1
    assert run("import_restrictions", tmp_path / "missing").code == 1


def test_suppress_and_suppressed(run) -> None:
    assert run("suppressed", "jan@x.example", "--channel=email").code == 1
    holder = person(email="jan@x.example", sms=NUMBER)
    assert (
        run("suppress", "Jan@X.example", "--channel=email", "--note=by letter").code
        == 0
    )
    done = run("suppressed", "JAN@x.example", "--channel=email", "--json")
    assert (done.code, json.loads(done.out)["entries"][0]["reason"]) == (0, "by_hand")
    assert holder.addresses.get(channel="email").is_suppressed
    assert run("suppress", "06", "--channel=email", "--note=x").code == 1
    bad = run("suppress", NUMBER, "--channel=sms", "--any", f"--note=he said {NUMBER}")
    assert (bad.code, "note has the address" in bad.err) == (1, True)
    assert run("suppress", NUMBER, "--channel=sms", "--any", "--note=letter").code == 0
    assert run("suppressed", NUMBER, "--channel=fax").code == 0
    assert run("suppressed", NUMBER, "--channel=push").code == 1


def test_erase_profile_asks_and_says_why(run) -> None:
    jan = person(external_id="J1", email="jan@x.example", out="email")
    assert run("erase_profile", "J1", "--note=request 7").code == 1
    assert Profile.objects.filter(pk=jan.pk).exists()
    assert (
        run(
            "erase_profile", "J1", "--note=request 7", "--reason=retention", "--yes"
        ).code
        == 0
    )
    assert not Profile.objects.exists()
    event = consent.events_of(jan.pk)[0]
    assert (event.kind, event.source, event.evidence.note) == (
        "erase",
        "command",
        "request 7",
    )
    assert run("suppressed", "jan@x.example", "--channel=email").code == 0
    assert run("suppressed", "jan@x.example", "--channel=sms").code == 1
    assert not Address.objects.exists()
    assert not Subscription.objects.exists()
    assert not Service.objects.exists()


def test_nobody_says_no_without_the_key_that_is_needed(settings, run) -> None:
    name = ("email", "a@x.example")
    suppression.suppress([suppression.Entry(*name, "email", "opted_out")])
    settings.SUPPRESSION_KEYS = ["another key that knows nothing of the first one"]
    done = run("suppressed", "a@x.example", "--channel=email")
    assert done.code == 2
    assert "SUPPRESSION_KEYS does not have" in done.err


@pytest.mark.own_database
@pytest.mark.one_database
def test_the_rehearsal_of_a_restore(run) -> None:
    done = run("rehearse_restore")
    assert done.code == 0, done.err
    assert "without a replay it reaches 6 again" in done.out
    assert "nobody who left is reached, and the other 30 are" in done.out
