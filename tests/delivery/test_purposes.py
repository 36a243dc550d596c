"""The purpose of a message says which rules it skips, and why must be written down."""

import json
from collections.abc import Callable
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from audiences import privacy, wishes
from audiences.models import Profile, Service
from delivery import analysis, deliveries, quarantine
from delivery.deliveries import BadDelivery
from delivery.models import Delivery, Typology
from delivery.rules import registered_rules, rules_of, writing
from tests.factories import BY_COMMAND
from tests.people import ago, causes, got, is_, person, tree

pytestmark = pytest.mark.django_db
MARKETING, TRANSACTIONAL, LEGAL = "marketing", "transactional", "legal"
ALL = {MARKETING, TRANSACTIONAL, LEGAL}


def _blocked(status: str) -> Profile:
    profile = person(email="x@shop.example")
    quarantine.set_status("email", "x@shop.example", status, source="operator")
    return profile


def _tired() -> Profile:
    profile = person(email="x@shop.example")
    got(profile, ago(1))
    return profile


def _paused() -> Profile:
    profile = person(email="x@shop.example")
    until = timezone.now() + timedelta(days=9)
    wishes.express(profile, "email", BY_COMMAND, paused_until=until)
    return profile


def _over_own_limit() -> Profile:
    profile = person(email="x@shop.example")
    wishes.express(profile, "any", BY_COMMAND, per_month=1)
    got(profile, ago(20))  # longer ago than the rule of the typology looks
    return profile


def _suppressed() -> Profile:
    privacy.erase(person(email="x@shop.example"))
    return person(email="x@shop.example")


def _twin() -> Profile:
    person(email="x@shop.example")
    return person(email="x@shop.example")


# Somebody whom the rule excludes, and the purposes for which it does.
TABLE: dict[str, tuple[Callable[[], Profile], set[str]]] = {
    "address_missing": (person, ALL),
    "address_invalid": (lambda: person(email="no at sign"), ALL),
    "suppressed": (_suppressed, {MARKETING, TRANSACTIONAL}),
    "denylist_any_channel": (lambda: person(email="x@shop.example", out="any"), {MARKETING}),
    "denylist_channel": (lambda: person(email="x@shop.example", out="email"), {MARKETING}),
    "paused": (_paused, {MARKETING}),
    "address_denylisted": (lambda: _blocked("denylisted"), ALL),
    "address_quarantined": (lambda: _blocked("quarantine"), ALL),
    "not_subscribed": (lambda: person(email="y@shop.example"), ALL),
    "filter:dutch": (lambda: person(email="x@shop.example", language="nl"), ALL),
    "own_limit": (_over_own_limit, {MARKETING}),
    "fatigue:one": (_tired, {MARKETING}),
    "duplicate_address": (_twin, {MARKETING}),
}  # fmt: skip


@pytest.fixture
def typology() -> Typology:
    writing.create_filtering_rule("dutch", condition=tree(is_("language", "nl")))
    writing.create_fatigue_rule("one", maximum=1, period_days=7)
    return writing.create_typology("t", rules=["dutch", "one"])


def test_the_table_has_every_rule_in_order(typology: Typology) -> None:
    rules = rules_of(typology)
    assert [rule.code for rule in rules] == list(TABLE)
    assert {rule.code for rule in registered_rules()} < set(TABLE)


@pytest.mark.parametrize("purpose", sorted(ALL))
@pytest.mark.parametrize("code", TABLE)
def test_a_purpose_skips_the_rules_of_its_table(
    typology: Typology, code: str, purpose: str
) -> None:
    make, judged_for = TABLE[code]
    profile = make()
    service = None
    if code == "not_subscribed":
        service = Service.objects.create(slug="s", label="S", channel="email")
    delivery = deliveries.create(
        "News",
        channel="email",
        purpose=purpose,
        purpose_note="asked for",
        typology=typology,
        service=service,
    )
    assert causes(delivery)[profile.pk] == (code if purpose in judged_for else None)


def test_the_command_shows_the_table(typology: Typology) -> None:
    out = StringIO()
    call_command("show_rules", "--typology", "t", "--json", stdout=out)
    shown = {r["code"]: r for r in json.loads(out.getvalue())["rules"]}
    assert {code: ALL - set(row["skipped_by"]) for code, row in shown.items()} == {
        code: judged_for for code, (_make, judged_for) in TABLE.items()
    }
    assert all(row["about"] and row["label"] for row in shown.values())
    out = StringIO()
    call_command("show_rules", "--typology", "t", stdout=out)
    lines = [line for line in out.getvalue().splitlines() if "denylist_channel" in line]
    assert [line.count("skipped") for line in lines] == [2]


@pytest.mark.parametrize("purpose", [TRANSACTIONAL, LEGAL])
def test_reaching_opted_out_people_needs_a_note(purpose: str) -> None:
    for note in ("", "  "):
        with pytest.raises(BadDelivery, match="it needs a note that says why"):
            deliveries.create(
                "News", channel="email", purpose=purpose, purpose_note=note
            )
    assert not Delivery.objects.exists()
    deliveries.create("News", channel="email", purpose=purpose, purpose_note="recall")
    deliveries.create("Other", channel="email", purpose=MARKETING)


def test_an_unknown_purpose_is_refused() -> None:
    with pytest.raises(CommandError):
        call_command("create_delivery", "--label", "N", "--channel", "email", "--purpose", "x")  # fmt: skip


def report(delivery: Delivery, *options: str) -> list[str]:
    out = StringIO()
    call_command("analyse_delivery", f"id:{delivery.pk}", *options, stdout=out)
    return out.getvalue().splitlines()


@pytest.mark.parametrize("options", [[], ["--dry-run"]])
def test_the_notice_stands_on_top_of_the_report(options: list[str]) -> None:
    person(email="x@shop.example", out="any")
    legal = deliveries.create(
        "Notice", channel="email", purpose=LEGAL, purpose_note="a recall of 3 May"
    )
    lines = report(legal, *options)
    assert lines[0] == (
        "NOTE: The purpose legal reaches opted-out people too: a recall of 3 May"
    )
    assert lines[1].startswith("Notice (Email): ")
    marketing = deliveries.create("News", channel="email")
    assert report(marketing, *options)[0].startswith("News (Email): ")


def test_from_the_shell_the_note_says_who_made_it_unless_given() -> None:
    options = ["create_delivery", "--channel", "email", "--purpose", LEGAL, "--label"]
    call_command(*options, "A", stdout=StringIO())
    call_command(*options, "B", "--purpose-note", "a recall", stdout=StringIO())
    assert deliveries.find("A").purpose_note.startswith("made from the shell by ")
    assert deliveries.find("B").purpose_note == "a recall"


def test_a_legal_delivery_reaches_both_holders_of_an_address() -> None:
    twins = [person(email="x@shop.example") for _number in range(2)]
    legal = deliveries.create(
        "Notice", channel="email", purpose=LEGAL, purpose_note="recall"
    )
    assert causes(legal) == {twin.pk: None for twin in twins}
    assert analysis.dry_run(legal).to_deliver == 2
