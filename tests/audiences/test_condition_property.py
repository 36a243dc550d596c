"""Random trees on random people mean what a slow reading of them in Python says."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings, strategies as st
from hypothesis.extra.django import TestCase

from audiences import conditions, fields, membership, tags
from audiences.channels import Channel
from audiences.conditions import Moment, Span
from audiences.fields.values import write_values
from audiences.models import (
    Address,
    Audience,
    AudienceMember,
    Profile,
    Service,
    Subscription,
    Tag,
)
from delivery import deliveries
from delivery.models import Delivery, Message
from tests.examples import examples
from tests.people import is_, tree

OWN = {
    "size": "number", "member": "date", "colour": "choice", "town": "text",
    "vip": "yes_no",
}  # fmt: skip
NOW = datetime(2026, 5, 10, 12, tzinfo=UTC)
DAYS = (0, 1, 2, 8, 30)
TEXTS = ("nl", "NL", "n", "nl%", "é", "_")
CHANNELS = ("email", "sms")
DOMAINS = ("a.example", "b.example")
STATUSES = ("valid", "quarantine", "denylisted")
SERVICE_STATUSES = ("active", "pending", "unsubscribed", "expired")


def moments() -> st.SearchStrategy[datetime]:
    """Some of them exactly where a condition begins or ends."""
    return st.sampled_from([NOW - timedelta(days=days) for days in DAYS])


def dates() -> st.SearchStrategy[dict[str, Any]]:
    text = moments().map(datetime.isoformat)
    return st.fixed_dictionaries(
        {},
        optional={
            "before": text,
            "after": text,
            "in_last_days": st.sampled_from([1, 2, 8]),
            "more_than_days_ago": st.sampled_from([1, 2, 8]),
            "more_than_months_ago": st.sampled_from([1, 2]),
        },
    )


def kind(
    node: str, dates: Any = None, /, **keys: Any
) -> st.SearchStrategy[dict[str, Any]]:
    """A node with these keys; those in a set may be left out."""
    needed = {k: v for k, v in keys.items() if not isinstance(v, set)}
    optional = {k: next(iter(v)) for k, v in keys.items() if isinstance(v, set)}
    own = st.fixed_dictionaries({"node": st.just(node), **needed}, optional=optional)
    if dates is None:
        return own
    return st.builds(lambda keys, more: {**keys, **more}, own, dates)


def texts() -> st.SearchStrategy[dict[str, Any]]:
    name = st.sampled_from(["external_id", "first_name", "language"])
    text = st.sampled_from(TEXTS)
    return st.one_of(
        kind(
            "profile", field=name, operator=st.sampled_from(["is_empty", "is_filled"])
        ),
        kind(
            "profile",
            field=name,
            operator=st.sampled_from(["is", "is_not", "starts_with"]),
            value=text,
        ),
        kind(
            "profile",
            field=name,
            operator=st.sampled_from(["in", "not_in"]),
            value=st.lists(text, min_size=1, max_size=3),
        ),
    )


# What may be compared in an own field of each type, and what people have there.
SIZES = ("38", "38.5", "42", "-1")
DAYS_OF_MEMBERS = ("2026-05-10", "2026-05-09", "2026-04-10", "2026-05-11", "2024-02-29")
COLOURS = ("Red", "Blue")
_HOLLOW = st.sampled_from(["is_empty", "is_filled"])


def owns() -> st.SearchStrategy[dict[str, Any]]:
    """Conditions on own fields of every type."""
    found = []
    for slug, values, operators in (
        ("size", SIZES, ["is", "is_not", "less_than", "more_than"]),
        ("member", DAYS_OF_MEMBERS, ["is", "is_not", "before", "after"]),
        ("colour", COLOURS, ["is", "is_not"]),
        ("town", TEXTS, ["is", "is_not", "starts_with"]),
        ("vip", ("yes", "no"), ["is", "is_not"]),
    ):
        of_field, one = st.just(slug), st.sampled_from(values)
        several = st.lists(one, min_size=1, max_size=3)
        found += [
            kind("own_field", field=of_field, operator=_HOLLOW),
            kind(
                "own_field", field=of_field, operator=st.sampled_from(operators),
                value=one,
            ),
        ]  # fmt: skip
        if slug in ("colour", "town"):
            lists = st.sampled_from(["in", "not_in"])
            found.append(
                kind("own_field", field=of_field, operator=lists, value=several)
            )
        if slug in ("size", "member"):
            found.append(
                kind(
                    "own_field", field=of_field, operator=st.just("between"),
                    value=one, to=one,
                )
            )  # fmt: skip
    relative = ["in_last_days", "in_next_days", "more_than_days_ago"]
    months = ["more_than_months_ago"]
    found.append(
        kind(
            "own_field", field=st.just("member"),
            operator=st.sampled_from(relative + months), value=st.sampled_from([1, 2, 30]),
        )
    )  # fmt: skip
    return st.one_of(found)


LEAVES_AS_THEY_ARE = st.one_of(
    texts(),
    owns(),
    kind("tag", tag=st.sampled_from(["one", "two"])),
    kind("created", dates().filter(bool)),
    kind("opted_out", channel=st.sampled_from(["any", *CHANNELS])),
    kind(
        "address",
        channel=st.sampled_from(CHANNELS),
        valid={st.booleans()},
        status={st.sampled_from(STATUSES)},
        domain={st.sampled_from(DOMAINS)},
    ),
    kind(
        "subscription",
        dates(),
        service=st.sampled_from(["one", "two"]),
        status={st.sampled_from(SERVICE_STATUSES)},
    ),
    kind(
        "message",
        dates(),
        channel={st.sampled_from(CHANNELS)},
        delivery={st.sampled_from(["D email", "D sms", "D other"])},
        at_least={st.integers(1, 3)},
    ),
    kind(
        "audience", name=st.sampled_from(["everyone", "listed", "service:one", "some"])
    ),
)
LEAVES = st.builds(
    lambda leaf, more: {**leaf, **more},
    LEAVES_AS_THEY_ARE,
    st.sampled_from([{}, {}, {"negated": False}, {"negated": True}]),
)
TREES = st.recursive(
    LEAVES,
    lambda below: st.one_of(
        kind("not", of=below),
        kind("all", of=st.lists(below, min_size=1, max_size=3)),
        kind("any", of=st.lists(below, min_size=1, max_size=3)),
    ),
    max_leaves=8,
)
PEOPLE = st.lists(
    st.fixed_dictionaries(
        {
            "external_id": st.one_of(st.none(), st.sampled_from(TEXTS)),
            "first_name": st.sampled_from(["", *TEXTS]),
            "language": st.sampled_from(["", *TEXTS]),
            "created_at": moments(),
            "no_longer_contact": st.booleans(),
            "no_longer_contact_email": st.booleans(),
            "addresses": st.lists(
                st.tuples(
                    st.sampled_from(CHANNELS),
                    st.booleans(),
                    st.sampled_from(DOMAINS),
                    st.sampled_from(STATUSES),
                ),
                max_size=2,
                unique_by=lambda given: given[0],
            ),
            "subscriptions": st.lists(
                st.tuples(
                    st.sampled_from(["one", "two"]),
                    st.sampled_from(SERVICE_STATUSES),
                    moments(),
                    st.one_of(st.none(), moments(), st.just(NOW + timedelta(days=1))),
                ),
                max_size=2,
                unique_by=lambda given: given[0],
            ),
            "messages": st.lists(
                st.tuples(st.sampled_from(["D email", "D sms", "D other"]), moments()),
                max_size=3,
                unique_by=lambda given: given[0],
            ),
            "listed": st.booleans(),
            "own": st.fixed_dictionaries(
                {},
                optional={
                    "size": st.sampled_from(SIZES),
                    "member": st.sampled_from(DAYS_OF_MEMBERS),
                    "colour": st.sampled_from(COLOURS),
                    "town": st.sampled_from(TEXTS),
                    "vip": st.sampled_from(["yes", "no"]),
                },
            ),
            "tags": st.sets(st.sampled_from(["one", "two"])).map(sorted),
        }
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda given: given["external_id"] or object(),
)


# ------------------------------------------------------------------ the slow reading
def dated(data: Any, at: datetime) -> bool:
    if "before" in data and not at < datetime.fromisoformat(data["before"]):
        return False
    if "after" in data and not at >= datetime.fromisoformat(data["after"]):
        return False
    if days := data.get("more_than_days_ago"):
        return at < NOW - timedelta(days=days) and dated(_without(data, days), at)
    if months := data.get("more_than_months_ago"):
        here = NOW.astimezone(timezone.get_current_timezone())
        start = here.replace(month=here.month - months)
        if not at < start:
            return False
    days = data.get("in_last_days")
    return days is None or at > NOW - timedelta(days=days)


def _without(data: Any, days: int) -> Any:
    return {k: v for k, v in data.items() if k != "more_than_days_ago"}


def own_of(data: Any, facts: Any) -> bool:
    given, operator = facts["own"].get(data["field"]), data["operator"]
    if operator in ("is_empty", "is_filled"):
        return (given is None) == (operator == "is_empty")
    if operator in ("is_not", "not_in"):
        turned = {"is_not": "is", "not_in": "in"}[operator]
        return not own_of({**data, "operator": turned}, facts)
    if given is None:
        return False
    read: Any = {"size": Decimal, "member": date.fromisoformat}
    read = read.get(data["field"], str)
    has, today = read(given), timezone.localdate(NOW)
    if operator == "in":
        return given in data["value"]
    if operator == "starts_with":
        return str(given).startswith(data["value"])
    if data["field"] == "member" and isinstance(data["value"], int):
        number = data["value"]
        days = timedelta(days=number)
        return {
            "in_last_days": lambda: today - days < has <= today,
            "in_next_days": lambda: today <= has < today + days,
            "more_than_days_ago": lambda: has < today - days,
            "more_than_months_ago": lambda: has < month_before(today, number),
        }[operator]()
    value = read(data["value"])
    return {
        "is": lambda: has == value,
        "less_than": lambda: has < value,
        "before": lambda: has < value,
        "more_than": lambda: has > value,
        "after": lambda: has >= value,
        "between": lambda: value <= has <= read(data["to"]),
    }[operator]()


def month_before(day: date, number: int) -> date:
    for _month in range(number):
        last = day.replace(day=1) - timedelta(days=1)
        day = last.replace(day=min(last.day, day.day))
    return day


def text_of(data: Any, facts: Any) -> bool:
    has, value = facts[data["field"]] or "", data.get("value")
    return {
        "is": lambda: has == value,
        "is_not": lambda: has != value,
        "in": lambda: has in value,
        "not_in": lambda: has not in value,
        "starts_with": lambda: has.startswith(value),
        "is_empty": lambda: not has,
        "is_filled": lambda: bool(has),
    }[data["operator"]]()


def address_of(data: Any, facts: Any) -> bool:
    return any(
        channel == data["channel"]
        and data.get("valid", valid) == valid
        and data.get("status", status) == status
        and data.get("domain", domain) == domain
        for channel, valid, domain, status in facts["addresses"]
    )


def subscription_of(data: Any, facts: Any) -> bool:
    wanted = data.get("status", "active")
    return any(
        service == data["service"]
        and status == wanted
        and (wanted != "active" or expires is None or expires > NOW)
        and dated(data, since)
        for service, status, since, expires in facts["subscriptions"]
    )


def message_of(data: Any, facts: Any) -> bool:
    channels = {"D email": "email", "D sms": "sms", "D other": "email"}
    found = [
        label
        for label, at in facts["messages"]
        if data.get("channel", channels[label]) == channels[label]
        and data.get("delivery", label) == label
        and dated(data, at)
    ]
    return len(found) >= data.get("at_least", 1)


def audience_of(data: Any, facts: Any) -> bool:
    return {
        "everyone": lambda: True,
        "listed": lambda: facts["listed"],
        "service:one": lambda: subscription_of({"service": "one"}, facts),
        "some": lambda: facts["language"] == "nl",
    }[data["name"]]()


READING = {
    "all": lambda data, facts: all(meets(child, facts) for child in data["of"]),
    "any": lambda data, facts: any(meets(child, facts) for child in data["of"]),
    "not": lambda data, facts: not meets(data["of"], facts),
    "profile": text_of,
    "own_field": own_of,
    "tag": lambda data, facts: data["tag"] in facts["tags"],
    "created": lambda data, facts: dated(data, facts["created_at"]),
    "opted_out": lambda data, facts: {
        "any": facts["no_longer_contact"],
        "email": facts["no_longer_contact_email"],
        "sms": False,
    }[data["channel"]],
    "address": address_of,
    "subscription": subscription_of,
    "message": message_of,
    "audience": audience_of,
}


def meets(data: Any, facts: Any) -> bool:
    return bool(READING[data["node"]](data, facts)) != data.get("negated", False)


# ------------------------------------------------------------------ the world
def fill(people: list[Any]) -> dict[int, Any]:
    made: dict[int, Any] = {}
    services = {s.slug: s for s in Service.objects.all()}
    sent = {d.label: d for d in Delivery.objects.all()}
    listed = Audience.objects.get(name="listed")
    of_slug = {field.slug: field for field in fields.all_fields()}
    tags_by_slug = dict(Tag.objects.values_list("slug", "pk"))
    values: dict[tuple[int, int], Any] = {}
    on: dict[int, list[int]] = {}
    for number, facts in enumerate(people):
        own = {
            k: v
            for k, v in facts.items()
            if not isinstance(v, list | dict) and k != "listed"
        }
        profile = Profile.objects.create(**own)
        made[profile.pk] = facts
        for channel, valid, domain, status in facts["addresses"]:
            key = f"p{number}@{domain}"
            Address.objects.create(
                profile=profile, channel=channel, value=key, key=key, is_primary=True,
                is_valid=valid, quarantine_status=status,
            )  # fmt: skip
        for slug, status, since, expires in facts["subscriptions"]:
            Subscription.objects.create(
                profile=profile, service=services[slug], status=status,
                changed_at=since, expires_at=expires,
            )  # fmt: skip
        for label, at in facts["messages"]:
            Message.objects.create(
                delivery=sent[label], profile=profile, channel=sent[label].channel,
                address="x", sent_at=at,
            )  # fmt: skip
        values |= {
            (of_slug[slug].pk, profile.pk): fields.read_value(of_slug[slug], text)
            for slug, text in facts["own"].items()
        }
        on[profile.pk] = [tags_by_slug[slug] for slug in facts["tags"]]
        if facts["listed"]:
            AudienceMember.objects.create(audience=listed, profile=profile)
    write_values(values, {field.pk: field for field in of_slug.values()})
    tags.write_tags(on)
    return made


class ConditionProperty(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        for slug in ("one", "two"):
            Service.objects.create(slug=slug, label=slug, channel="email")
        for label, type_ in OWN.items():
            choices = COLOURS if type_ == "choice" else ()
            fields.create_field(label, type_, choices=choices)
        tags.ensure(["one", "two"])
        membership.everyone()
        membership.subscribers(Service.objects.get(slug="one"))
        membership.list_of("listed", [])
        membership.create_with_condition("some", tree(is_("language", "nl")))
        for label, channel in (("email", "email"), ("sms", "sms"), ("other", "email")):
            deliveries.create(f"D {label}", channel=channel)

    @settings(
        max_examples=examples(75),
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(PEOPLE, st.lists(TREES, min_size=4, max_size=4))
    def test_a_random_tree_means_what_python_reads_in_it(
        self, people: list[Any], trees: list[Any]
    ) -> None:
        made = fill(people)
        for data in trees:
            conditions.validate(tree(data))
            expected = {pk for pk, facts in made.items() if meets(data, facts)}
            q = conditions.to_q(tree(data), Moment(NOW))
            found = set(Profile.objects.filter(q).values_list("pk", flat=True))
            assert found == expected, data
            near = (min(made), min(made) + 1)
            q_near = conditions.to_q(tree(data), Moment(NOW, span=Span(*near)))
            rows = Profile.objects.filter(q_near, pk__range=near)
            assert set(rows.values_list("pk", flat=True)) == expected & {*near}, data
            others = set(Profile.objects.filter(~q).values_list("pk", flat=True))
            assert others == set(made) - expected, data


@pytest.mark.django_db
def test_the_slow_reading_knows_every_node_and_channel() -> None:
    assert set(READING) == {node.name for node in conditions.nodes()}
    assert set(CHANNELS) < set(Channel.values)
    assert timezone.is_aware(NOW)
