"""Right before the hand-over every rule is asked once more, against present rows."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audiences import consent, membership, privacy, subscriptions, suppression
from audiences.models import Address, Profile
from audiences.suppression import Entry, Reason
from delivery import analysis
from delivery.models import Delivery, Outcome
from delivery.rules import writing
from delivery.sending.last_check import LastCheck
from tests.people import ago, got, is_, tree

from .worlds import ORIGIN, block, delivery_of, give, person

pytestmark = pytest.mark.django_db


@pytest.fixture
def delivery() -> Delivery:
    """A delivery of a service, with a filtering and a fatigue rule, analysed."""
    service = subscriptions.create_service("weekly", label="Weekly", channel="email")
    for number in range(4):
        subscriptions.subscribe(person(f"{number}@shop.example"), service, ORIGIN)
    writing.create_filtering_rule("french", condition=tree(is_("language", "fr")))
    writing.create_fatigue_rule("two", maximum=2, period_days=7)
    typology = writing.create_typology("usual", rules=["french", "two"])
    delivery = delivery_of(
        service=service,
        typology=typology,
        audience=lambda: membership.subscribers(service),
    )
    assert analysis.analyse(delivery).to_deliver == 4
    return delivery


def targets(delivery: Delivery) -> list[int]:
    rows = Outcome.objects.filter(delivery=delivery, rule__isnull=True)
    return list(rows.order_by("profile_id").values_list("profile_id", flat=True))


def test_nobody_is_excluded_when_nothing_has_changed(delivery: Delivery) -> None:
    ids = targets(delivery)
    assert LastCheck(delivery).excluded(ids[0], ids[-1]) == {}
    assert LastCheck(delivery).excluded(ids[-1] + 1, ids[-1] + 9) == {}


def _two_messages(profile: Profile) -> None:
    got(profile, ago(1), "one")
    got(profile, ago(2), "two")


def _unsubscribe(profile: Profile) -> None:
    service = profile.subscriptions.get().service
    subscriptions.unsubscribe(profile, service, ORIGIN)


def _stale_copy(profile: Profile) -> None:
    """The entry says quarantine while the copy beside the address is out of date."""
    block("email", profile.addresses.get().key, "quarantine")
    Address.objects.update(quarantine_status="valid")


def _suppressed(profile: Profile) -> None:
    key = profile.addresses.get().key
    suppression.suppress([Entry("email", key, "any", Reason.BY_HAND)])


def _stale_suppression(profile: Profile) -> None:
    """The list has the address while the copy beside it is out of date."""
    _suppressed(profile)
    Address.objects.update(is_suppressed=False)


CHANGES: dict[str, tuple[Callable[[Profile], object], str]] = {
    "opted out": (lambda p: consent.opt_out(p, "email", ORIGIN), "denylist_channel"),
    "of all": (lambda p: consent.opt_out(p, "any", ORIGIN), "denylist_any_channel"),
    "complained": (
        lambda p: block("email", p.addresses.get().key, "denylisted"),
        "address_denylisted",
    ),
    "stale copy": (_stale_copy, "address_quarantined"),
    "suppressed": (_suppressed, "suppressed"),
    "suppressed, stale copy": (_stale_suppression, "suppressed"),
    "unsubscribed": (_unsubscribe, "left_audience"),
    "new address": (
        lambda p: give(p, "email", "new@shop.example", primary=True),
        "address_changed",
    ),
    "no address": (lambda p: p.addresses.all().delete(), "address_missing"),
    "french": (
        lambda p: Profile.objects.filter(pk=p.pk).update(language="fr"),
        "filter:french",
    ),
    "messages": (_two_messages, "fatigue:two"),
    "erased": (privacy.erase, "left_audience"),
}


@pytest.mark.parametrize(("change", "cause"), CHANGES.values(), ids=CHANGES)
def test_who_changed_since_the_analysis_is_excluded(
    delivery: Delivery, change: Callable[[Profile], object], cause: str
) -> None:
    ids = targets(delivery)
    change(Profile.objects.get(pk=ids[1]))
    assert LastCheck(delivery).excluded(ids[0], ids[-1]) == {ids[1]: cause}
    assert LastCheck(delivery).excluded(ids[0], ids[0]) == {}
    far = ids[-1] + 1000
    assert LastCheck(delivery).excluded(1, far) == {ids[1]: cause}


def test_the_statements_do_not_grow_with_the_profiles(delivery: Delivery) -> None:
    counts = []
    ids = targets(delivery)
    for last in (ids[0], ids[-1]):
        with CaptureQueriesContext(connection) as queries:
            LastCheck(delivery).excluded(ids[0], last)
        counts.append(len(queries))
    assert counts[0] == counts[1]
