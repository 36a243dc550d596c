"""Typologies: which rules judge a delivery, in which order, and who may change them."""

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db.models import Q

from audiences.conditions import BadCondition
from audiences.models import Profile
from audiences.refusals import Refused
from delivery import analysis, deliveries
from delivery.models import Delivery, Typology, TypologyRule
from delivery.rules import (
    DUPLICATE,
    Rule,
    register,
    rows_of,
    rules_of,
    typologies,
    writing,
)
from delivery.rules.rule import RULES
from tests.people import ago, causes, got, is_, person, tree

pytestmark = pytest.mark.django_db
NATIVE = [
    "address_missing",
    "address_invalid",
    "suppressed",
    "denylist_any_channel",
    "denylist_channel",
    "paused",
    "address_denylisted",
    "address_quarantined",
    "not_subscribed",
]


def filtering(slug: str, value: str, field: str = "language") -> TypologyRule:
    return writing.create_filtering_rule(slug, condition=tree(is_(field, value)))


def fatigue(slug: str = "weekly", maximum: int = 1) -> TypologyRule:
    return writing.create_fatigue_rule(slug, maximum=maximum, period_days=7)


def delivery_with(*rules: str, label: str = "News") -> Delivery:
    typology = writing.create_typology(f"for-{label}", rules=rules)
    return deliveries.create(label, channel="email", typology=typology)


def codes(delivery: Delivery) -> list[str]:
    return [rule.code for rule in rules_of(delivery.typology)]


def test_a_delivery_without_a_typology_has_the_default_one() -> None:
    default = Typology.objects.get(is_default=True)
    assert default.slug == "default"
    delivery = deliveries.create("News", channel="email")
    assert delivery.typology is None
    assert writing.default_typology() == default
    assert codes(delivery) == [*NATIVE, "own_limit", "duplicate_address"]
    controls = [rule.code for rule in rows_of(delivery.typology)]
    assert controls == [
        "control:unsubscribe_link",
        "control:known_fields",
        "control:sms_length",
        "control:https_links",
        "control:postal_address",
    ]


def test_a_new_default_takes_the_place_of_the_old_one() -> None:
    filtering("dutch", "nl")
    writing.create_typology("ours", rules=["dutch"], is_default=True)
    assert [t.slug for t in Typology.objects.filter(is_default=True)] == ["ours"]
    delivery = deliveries.create("News", channel="email")
    assert "filter:dutch" in codes(delivery)


def test_a_default_that_was_deleted_comes_back() -> None:
    Typology.objects.all().delete()
    delivery = deliveries.create("News", channel="email")
    assert codes(delivery) == [*NATIVE, "own_limit", "duplicate_address"]
    assert Typology.objects.get().is_default


def test_filtering_decides_before_fatigue_before_duplicates_whatever_the_order() -> (
    None
):
    filtering("nl", "nl")
    filtering("be", "BE", "country")
    fatigue("one")
    fatigue("two", maximum=2)
    delivery = delivery_with("two", "be", "one", "nl")
    assert codes(delivery) == [
        *NATIVE, "filter:be", "filter:nl", "own_limit", "fatigue:two", "fatigue:one", "duplicate_address",
    ]  # fmt: skip
    people = {
        name: person(email=email, language=language, country=country)
        for name, email, language, country in (
            ("all of it", "a@shop.example", "nl", "BE"),
            ("language", "b@shop.example", "nl", "NL"),
            ("pressure", "c@shop.example", "en", "NL"),
            ("keeper", "d@shop.example", "en", "NL"),
            ("twin", "d@shop.example", "en", "NL"),
            ("opted out", "e@shop.example", "nl", "BE"),
        )
    }
    Profile.objects.filter(pk=people["opted out"].pk).update(no_longer_contact=True)
    for name in ("all of it", "language", "pressure"):
        got(people[name], ago(1))
    got(people["pressure"], ago(1), "Past 2")
    found = causes(delivery)
    assert {name: found[profile.pk] for name, profile in people.items()} == {
        "all of it": "filter:be",
        "language": "filter:nl",
        "pressure": "fatigue:two",
        "keeper": None,
        "twin": "duplicate_address",
        "opted out": "denylist_any_channel",
    }
    explained = analysis.explain(delivery, people["all of it"])
    assert [rule.code for rule in explained.matching] == [
        "filter:be",
        "filter:nl",
        "fatigue:one",
    ]


def test_an_excluded_twin_leaves_the_address_to_the_other() -> None:
    filtering("dutch", "nl")
    first = person(email="a@shop.example", language="nl")
    second = person(email="A@Shop.example", language="en")
    assert causes(delivery_with("dutch")) == {
        first.pk: "filter:dutch",
        second.pk: None,
    }


def test_a_rule_that_is_switched_off_judges_nothing() -> None:
    rule = filtering("dutch", "nl")
    profile = person(email="a@shop.example", language="nl")
    delivery = delivery_with("dutch")
    assert causes(delivery) == {profile.pk: "filter:dutch"}
    TypologyRule.objects.filter(pk=rule.pk).update(is_active=False)
    assert causes(delivery) == {profile.pk: None}
    assert "filter:dutch" not in codes(delivery)


def test_the_report_names_each_rule_with_its_count_also_zero() -> None:
    filtering("dutch", "nl")
    filtering("belgian", "BE", "country")
    person(email="a@shop.example", language="nl")
    report = analysis.analyse(delivery_with("dutch", "belgian"))
    lines = {line.code: (line.label, line.count) for line in report.causes}
    assert lines["filter:dutch"] == ("language is Dutch", 1)
    assert lines["filter:belgian"] == ("country is Belgium", 0)
    assert list(lines) == [
        *NATIVE,
        "filter:dutch",
        "filter:belgian",
        "own_limit",
        "duplicate_address",
    ]


@pytest.mark.parametrize(
    "slug", ["", "a b", "é", "a:b", "a/b", "a\n", "a\x00", "x" * 101]
)
def test_a_malformed_slug_is_refused(slug: str) -> None:
    with pytest.raises((Refused, ValidationError)):
        filtering(slug, "nl")
    with pytest.raises((Refused, ValidationError)):
        writing.create_typology(slug, rules=[])
    assert not TypologyRule.objects.filter(kind="filtering").exists()
    assert Typology.objects.count() == 1


def test_a_slug_is_taken_once_for_each_kind() -> None:
    filtering("x", "nl")
    with pytest.raises(Refused, match="already a rule 'filter:x'"):
        filtering("x", "en")
    fatigue("x")
    writing.create_typology("t", rules=[])
    with pytest.raises(Refused, match="already a typology 't'"):
        writing.create_typology("t", rules=[])
    with pytest.raises(Refused, match="names several rules: filter:x, fatigue:x"):
        writing.create_typology("u", rules=["x"])
    writing.create_typology("u", rules=["fatigue:x", "filter:x", "fatigue:x"])
    assert codes(Delivery(typology=typologies.find("u")))[-4:-1] == [
        "filter:x",
        "own_limit",
        "fatigue:x",
    ]


def test_an_unknown_rule_typology_or_check_is_refused_with_what_there_is() -> None:
    with pytest.raises(Refused, match=r"no rule 'x'.*control:content_present"):
        writing.create_typology("t", rules=["x"])
    with pytest.raises(Refused, match="no rule 'address_missing'"):
        writing.create_typology("t", rules=["address_missing"])
    with pytest.raises(Refused, match=r"no typology 'x'\. There are: default"):
        typologies.find("x")
    with pytest.raises(Refused, match=r"no check 'x'\. There are: content_present"):
        writing.create_control_rule("c", check="x", severity="error")
    with pytest.raises(ValidationError):
        writing.create_control_rule("c", check="known_fields", severity="fatal")
    with pytest.raises(BadCondition, match=r"condition\.field"):
        filtering("x", "nl", field="email")
    assert not Typology.objects.filter(slug="t").exists()


# ------------------------------------------------------------------ kept in step
def test_keeping_in_step_never_overwrites_what_an_operator_changed() -> None:
    TypologyRule.objects.filter(code="control:https_links").update(
        label="Our own words", severity="error", is_active=False
    )
    writing.set_rules(Typology.objects.get(), [filtering("dutch", "nl")])
    Typology.objects.update(label="Ours", slug="ours")
    before = list(TypologyRule.objects.values()), list(Typology.objects.values())
    writing.keep_in_step()
    assert (
        list(TypologyRule.objects.values()),
        list(Typology.objects.values()),
    ) == before
    assert codes(Delivery())[-3] == "filter:dutch"


def test_keeping_in_step_restores_what_is_missing() -> None:
    TypologyRule.objects.filter(code="address_missing").update(label="Old words")
    Typology.objects.all().delete()
    TypologyRule.objects.filter(kind="control").delete()
    writing.keep_in_step()
    row = TypologyRule.objects.get(code="address_missing")
    assert row.label == "Address missing"
    assert len(rows_of(None)) == 5


# ------------------------------------------------------------------ a third app's rule
@pytest.fixture
def minors() -> Iterator[Rule]:
    rule = register(
        Rule(
            "test:minor",
            "A minor",
            lambda situation: Q(last_name="Minor"),
            skipped_by=frozenset({"legal"}),
            about="is a minor",
        )
    )
    yield rule
    del RULES[rule.code]


def test_a_rule_of_a_third_app_judges_explains_and_is_shown(minors: Rule) -> None:
    writing.keep_in_step()
    minor = person(email="a@shop.example", last_name="Minor", language="nl")
    filtering("dutch", "nl")
    delivery = delivery_with("dutch")
    assert codes(delivery)[-4:-1] == ["test:minor", "filter:dutch", "own_limit"]
    assert causes(delivery) == {minor.pk: "test:minor"}
    legal = deliveries.create(
        "Notice", channel="email", purpose="legal", purpose_note="the law"
    )
    assert causes(legal) == {minor.pk: None}
    shown = json.loads(run("show_rules", "--json"))["rules"]
    assert {"code": "test:minor", "label": "A minor", "about": "is a minor", "skipped_by": ["legal"]} in shown  # fmt: skip


def test_a_code_is_registered_once(minors: Rule) -> None:
    for rule in (minors, DUPLICATE):
        with pytest.raises(ValueError, match="is registered already"):
            register(rule)


# ------------------------------------------------------------------ the commands
def run(*arguments: Any) -> str:
    out = StringIO()
    call_command(*map(str, arguments), stdout=out, stderr=StringIO())
    return out.getvalue().strip()


@pytest.fixture
def condition(tmp_path: Path) -> Path:
    path = tmp_path / "condition.json"
    path.write_text(json.dumps(tree(is_("language", "nl"))))
    return path


def test_rules_and_typologies_are_made_from_the_shell(condition: Path) -> None:
    made = [
        run("create_rule", "dutch", "--kind", "filtering", "--condition", condition),
        run("create_rule", "two", "--kind", "fatigue", "--max", 2, "--days", 7, "--channel", "sms", "--profile-limit"),
        run("create_rule", "safe", "--kind", "control", "--check", "https_links", "--severity", "error"),
        run("create_typology", "strict", "--rules", "dutch,two", "control:safe"),
        run("create_typology", "bare", "--default"),
    ]  # fmt: skip
    assert made == [
        "filter:dutch: language is Dutch",
        "fatigue:two: More than 2 in 7 days, SMS",
        "control:safe: Links are https",
        "strict: filter:dutch, fatigue:two, control:safe",
        "bare: native rules only",
    ]
    rule = TypologyRule.objects.get(code="fatigue:two")
    assert (rule.maximum, rule.period_days, rule.channel) == (2, 7, "sms")
    assert rule.uses_profile_limit
    pk = run(
        "create_delivery", "--label", "N", "--channel", "email", "--typology", "strict"
    )
    assert "filter:dutch" in codes(deliveries.find(pk))
    assert Typology.objects.get(is_default=True).slug == "bare"
    assert "fatigue:two" in run("show_rules", "--typology", "strict")
    assert "fatigue:two" not in run("show_rules")


@pytest.mark.parametrize(
    ("arguments", "message", "returncode"),
    [
        (["a", "--kind", "filtering"], "filtering needs --condition", 2),
        (["a", "--kind", "fatigue", "--max", "1"], "fatigue needs --days", 2),
        (["a", "--kind", "control"], "control needs --check", 2),
        (["a", "--kind", "fatigue", "--max", "0", "--days", "7"], "0 does not", 1),
        (["a", "--kind", "fatigue", "--max", "1", "--days", "0"], "0 does not", 1),
        (["a", "--kind", "fatigue", "--max", "-1", "--days", "7"], "0 does not", 1),
        (["a", "--kind", "fatigue", "--max", "99999", "--days", "7"], "The most", 1),
        (["a b", "--kind", "fatigue", "--max", "1", "--days", "7"], "not a slug", 1),
        (["x" * 99, "--kind", "fatigue", "--max", "1", "--days", "7"], "100", 1),
        (["a", "--kind", "control", "--check", "https_links", "--label", "x" * 151], "150", 1),
    ],
)  # fmt: skip
def test_create_rule_says_what_is_wrong(
    arguments: list[str], message: str, returncode: int
) -> None:
    with pytest.raises(CommandError, match=message) as caught:
        run("create_rule", *arguments)
    assert caught.value.returncode == returncode


def test_create_typology_says_what_is_wrong() -> None:
    for arguments, message in (
        (["t", "--rules", "nothing"], "There is no rule 'nothing'"),
        (["default"], "already a typology 'default'"),
        (["x" * 51], "50"),
        (["t", "--label", "x" * 151], "150"),
    ):
        with pytest.raises(CommandError, match=message):
            run("create_typology", *arguments)
    assert [t.slug for t in Typology.objects.all()] == ["default"]
