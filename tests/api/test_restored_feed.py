"""After a restore into another server: what the former one wrote comes first, once."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from audiences import consent, endpoints, feed
from audiences.consent import Origin, guards
from audiences.feed import Position, restored
from audiences.models import ConsentEvent, Figure, Happening, Profile
from delivery import quarantine
from tests.people import person

from .conftest import Program

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        connection.vendor != "postgresql",
        reason="SQLite's clock is in the file that is restored",
    ),
]
BY = Origin(source="operator", note="asked")
AHEAD = 1_000_000_000


def act(who: Profile) -> None:
    change = consent.opt_in if who.no_longer_contact_email else consent.opt_out
    change(who, "email", BY)
    who.refresh_from_db()


def block(name: str) -> None:
    quarantine.set_status("email", name, "quarantine", source="operator")


def restore() -> None:
    """As if all rows came from a server whose counter was far ahead of this one's."""
    guards.remove()
    for model in (ConsentEvent, Happening):
        model._default_manager.update(transaction_id=F("transaction_id") + AHEAD)
    guards.install()


@pytest.fixture
def ann() -> Profile:
    return person()


def told(since: Position, limit: int = 2) -> list[str]:
    """The ids of all pages from a place on."""
    found: list[str] = []
    while True:
        page = feed.read(since, limit)
        found += [change.id for change in page.changes]
        since = page.position
        if page.is_last:
            return found


def test_all_of_it_is_there_from_the_beginning_in_the_order_in_which_it_happened(
    ann: Profile,
) -> None:
    for name in ("a@example.org", "b@example.org"):
        act(ann)
        block(name)
    former = told(Position())
    history = [text for text in former if text[0] == "c"]
    beside = [text for text in former if text[0] == "h"]
    restore()
    act(ann)
    block("c@example.org")
    for limit in (1, 2, 100):
        found = told(Position(), limit)
        assert found[:4] == history + beside
        assert len(found) == len({*found}) == 6


def test_nothing_of_it_comes_again_when_the_counter_has_come_so_far(
    ann: Profile,
) -> None:
    """Else an opt-in of years ago would be told after the opt-out of today."""
    act(ann)
    block("a@example.org")
    restore()
    assert len(told(Position())) == 2
    act(ann)
    place = feed.present()
    # The counter of this server goes on until it is beyond theirs.
    guards.remove()
    for model in (ConsentEvent, Happening):
        theirs = model._default_manager.filter(transaction_id__gt=AHEAD)
        theirs.update(transaction_id=place.transaction + 1)
    guards.install()
    block("b@example.org")
    assert [text[0] for text in told(place)] == ["h"]
    assert len(told(Position())) == 4
    data: Any = Figure.objects.get(name=restored.NAME).data
    assert data["history"] < ConsentEvent.objects.latest("pk").pk


def test_an_endpoint_is_told_again_what_happened_before_the_restore(
    ann: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    told_to = endpoints.create("https://a.example.org/", ["consent.opted_out"]).endpoint
    act(ann)
    restore()
    monkeypatch.setattr(endpoints.queue.jobs, "wake", lambda *facts: None)
    assert endpoints.queue.take_in(told_to) == 0, "old places are of no use"
    endpoints.replay(told_to, since=timezone.now() - timedelta(hours=1))
    told_to.refresh_from_db()
    assert endpoints.queue.take_in(told_to) == 1


def test_a_moment_before_the_restore_has_little_before_it(ann: Profile) -> None:
    old, late = timedelta(days=9), timedelta(hours=1)
    for ago in (old, old, late):
        act(ann)
        block(f"{ConsentEvent.objects.count()}@example.org")
        guards.remove()
        at = timezone.now() - ago
        for model, name in ((ConsentEvent, "recorded_at"), (Happening, "at")):
            newest = model._default_manager.order_by("-pk")[:1].values("pk")
            model._default_manager.filter(pk__in=newest).update(**{name: at})
        guards.install()
    restore()
    since = feed.before(timezone.now() - timedelta(days=1))
    found = feed.read(since, 10).changes
    assert sum(change.id[0] == "c" for change in found) == 1


def test_a_cursor_of_the_former_server_is_refused_and_a_new_one_is_not(
    ann: Profile, shop: Program
) -> None:
    act(ann)
    former = feed.read(Position(), 10).position
    restore()
    place = f"{former.transaction + AHEAD}.0.1"
    assert shop.get(f"changes?since={place}").status_code == 422
    cursor = shop.get("changes").data["cursor"]
    act(ann)
    assert len(shop.get(f"changes?since={cursor}").data["items"]) == 1


def test_what_a_transaction_itself_has_written_came_with_no_backup(
    ann: Profile,
) -> None:
    with transaction.atomic():
        act(ann)
        assert restored.floors() == restored.Floors()
    assert not Figure.objects.filter(name=restored.NAME).exists()
