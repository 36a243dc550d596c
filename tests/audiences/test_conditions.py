"""Condition trees: what they mean, how they read, and what is refused and why."""

import json
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from audiences import conditions, fields, membership, tags
from audiences.conditions import BadCondition, Moment
from audiences.conditions.text_nodes import TEXT_FIELDS, TEXT_OPERATORS
from audiences.fields.building import OPERATORS
from audiences.models import Audience, Profile, Service
from audiences.refusals import Refused
from delivery import deliveries, quarantine
from tests.people import ago, got, is_, person, subscribed, tree

pytestmark = pytest.mark.django_db
LONG_AGO, MAY = "2020-01-01", "2026-05-01"


def node(kind: str, /, **keys: Any) -> dict[str, Any]:
    return {"node": kind, **keys}


def profile(field: str, operator: str, *value: Any) -> dict[str, Any]:
    keys = {"value": value[0]} if value else {}
    return node("profile", field=field, operator=operator, **keys)


def own(field: str, operator: str, *value: Any, **keys: Any) -> dict[str, Any]:
    keys |= {"value": value[0]} if value else {}
    return node("own_field", field=field, operator=operator, **keys)


def not_(of: Any) -> dict[str, Any]:
    return node("not", of=of)


def all_(*of: Any) -> dict[str, Any]:
    return node("all", of=list(of))


def any_(*of: Any) -> dict[str, Any]:
    return node("any", of=list(of))


@pytest.fixture
def world() -> dict[int, str]:
    """Five people, named by a letter."""
    weekly = Service.objects.create(slug="weekly", label="Weekly", channel="email")
    alerts = Service.objects.create(slug="alerts", label="Alerts", channel="sms")
    ann = person(
        external_id="C1", first_name="Ann", language="nl", country="NL",
        email="ann@shop.example", sms="+31612345678",
    )  # fmt: skip
    bob = person(
        external_id="c2", first_name="bob", language="nl-BE", country="BE",
        email="bob@mail.example", out="email",
    )  # fmt: skip
    cas = person(first_name="Ca%s", language="en", email="not an address", out="any")
    dee = person(external_id="C10", last_name="O'Hara_", language="NL", country="NL")
    eve = person(first_name="É", email="eve@shop.example", push="Token1")
    Profile.objects.filter(pk=bob.pk).update(created_at=ago(400))
    Profile.objects.filter(pk=cas.pk).update(created_at="2026-05-01T00:00:00Z")
    subscribed(ann, weekly, since=ago(100))
    subscribed(bob, weekly, status="unsubscribed", since=ago(5))
    subscribed(cas, weekly, expires_at=ago(1))
    subscribed(dee, weekly, status="pending")
    subscribed(eve, weekly, status="expired")
    subscribed(eve, alerts, since=ago(5), expires_at=ago(-9))
    quarantine.set_status("email", "eve@shop.example", "quarantine", source="operator")
    got(ann, ago(3), "Past")
    got(ann, ago(20), "Older")
    got(bob, ago(20), "Older")
    got(eve, ago(3), "Texts", channel="sms")
    membership.list_of("vips", [ann.pk, dee.pk])
    membership.everyone()
    membership.subscribers(weekly)
    membership.create_with_condition("dutch", tree(profile("language", "is", "nl")))
    own_fields(ann, bob, cas, dee, eve)
    people = zip("ABCDE", (ann, bob, cas, dee, eve), strict=True)
    return {row.pk: letter for letter, row in people}


def own_fields(
    ann: Profile, bob: Profile, cas: Profile, dee: Profile, eve: Profile
) -> None:
    made = {
        "size": fields.create_field("Size", "number"),
        "member": fields.create_field("Member", "date"),
        "colour": fields.create_field("Colour", "choice", choices=["Red", "Blue"]),
        "town": fields.create_field("Town", "text"),
        "vip": fields.create_field("VIP", "yes_no"),
    }
    given: list[tuple[Profile, str, str]] = [
        (ann, "size", "42"), (bob, "size", "38.5"),
        (ann, "member", timezone.localdate(ago(20)).isoformat()),
        (cas, "member", "2026-04-30"), (dee, "member", "2026-05-01"),
        (ann, "colour", "Red"), (eve, "colour", "Blue"),
        (bob, "town", "Den Haag"), (cas, "vip", "no"), (eve, "vip", "yes"),
    ]  # fmt: skip
    for profile_, slug, text in given:
        field = made[slug]
        fields.set_values(profile_, {field: fields.read_value(field, text)})
    tags.ensure(["Runner", "nobody"])
    tags.set_tags(ann, ["runner"])
    tags.set_tags(bob, ["RUNNER"])


def who(world: dict[int, str], data: Any) -> str:
    """The letters of those who meet a node; saved, loaded and said on the way."""
    whole = tree(data)
    conditions.validate(whole)
    loaded = json.loads(json.dumps(whole))
    assert conditions.sentence(loaded)
    found = Profile.objects.filter(conditions.to_q(loaded, Moment(timezone.now())))
    return "".join(sorted(world[pk] for pk in found.values_list("pk", flat=True)))


MEANINGS: list[tuple[Any, str]] = [
    (profile("language", "is", "nl"), "A"),
    (profile("language", "is_not", "nl"), "BCDE"),
    (profile("language", "in", ["nl", "en", "xx"]), "AC"),
    (profile("language", "starts_with", "nl"), "AB"),
    (profile("language", "starts_with", "NL"), "D"),
    (profile("language", "is_empty"), "E"),
    (profile("language", "is_filled"), "ABCD"),
    (profile("country", "is", "NL"), "AD"),
    (profile("first_name", "is", "É"), "E"),
    (profile("first_name", "is", "é"), ""),
    (profile("first_name", "starts_with", "Ca%"), "C"),
    (profile("first_name", "starts_with", "A%"), ""),
    (profile("last_name", "is", "O'Hara_"), "D"),
    (profile("last_name", "starts_with", "O'Har__"), ""),
    # An external id that is not known is empty, and is not any other.
    (profile("external_id", "is", "C1"), "A"),
    (profile("external_id", "is_not", "C1"), "BCDE"),
    (profile("external_id", "in", ["C1", "c2"]), "AB"),
    (profile("external_id", "starts_with", "C1"), "AD"),
    (profile("external_id", "starts_with", "C"), "AD"),
    (profile("external_id", "is_empty"), "CE"),
    (profile("external_id", "is_filled"), "ABD"),
    (not_(profile("external_id", "is", "C1")), "BCDE"),
    (not_(profile("external_id", "is_not", "C1")), "A"),
    (not_(not_(profile("external_id", "is", "C1"))), "A"),
    (not_(profile("external_id", "in", ["C1", "c2"])), "CDE"),
    (not_(profile("external_id", "starts_with", "C")), "BCE"),
    (not_(not_(profile("external_id", "starts_with", "C"))), "AD"),
    (not_(profile("external_id", "is_empty")), "ABD"),
    (not_(profile("external_id", "is_filled")), "CE"),
    (not_(any_(profile("external_id", "is", "C1"), is_("language", "en"))), "BDE"),
    (not_(all_(profile("external_id", "is_not", "C1"), is_("language", "en"))), "ABDE"),
    (profile("external_id", "not_in", ["C1", "c2"]), "CDE"),
    (not_(profile("external_id", "not_in", ["C1", "c2"])), "AB"),
    (node("profile", field="language", operator="is", value="nl", negated=True), "BCDE"),
    # Dates: `after` includes its own moment, `before` does not.
    (node("created", before=MAY), "B"),
    (node("created", after=MAY), "ACDE"),
    (node("created", after="2026-05-01T00:00:01Z"), "ADE"),
    (node("created", before="2026-05-01T02:00:01+02:00"), "BC"),
    (node("created", after=MAY, before="2026-05-02"), "C"),
    (node("created", in_last_days=1), "ADE"),
    (node("created", in_last_days=401), "ABCDE"),
    (node("created", after=LONG_AGO, in_last_days=1), "ADE"),
    (node("created", more_than_days_ago=399), "B"),
    (node("created", more_than_days_ago=401), ""),
    (node("created", more_than_months_ago=12), "B"),
    (node("created", more_than_months_ago=14), ""),
    (node("created", before=MAY, negated=True), "ACDE"),
    (node("created", before=MAY, negated=False), "B"),
    # Flags are independent of each other.
    (node("opted_out", channel="any"), "C"),
    (node("opted_out", channel="email"), "B"),
    (node("opted_out", channel="sms"), ""),
    (not_(node("opted_out", channel="email")), "ACDE"),
    (node("opted_out", channel="email", negated=True), "ACDE"),
    # Primary addresses.
    (node("address", channel="email"), "ABCE"),
    (not_(node("address", channel="email")), "D"),
    (node("address", channel="email", valid=True), "ABE"),
    (node("address", channel="email", valid=False), "C"),
    (node("address", channel="email", status="quarantine"), "E"),
    (node("address", channel="email", status="valid"), "ABC"),
    (node("address", channel="email", domain="SHOP.example"), "AE"),
    (node("address", channel="email", domain="shop.example", status="valid"), "A"),
    (node("address", channel="email", domain="p.example"), ""),
    (node("address", channel="email", domain="%"), ""),
    (node("address", channel="sms"), "A"),
    (node("address", channel="push"), "E"),
    (node("address", channel="fax"), ""),
    (node("address", channel="email", valid=True, negated=True), "CD"),
    # Services: active means not past its validity.
    (node("subscription", service="weekly"), "A"),
    (node("subscription", service="weekly", status="active"), "A"),
    (node("subscription", service="weekly", status="unsubscribed"), "B"),
    (node("subscription", service="weekly", status="pending"), "D"),
    (node("subscription", service="weekly", status="expired"), "E"),
    (not_(node("subscription", service="weekly")), "BCDE"),
    (node("subscription", service="alerts"), "E"),
    (node("subscription", service="weekly", in_last_days=30), ""),
    (node("subscription", service="alerts", in_last_days=30), "E"),
    (node("subscription", service="weekly", before="2100-01-01"), "A"),
    (node("subscription", service="weekly", after="2100-01-01"), ""),
    (node("subscription", service="weekly", negated=True), "BCDE"),
    (node("subscription", service="weekly", more_than_days_ago=90), "A"),
    (node("subscription", service="weekly", more_than_months_ago=4), ""),
    # Messages.
    (node("message"), "ABE"),
    (not_(node("message")), "CD"),
    (node("message", channel="email"), "AB"),
    (node("message", channel="fax"), ""),
    (node("message", delivery="Older"), "AB"),
    (node("message", delivery="Older", channel="sms"), ""),
    (node("message", in_last_days=7), "AE"),
    (node("message", at_least=2), "A"),
    (node("message", at_least=3), ""),
    (node("message", at_least=2, in_last_days=7), ""),
    (not_(node("message", at_least=2)), "BCDE"),
    (node("message", before=LONG_AGO), ""),
    (node("message", after=LONG_AGO), "ABE"),
    (node("message", negated=True), "CD"),
    (node("message", more_than_days_ago=10), "AB"),
    (node("message", more_than_months_ago=1), ""),
    (node("message", in_last_days=7, negated=True), "BCD"),
    # Own fields; who has nothing there is nothing else either.
    (own("size", "is", "42"), "A"),
    (own("size", "is", 42), "A"),
    (own("size", "is_not", "42"), "BCDE"),
    (own("size", "less_than", "42"), "B"),
    (own("size", "more_than", "38,5"), "A"),
    (own("size", "between", "38.5", to="42"), "AB"),
    (own("size", "is_empty"), "CDE"),
    (own("size", "is_filled"), "AB"),
    (own("size", "is", "42", negated=True), "BCDE"),
    (own("member", "before", "2026-05-01"), "C"),
    (own("member", "after", "2026-05-01"), "AD"),
    (own("member", "is", "01-05-2026"), "D"),
    (own("member", "between", "2026-04-30", to="2026-05-01"), "CD"),
    (own("member", "in_last_days", 30), "A"),
    (own("member", "in_last_days", 10), ""),
    (own("member", "in_next_days", 30), ""),
    (own("member", "more_than_days_ago", "10"), "ACD"),
    (own("member", "more_than_months_ago", "2"), "CD"),
    (own("colour", "is", "Red"), "A"),
    (own("colour", "in", ["Red", "Blue"]), "AE"),
    (own("colour", "not_in", ["Red", "Blue"]), "BCD"),
    (own("town", "starts_with", "Den "), "B"),
    (own("town", "starts_with", "den"), ""),
    (own("vip", "is", "yes"), "E"),
    (own("vip", "is", False), "C"),
    (not_(own("vip", "is", "no")), "ABDE"),
    # Tags.
    (node("tag", tag="runner"), "AB"),
    (node("tag", tag="runner", negated=True), "CDE"),
    (node("tag", tag="nobody"), ""),
    # Audiences, taken in and left out.
    (node("audience", name="vips"), "AD"),
    (not_(node("audience", name="vips")), "BCE"),
    (node("audience", name="vips", negated=True), "BCE"),
    (node("audience", name="everyone"), "ABCDE"),
    (not_(node("audience", name="everyone")), ""),
    (node("audience", name="service:weekly"), "A"),
    (not_(node("audience", name="service:weekly")), "BCDE"),
    (node("audience", name="dutch"), "A"),
    (all_(node("audience", name="vips"), not_(node("audience", name="dutch"))), "D"),
    # And, or, not.
    (all_(is_("language", "nl")), "A"),
    (any_(is_("language", "nl")), "A"),
    (all_(is_("country", "NL"), is_("language", "nl")), "A"),
    (any_(is_("country", "NL"), is_("language", "en")), "ACD"),
    (all_(any_(is_("country", "NL"), node("message")), not_(is_("language", "nl"))), "BDE"),
    (not_(any_(node("message"), node("address", channel="email"))), "D"),
    (any_(not_(node("message")), node("subscription", service="weekly")), "ACD"),
    (all_(is_("language", "nl"), not_(is_("language", "nl"))), ""),
]  # fmt: skip


def test_every_node_and_operator_means_what_it_says(world: dict[int, str]) -> None:
    wrong = [
        (data, expected, found)
        for data, expected in MEANINGS
        if (found := who(world, data)) != expected
    ]
    assert wrong == []


def test_the_table_of_meanings_leaves_no_node_operator_or_key_out() -> None:
    used: dict[str, set[str]] = {}
    operators = set()
    for data, _expected in MEANINGS:
        for one in conditions.walk(tree(data)):
            used.setdefault(one["node"], set()).update(set(one) - {"node"})
            operators.add(one.get("operator"))
    assert used == {node.name: set(node.schema) for node in conditions.nodes()}
    assert operators == {None, *TEXT_OPERATORS, *OPERATORS}


def test_a_condition_is_one_query_whatever_it_says(
    world: dict[int, str], django_assert_num_queries: Any
) -> None:
    data = all_(
        node("subscription", service="weekly"),
        node("message", at_least=2, delivery="Older"),
        node("address", channel="email", domain="shop.example"),
    )
    q = conditions.to_q(tree(data), Moment(timezone.now()))
    with django_assert_num_queries(1):
        list(Profile.objects.filter(q))


# ------------------------------------------------------------------ sentences
SENTENCES: list[tuple[Any, str]] = [
    (profile("language", "is", "nl"), "language is Dutch"),
    (profile("first_name", "is_not", "Ann"), "first name is not Ann"),
    (profile("country", "in", ["NL", "BE"]), "country is one of Netherlands, Belgium"),
    (profile("last_name", "starts_with", "de "), "last name starts with de"),
    (profile("external_id", "is_empty"), "external id is empty"),
    (profile("external_id", "is_filled"), "external id is filled"),
    (node("created", after=MAY, in_last_days=3), "created after 2026-05-01 and in the last 3 days"),
    (node("opted_out", channel="any"), "opted out of any channel"),
    (node("opted_out", channel="sms"), "opted out of sms"),
    (node("address", channel="email"), "has a primary email address"),
    (
        node("address", channel="email", valid=False, status="valid", domain="x.nl"),
        "has a primary email address invalid and in quarantine as valid and at x.nl",
    ),
    (node("subscription", service="weekly", before=MAY), "subscribed to Weekly since before 2026-05-01"),
    (node("subscription", service="weekly", status="pending"), "waiting to confirm Weekly"),
    (node("subscription", service="weekly", status="unsubscribed"), "unsubscribed from Weekly"),
    (node("message"), "got a message"),
    (
        node("message", at_least=2, channel="sms", delivery="Texts", in_last_days=7),
        "got at least 2 messages by sms of Texts in the last 7 days",
    ),
    (node("message", negated=True), "never got a message"),
    (node("message", in_last_days=7, negated=True), "not got a message in the last 7 days"),
    (node("created", more_than_months_ago=6), "created more than 6 months ago"),
    (node("opted_out", channel="sms", negated=True), "not opted out of sms"),
    (own("size", "between", 38, to="42.50"), "Size is between 38 and 42.5"),
    (own("vip", "is", True), "VIP is yes"),
    (own("member", "in_next_days", "7"), "Member is in the next 7 days"),
    (own("colour", "not_in", ["Red", "Blue"]), "Colour is none of Red, Blue"),
    (own("town", "is_empty"), "Town is empty"),
    (node("tag", tag="runner"), "has the tag Runner"),
    (node("tag", tag="runner", negated=True), "has not the tag Runner"),
    (node("audience", name="vips"), "in the audience vips"),
    (all_(is_("language", "nl")), "language is Dutch"),
    (not_(is_("language", "nl")), "not language is Dutch"),
    (
        all_(is_("language", "nl"), any_(is_("country", "NL"), node("message"))),
        "(language is Dutch and (country is Netherlands or got a message))",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("data", "words"), SENTENCES)
def test_a_tree_reads_as_a_sentence(
    world: dict[int, str], data: Any, words: str
) -> None:
    conditions.validate(tree(data))
    assert conditions.sentence(tree(data)) == words


# ------------------------------------------------------------------ what is refused
def deep(levels: int) -> Any:
    data: Any = node("message")
    for _level in range(levels - 1):
        data = not_(data)
    return data


def wide(count: int) -> Any:
    """A tree of so many nodes, in three branches."""
    thirds = [(count - 4) // 3] * 2
    sizes = [*thirds, count - 4 - sum(thirds)]
    return all_(*(any_(*[node("message")] * size) for size in sizes))


REFUSED: list[tuple[Any, str]] = [
    ("nl", "condition: a node is an object"),
    ([], "condition: a node is an object"),
    (None, "condition: a node is an object"),
    ({}, "condition: a node is an object"),
    (node("sql"), "condition.node: 'sql' is not one of address, all, any, audience"),
    ({"node": 1}, "condition.node: 1 is not"),
    ({"node": True}, "condition.node: True is not"),
    ({"node": None}, "condition.node: None is not"),
    ({"node": ["all"]}, "condition.node: ['all'] is not"),
    ({"node": {"node": "all"}}, "condition.node: "),
    (node("all"), 'condition: all needs "of"'),
    (node("all", of=[]), "condition.of: it is empty"),
    (node("all", of=node("message")), "condition.of: "),
    (node("any", of=[]), "condition.of: it is empty"),
    (node("any", of=["nl"]), "condition.of[0]: a node is an object"),
    (node("not"), 'condition: not needs "of"'),
    (node("not", of=[]), "condition.of: a node is an object"),
    (node("not", of=[node("message")]), "condition.of: a node is an object"),
    (node("not", of="x"), "condition.of: a node is an object"),
    (all_(node("message"), not_(any_(node("x")))), "condition.of[1].of.of[0].node: 'x'"),
    (node("message", sql="1=1"), "condition.sql: unknown; message has channel, "),
    (profile("email", "is", "x"), "condition.field: 'email' is not one of"),
    (profile("no_longer_contact", "is", "x"), "condition.field: "),
    (profile("addresses__key", "is", "x"), "condition.field: "),
    (profile("language", "is__regex", "x"), "condition.operator: "),
    (profile("language", ["is"], "x"), "condition.operator: "),
    (profile({}, "is", "x"), "condition.field: "),
    (profile("language", "is"), "condition.value: is takes a text"),
    (profile("language", "is", ""), "condition.value: is takes a text"),
    (profile("language", "is", None), "condition.value: is takes a text"),
    (profile("language", "is", 1), "condition.value: is takes a text"),
    (profile("language", "is", True), "condition.value: is takes a text"),
    (profile("language", "is_not", ["nl"]), "condition.value: is_not takes a text"),
    (profile("language", "starts_with", {}), "condition.value: starts_with takes"),
    (profile("language", "in", "nl"), "condition.value: in takes a list"),
    (profile("language", "in", []), "condition.value: in takes a list"),
    (profile("language", "in", ["nl", 1]), "condition.value[1]: 1 is not a text"),
    (profile("language", "in", [["nl"]]), "condition.value[0]: ['nl'] is not a text"),
    (profile("language", "in", ["x"] * 1001), "condition.value: more than 1000"),
    (profile("language", "is_empty", "nl"), "condition.value: is_empty takes no value"),
    (profile("language", "is_filled", None), "condition.value: is_filled takes no"),
    (node("created"), "condition: created needs one of before, after, in_last_days"),
    (node("created", before=20260501), "condition.before: 20260501 is not a text"),
    (node("created", before="yesterday"), "condition.before: 'yesterday' is not a date"),
    (node("created", before="2026-02-30"), "condition.before: '2026-02-30' is not"),
    (node("created", after=""), "condition.after: it is empty"),
    (node("created", after="0001-01-01T00:00+14:00"), "condition.after: '0001-01-01T"),
    (node("created", in_last_days=0), "condition.in_last_days: 0 is out of range"),
    (node("created", in_last_days=-1), "condition.in_last_days: -1 is out of range"),
    (node("created", in_last_days=10**30), "condition.in_last_days: 1000"),
    (node("created", in_last_days=True), "condition.in_last_days: True is not a whole"),
    (node("created", in_last_days=1.0), "condition.in_last_days: 1.0 is not a whole"),
    (node("created", in_last_days="7"), "condition.in_last_days: '7' is not a whole"),
    (node("opted_out"), 'condition: opted_out needs "channel"'),
    (node("opted_out", channel="post"), "condition.channel: 'post' is not one of any"),
    (node("opted_out", channel=["any"]), "condition.channel: "),
    (node("address", channel="any"), "condition.channel: 'any' is not one of email"),
    (node("address", channel="email", valid=1), "condition.valid: 1 is not true or"),
    (node("address", channel="email", status="bad"), "condition.status: 'bad' is not"),
    (node("address", channel="email", domain=""), "condition.domain: it is empty"),
    (node("address", channel="email", domain="a\x00"), "condition.domain: it contains"),
    (node("subscription"), 'condition: subscription needs "service"'),
    (node("subscription", service="no"), "condition.service: there is no service 'no'"),
    (node("subscription", service="a\x00"), "condition.service: it contains a NUL"),
    (node("subscription", service="weekly", status="all"), "condition.status: 'all'"),
    (node("subscription", service="weekly", after="x"), "condition.after: 'x' is not"),
    (node("message", at_least=0), "condition.at_least: 0 is out of range"),
    (node("message", at_least=10**9), "condition.at_least: 1000000000 is out of"),
    (node("message", at_least=False), "condition.at_least: False is not a whole"),
    (node("message", channel="any"), "condition.channel: 'any' is not one of"),
    (node("message", delivery="no"), "condition.delivery: there is no delivery 'no'"),
    (node("message", after="x"), "condition.after: 'x' is not a date"),
    (node("audience"), 'condition: audience needs "name"'),
    (node("audience", name="no"), "condition.name: there is no audience 'no'"),
    (node("audience", name=1), "condition.name: 1 is not a text"),
    (own("no", "is", "1"), "condition.field: there is no own field 'no'"),
    (own("size", "starts_with", "1"), "condition.operator: a field of type number has"),
    (own("size", "is"), "condition.value: is takes a value"),
    (own("size", "is", "big"), "condition.value: 'big' is no number such as 42"),
    (own("size", "is", ["1"]), "condition.value: is takes one value"),
    (own("size", "is", {}), "condition.value: {} is not a text"),
    (own("size", "between", "1"), "condition.to: between takes a value"),
    (own("size", "is", "1", to="2"), "condition.to: only between takes it"),
    (own("size", "is_empty", "1"), "condition.value: is_empty takes no value"),
    (own("member", "before", "3/4/2026"), "condition.value: '3/4/2026' is no date"),
    (own("member", "in_last_days", "0"), "condition.value: '0' is not a whole number"),
    (own("colour", "is", "Green"), "condition.value: 'Green' is none of the choices"),
    (own("colour", "in", "Red"), "condition.value: in takes a list of values"),
    (own("vip", "is", "maybe"), "condition.value: 'maybe' is neither yes nor no"),
    (own("town", "is", "a\x00"), "condition.value: it contains a NUL"),
    (node("tag", tag="no"), "condition.tag: there is no tag 'no'"),
    (node("message", negated=1), "condition.negated: 1 is not true or false"),
    (all_(node("message"), not_(node("all", of=[node("message")], negated=True))), "condition.of[1].of.negated: unknown"),
    (profile("language", "is", "a\x00"), "condition.value: it contains a NUL"),
    (profile("language", "in", ["a", "\x00"]), "condition.value[1]: it contains a NUL"),
    (profile("language", "is", "\ud800"), "condition.value: it contains half a"),
    (profile("language", "starts_with", "x" * 60_000), "condition.value: longer than"),
    (deep(21), f"condition{'.of' * 20}: deeper than 20 nodes"),
    (deep(5000), f"condition{'.of' * 20}: deeper than 20 nodes"),
    (wide(201), "The tree has more than 200 nodes"),
    (all_(*[node("message")] * 200), "The tree has more than 200 nodes"),
]  # fmt: skip


def test_a_wrong_node_is_refused_and_named_by_its_path(world: dict[int, str]) -> None:
    wrong = []
    for data, message in REFUSED:
        try:
            conditions.validate(tree(data))
        except BadCondition as error:
            if not str(error).startswith(message):
                wrong.append((str(data)[:80], message, str(error)[:200]))
        else:
            wrong.append((str(data)[:80], message, "accepted"))
    assert wrong == []


@pytest.mark.parametrize(
    ("whole", "message"),
    [
        (None, "must be a JSON object"),
        ([], "must be a JSON object"),
        ({}, '"version" must be 1'),
        ({"version": 2, "condition": node("message")}, '"version" must be 1'),
        ({"version": "1", "condition": node("message")}, '"version" must be 1'),
        ({"version": True, "condition": node("message")}, '"version" must be 1'),
        ({"version": 1}, '"condition" is missing'),
        ({"version": 1, "condition": node("message"), "sql": ""}, "Unknown key: sql"),
        (node("message"), "around the nodes"),
    ],
)
def test_a_tree_needs_its_version_and_nothing_else(whole: Any, message: str) -> None:
    with pytest.raises(BadCondition, match=message):
        conditions.validate(whole)


def test_the_largest_tree_is_accepted_and_runs(world: dict[int, str]) -> None:
    assert who(world, deep(20)) == "CD"
    assert who(world, wide(200)) == "ABE"


def test_a_huge_tree_is_refused_before_it_is_read_to_its_end(
    world: dict[int, str], django_assert_max_num_queries: Any
) -> None:
    many = [node("audience", name="vips")] * 50_000
    with django_assert_max_num_queries(250), pytest.raises(BadCondition):
        conditions.validate(tree(any_(*many)))


HOSTILE = [
    "'; DROP TABLE audiences_profile; --",
    '" OR 1=1',
    "%s",
    "%(a)s",
    "{0}",
    "\\",
    "_%",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_sql_in_values_is_only_text(world: dict[int, str], text: str) -> None:
    for field in TEXT_FIELDS:
        for operator in ("is", "starts_with"):
            assert who(world, profile(field, operator, text)) == ""
        assert who(world, profile(field, "is_not", text)) == "ABCDE"
        assert who(world, profile(field, "in", [text])) == ""
    assert who(world, node("address", channel="email", domain=text)) == ""
    Profile.objects.filter(first_name="Ann").update(last_name=text)
    assert who(world, profile("last_name", "is", text)) == "A"
    assert who(world, profile("last_name", "starts_with", text)) == "A"


# ------------------------------------------------------------------ the JSON schema
def test_the_schema_has_every_node_with_its_keys() -> None:
    schema = conditions.json_schema()
    names = {node.name for node in conditions.nodes()}
    assert names == set(
        "address all any audience created message not opted_out own_field profile "
        "subscription tag".split()
    )
    definitions = schema["$defs"]
    assert set(definitions) == {"node", *names}
    assert [d["$ref"] for d in definitions["node"]["oneOf"]] == [
        f"#/$defs/{name}" for name in sorted(names)
    ]
    for one in conditions.nodes():
        definition = definitions[one.name]
        assert definition["properties"]["node"] == {"const": one.name}
        assert set(definition["properties"]) == {"node", *one.schema}
        assert definition["required"] == ["node", *one.required]
        assert definition["additionalProperties"] is False
    assert schema["properties"]["version"] == {"const": 1}
    operators = definitions["profile"]["properties"]["operator"]["enum"]
    assert operators == list(TEXT_OPERATORS)


def test_the_command_prints_the_schema_as_json() -> None:
    out = StringIO()
    call_command("condition_schema", stdout=out)
    assert json.loads(out.getvalue()) == json.loads(
        json.dumps(conditions.json_schema())
    )


def test_a_kind_of_node_is_registered_once() -> None:
    with pytest.raises(ValueError, match="'all' is registered already"):
        conditions.register(conditions.nodes()[1])


# ------------------------------------------------------------------ audiences
def make(name: str, inside: str) -> Audience:
    return membership.create_with_condition(name, tree(node("audience", name=inside)))


def test_an_audience_may_not_contain_itself(world: dict[int, str]) -> None:
    with pytest.raises(BadCondition, match="there is no audience 'mine'"):
        make("mine", "mine")
    with pytest.raises(BadCondition, match="contain each other: dutch → dutch"):
        membership.check_condition("dutch", tree(node("audience", name="dutch")))


def test_a_loop_over_audiences_is_refused_with_its_path(world: dict[int, str]) -> None:
    make("a", "dutch")
    make("b", "a")
    loop = tree(all_(node("message"), not_(node("audience", name="b"))))
    with pytest.raises(BadCondition, match="contain each other: dutch → b → a → dutch"):
        membership.check_condition("dutch", loop)
    # A name that is not saved yet but that others speak of already.
    Audience.objects.filter(name="dutch").delete()
    with pytest.raises(BadCondition, match="contain each other: dutch → b → a → dutch"):
        make("dutch", "b")


def test_an_audience_in_two_branches_is_no_loop(world: dict[int, str]) -> None:
    make("a", "dutch")
    twice = all_(node("audience", name="a"), node("audience", name="dutch"))
    membership.create_with_condition("twice", tree(twice))
    assert who(world, node("audience", name="twice")) == "A"


def test_a_loop_that_got_in_anyway_is_refused_at_run_time(
    world: dict[int, str],
) -> None:
    make("a", "dutch")
    loop = tree(node("audience", name="a"))
    Audience.objects.filter(name="dutch").update(condition=loop)
    dutch = membership.find_audience("dutch")
    with pytest.raises(BadCondition, match="contain each other: dutch → a → dutch"):
        list(membership.Members.of(dutch).profiles(timezone.now()))


def test_an_audience_that_was_deleted_is_named_when_its_condition_runs(
    world: dict[int, str],
) -> None:
    make("a", "dutch")
    Audience.objects.filter(name="dutch").delete()
    with pytest.raises(Refused, match="There is no audience 'dutch'"):
        list(
            membership.Members.of(membership.find_audience("a")).profiles(
                timezone.now()
            )
        )


@pytest.mark.parametrize("name", ["everyone", "service:weekly", "service:x", "list:x"])
def test_an_audience_may_not_take_a_name_that_commands_read_otherwise(
    name: str,
) -> None:
    with pytest.raises(Refused, match=f"“{name}” has a meaning already"):
        membership.create_with_condition(name, tree(is_("language", "nl")))
    assert membership.everyone().kind == Audience.Kind.EVERYONE


def run(*arguments: object) -> str:
    out = StringIO()
    call_command(*map(str, arguments), stdout=out)
    return out.getvalue().strip()


def test_create_audience_makes_one_that_deliveries_can_have(
    world: dict[int, str], tmp_path: Path
) -> None:
    file = tmp_path / "condition.json"
    condition = all_(is_("country", "NL"), not_(node("audience", name="dutch")))
    file.write_text(json.dumps(tree(condition)), encoding="utf-8-sig")
    said = run("create_audience", "other Dutch", "--condition", file)
    assert said == "other Dutch: (country is Netherlands and not in the audience dutch)"
    audience = membership.find_audience("other Dutch")
    assert [world[pk] for pk in membership.Members.of(audience).ids(timezone.now()).values_list("profile_id", flat=True)] == ["D"]  # fmt: skip
    deliveries.create("News", channel="email", audience=lambda: audience)
    with pytest.raises(CommandError, match="an audience “other Dutch” already"):
        run("create_audience", "other Dutch", "--condition", file)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Expecting value"),
        ("{", "Expecting"),
        ("[" * 100_000, "recursion"),
        ('{"version": 1, "condition": {"node": "x"}}', "condition.node: 'x'"),
        ('{"version": 1, "condition": {"node": "message", "at_least": 1e999}}', "inf"),
        ('{"version": 1, "condition": {"node": "message", "at_least": NaN}}', "nan"),
        ('{"version": ' + "9" * 5000 + "}", "digits"),
        (
            '{"version": 1, "condition": {"node": "audience", "name": "\\ud800"}}',
            "half",
        ),
    ],
)
def test_create_audience_says_what_is_wrong_with_the_file(
    tmp_path: Path, text: str, message: str
) -> None:
    file = tmp_path / "condition.json"
    file.write_text(text)
    with pytest.raises(CommandError, match=message):
        run("create_audience", "x", "--condition", file)
    with pytest.raises(CommandError, match="No such file"):
        run("create_audience", "x", "--condition", tmp_path / "absent.json")
    assert not Audience.objects.exists()


@pytest.mark.parametrize("name", ["", "x" * 201])
def test_create_audience_refuses_a_name_that_cannot_be_stored(
    tmp_path: Path, name: str
) -> None:
    file = tmp_path / "condition.json"
    file.write_text(json.dumps(tree(is_("language", "nl"))))
    with pytest.raises(CommandError):
        run("create_audience", name, "--condition", file)


def test_a_relative_date_is_judged_for_the_moment_that_is_asked(
    world: dict[int, str],
) -> None:
    condition = tree(node("message", in_last_days=7))
    for days, letters in ((0, "AE"), (3.9, "AE"), (4.1, "")):
        at = timezone.now() + timedelta(days=days)
        found = Profile.objects.filter(conditions.to_q(condition, Moment(at)))
        assert "".join(sorted(world[p.pk] for p in found)) == letters
