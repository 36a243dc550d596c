"""Some people asked by the thousand: the same as a look at each of them.

Predicates of every shape that a rule may have, also of rules of other apps.
"""

from datetime import timedelta
from functools import cache

import pytest
from django.db.models import BooleanField, Case, Q, Value, When
from django.utils import timezone

from audiences import subscriptions
from audiences.conditions import Span
from audiences.membership import Members
from audiences.models import Address, Profile, Service, Subscription
from audiences.sql.many import CompiledAmong
from delivery.rules.judgement import Judge
from delivery.rules.rule import Rule, Situation
from delivery.rules.some_people import Causes, PrimaryAddresses

from .worlds import give, person, subscribed

pytestmark = pytest.mark.django_db

ADDRESS, SUBSCRIPTION = "main_address", "subscription"
PREDICATES = [
    Q(main_address__isnull=True),
    Q(main_address__isnull=False),
    ~Q(main_address__isnull=True),
    Q(main_address__is_valid=False),
    ~Q(main_address__is_valid=False),
    Q(main_address__key__startswith="person1"),
    Q(main_address__is_valid=False) | Q(main_address__key__contains="shop"),
    Q(main_address__is_valid=True) | Q(country="NL"),
    Q(main_address__is_valid=True) & Q(main_address__is_suppressed=False),
    Q(main_address__transaction_id__isnull=True),
    Q(Q(main_address__is_valid=True), Q(main_address__key="") | Q(country="NL")),
    Q(subscription__isnull=True),
    Q(subscription__isnull=False),
    ~Q(subscription__isnull=True),
    Q(subscription__expires_at__isnull=False),
    Q(subscription__expires_at__isnull=True),
    Q(subscription__status="active"),
    ~Q(subscription__status="active"),
    Q(subscription__isnull=True) | Q(main_address__isnull=True),
    Q(subscription__isnull=True, country="NL"),
    Q(country="NL"),
    ~Q(country="NL"),
    Q(country="NL") | Q(no_longer_contact=True),
    Q(no_longer_contact_email=True),
    Q(no_longer_contact=True) | Q(no_longer_contact_sms=True),
    ~(Q(no_longer_contact=True) | Q(no_longer_contact_sms=True)),
    Q(pk__in=[]),
    Q(pk__in=[1, 2, 3]),
]


def _rows() -> list[Q]:
    """What only a database that is there can say."""
    foreign = Address.objects.exclude(channel="email")
    return [
        Q(pk__in=foreign.values("profile_id")),
        ~Q(pk__in=foreign.values("profile_id")),
        Q(pk__in=foreign.order_by("-pk").values("profile_id")[:1]),
        Q(pk__in=foreign.values("profile_id")) | Q(country="NL"),
        Q(pk__in=Profile.objects.filter(country="NL").values("pk")),
        Q(pk__in=Subscription.objects.none().values("profile_id")),
    ]


@pytest.fixture
def judge() -> Judge:
    """People of every sort, and a judge of any of them."""
    service = subscriptions.create_service("news", label="News", channel="email")
    out = ["", "", "any", "email", "sms"]
    for number in range(30):
        profile = person(
            f"person{number % 15}@shop.example" if number % 4 else "",
            f"other{number}@shop.example" if number % 5 == 1 else "",
            out=out[number % 5],
        )
        if number % 7 == 3:
            give(profile, "email", "no at sign", primary=True)
        if number % 6 == 2:
            give(profile, "sms", f"+316123456{number:02}")
        _subscribe(profile, service, number)
        Profile.objects.filter(pk=profile.pk).update(country="NL" if number % 3 else "")
    ids = CompiledAmong.numbers
    situation = Situation(
        channel="email",
        purpose="marketing",
        service_id=service.pk,
        at=timezone.now(),
        span=Span(CompiledAmong.low, CompiledAmong.high, ids),
    )
    return Judge(Members.everyone(), situation, [], {})


def _subscribe(profile: Profile, service: Service, number: int) -> None:
    days = timedelta(days=number % 3 - 1)
    match number % 4:
        case 0:
            subscribed(profile, service)
        case 1:
            subscribed(profile, service, expires_at=timezone.now() + days)
        case 2:
            subscribed(profile, service, "unsubscribed")


@cache
def _rule(code: str, is_indexed: bool) -> Rule:
    return Rule(code, "", lambda situation: None, is_indexed=is_indexed)


def _looked_at(judge: Judge, predicates: list[Q]) -> dict[int, set[str]]:
    """Each person looked at by itself, with the names that rules use."""
    span = Span(0, Profile.objects.latest("pk").pk)
    found: dict[int, set[str]] = {}
    for number, predicate in enumerate(predicates):
        case = Case(
            When(predicate, then=Value(True)),
            default=Value(False),
            output_field=BooleanField(),
        )
        rows = judge.given(span=span).named(Profile.objects.all())
        for pk, met in rows.values_list("pk", case):
            found.setdefault(pk, set()).update([str(number)] if met else [])
    return found


@pytest.mark.parametrize("is_indexed", [False, True], ids=["each", "indexed"])
def test_some_people_are_judged_as_each_would_be(
    judge: Judge, is_indexed: bool
) -> None:
    predicates = PREDICATES + _rows()
    rules = [(_rule(str(n), is_indexed), q) for n, q in enumerate(predicates)]
    if is_indexed:
        # An index knows nothing of the names.
        rules = [(r, q) for r, q in rules if "_address" not in str(q)]
        rules = [(r, q) for r, q in rules if "subscription" not in str(q)]
    expected = _looked_at(judge, predicates)
    judged = {rule.code for rule, _predicate in rules}
    primary = PrimaryAddresses(judge, rules)
    causes = Causes(judge, primary.left)
    ids = {*expected, 0, -5}

    people = primary.of(ids)
    found = {pk: set(codes) for pk, (codes, _key) in people.items()}
    for pk, codes in causes.of(ids).items():
        if pk in found:
            found[pk] |= codes

    assert found == {pk: codes & judged for pk, codes in expected.items()}


def test_the_key_is_that_of_the_primary_address(judge: Judge) -> None:
    primary = PrimaryAddresses(judge, [])
    rows = Address.objects.filter(channel="email", is_primary=True)
    keys = dict(rows.values_list("profile_id", "key"))
    ids = set(Profile.objects.values_list("pk", flat=True))

    assert {pk: key for pk, (_codes, key) in primary.of(ids).items()} == {
        pk: keys.get(pk, "") for pk in ids
    }
