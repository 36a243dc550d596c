"""What operators put in quarantine is taken back; what anybody else said stays."""

from collections.abc import Callable
from typing import Any

import pytest

from audiences import addresses
from audiences.models import BulkAct, Profile
from audiences.privacy import requests
from audiences.selections import bulk_acts, undoing
from audiences.selections.acts import BulkActRefused
from audiences.signals import address_stop_requested
from delivery import quarantine
from delivery.models import QuarantineAction
from delivery.quarantine.verification import verify_quarantine

pytestmark = pytest.mark.django_db


def _person(number: int, *more: str) -> Profile:
    profile = Profile.objects.create()
    for value in (f"p{number}@x.example", *more):
        addresses.attach(profile, "email", value)
    return profile


@pytest.fixture
def people() -> list[Profile]:
    return [_person(number) for number in range(4)]


def _put() -> BulkAct:
    return bulk_acts.begin("quarantine", {}, actor="eva", note="wrong list")


def _statuses(*profiles: Profile) -> list[str]:
    return [
        row.quarantine_status
        for profile in profiles
        for row in profile.addresses.order_by("pk")
    ]


def test_undo_makes_addresses_what_they_were_before(people: list[Profile]) -> None:
    soft = {"type": "soft", "reason": "refused", "source": "test"}
    quarantine.record("email", "p1@x.example", **soft)
    quarantine.set_status("email", "p2@x.example", "quarantine", source="operator")
    act = _put()
    assert (act.changed, set(_statuses(*people))) == (3, {"quarantine"})
    undone = bulk_acts.undo(act, actor="ben")
    assert (undone.state, undone.changed) == ("done", 3)
    assert _statuses(*people) == ["valid", "erroneous", "quarantine", "valid"]
    last = QuarantineAction.objects.filter(key="p0@x.example").latest("pk")
    assert (last.kind, last.actor) == ("undo", "ben")
    assert last.text.startswith("Undone: what eva did on ")
    assert list(verify_quarantine()) == []
    with pytest.raises(BulkActRefused):
        bulk_acts.undo(act, actor="ben")


def _failed(kind: str, reason: str) -> Callable[[], Any]:
    return lambda: quarantine.record(
        "email", "p0@x.example", type=kind, reason=reason, source="test"
    )


def _on_a_list() -> None:
    action = QuarantineAction(
        channel="email",
        key="p0@x.example",
        kind="raise",
        status="quarantine",
        source="import",
    )
    assert quarantine.raise_statuses([action]) == 0
    action.pk = None
    assert quarantine.raise_statuses([action]) == 0


def _stopped() -> None:
    about = {"channel": "email", "key": "p0@x.example"}
    address_stop_requested.send(None, **about, source="landing_page", text="page")


def _decided() -> None:
    quarantine.set_status(
        "email", "p0@x.example", "quarantine", source="operator", actor="ben"
    )


@pytest.mark.parametrize(
    ("since", "status"),
    [
        (_failed("hard", "user_unknown"), "quarantine"),
        (_failed("soft", "complaint"), "denylisted"),
        (_failed("soft", "stop"), "denylisted"),
        (_on_a_list, "quarantine"),
        (_stopped, "denylisted"),
        (_decided, "quarantine"),
    ],
    ids=["bounce", "complaint", "STOP", "list", "page", "operator"],
)
def test_what_was_said_since_stays_and_is_named(
    since: Callable[[], Any], status: str, people: list[Profile]
) -> None:
    act = _put()
    since()
    assert bulk_acts.undo(act, actor="eva").changed == 3
    assert _statuses(*people) == [status, "valid", "valid", "valid"]
    assert [row.profile_id for row in undoing.left(act)] == [people[0].pk]
    assert list(verify_quarantine()) == []


def test_a_list_that_says_the_same_is_on_record_once(people: list[Profile]) -> None:
    _put()
    _on_a_list()
    assert QuarantineAction.objects.filter(kind="raise").count() == 1


def test_each_address_is_judged_by_itself() -> None:
    person = _person(0, "second@x.example")
    twin = _person(1, "second@x.example")
    act = _put()
    _failed("soft", "complaint")()
    assert bulk_acts.undo(act, actor="eva").changed == 1
    assert _statuses(person, twin) == ["denylisted", "valid", "valid", "valid"]
    assert [row.profile_id for row in undoing.left(act)] == [person.pk]


def test_restricted_people_stay(people: list[Profile]) -> None:
    act = _put()
    asked = requests.record(people[1], "restriction", actor="eva")
    requests.decide(asked, is_granted=True, actor="olga")
    assert bulk_acts.undo(act, actor="eva").changed == 3
    assert undoing.figures(act) == {"undone": 3, "not_allowed": 1}
    assert _statuses(*people) == ["valid", "quarantine", "valid", "valid"]


def test_one_of_many_is_undone_for_themselves(people: list[Profile]) -> None:
    act = _put()
    with pytest.raises(undoing.NotUndone):
        undoing.undo_for(act, people[0], actor="ben")
    assert undoing.undo_for(act, people[0], actor="eva") == "undone"
    assert _statuses(*people[:2]) == ["valid", "quarantine"]
    with pytest.raises(undoing.NotUndone):
        undoing.undo_for(act, people[0], actor="eva")
    assert bulk_acts.undo(act, actor="eva").changed == 3


def test_number_of_statements_does_not_grow_with_the_people(
    django_assert_max_num_queries: Any,
) -> None:
    for number in range(60):
        _person(number)
    act = _put()
    with django_assert_max_num_queries(45):
        bulk_acts.undo(act, actor="eva")
    assert undoing.figures(act) == {"undone": 60}
