"""A change of many taken back as one: what anybody else has said since stays."""

import pytest

from audiences import consent, subscriptions, tags
from audiences.consent import Origin, Source
from audiences.models import (
    BulkAct,
    BulkActPerson,
    ConsentEvent,
    Profile,
    ProfileTag,
    Service,
    Subscription,
    Tag,
)
from audiences.records.verification import verify_consent
from audiences.selections import bulk_acts, undoing
from audiences.selections.acts import BulkActRefused
from tests.factories import many_profiles

pytestmark = pytest.mark.django_db

PERSON = Origin(source=Source.ONE_CLICK, ip="192.0.2.1")
OTHER = Origin(source=Source.OPERATOR, actor="other", note="by phone")


def _all(code: str = "opt_out", note: str = "", **details: str) -> BulkAct:
    return bulk_acts.begin(code, {}, actor="eva", note=note, details=details)


def _out(flag: str = "no_longer_contact_email") -> list[int]:
    return list(
        Profile.objects.filter(**{flag: True}).order_by("pk").values_list(flat=True)
    )


def _outcomes(act: BulkAct) -> dict[str, int]:
    return undoing.figures(act)


def test_undo_restores_those_whom_the_change_has_changed() -> None:
    people = many_profiles(5)
    consent.opt_out(people[0], "email", OTHER)
    act = _all(scope="email")
    assert act.changed == 4
    undone = bulk_acts.undo(act, actor="ben")
    assert (undone.state, undone.changed, undone.undoes) == ("done", 4, act)
    assert _out() == [people[0].pk]
    last = consent.events_of(people[1].pk)[0]
    assert (last.kind, last.evidence.actor) == ("opt_in", "ben")
    assert last.evidence.note.startswith("Undone: what eva did on ")
    assert verify_consent().differences == []
    with pytest.raises(BulkActRefused):
        bulk_acts.undo(act, actor="ben")


@pytest.mark.parametrize(
    "source", ["one_click", "landing_page", "mail", "api", "import"]
)
def test_who_leaves_by_themselves_after_the_change_stays_out(source: str) -> None:
    """Nothing had to change then: it is on record all the same, and named."""
    people = many_profiles(3)
    act = _all(scope="email")
    result = consent.opt_out(people[1], "email", Origin(source=source))
    assert not result.changed
    assert result.event_id is None
    consent.opt_out_all(
        Profile.objects.filter(pk=people[2].pk), "email", Origin(source=source)
    )
    bulk_acts.undo(act, actor="eva")
    assert _out() == [people[1].pk, people[2].pk]
    assert _outcomes(act) == {"undone": 1, "changed_since": 2}
    assert [row.profile_id for row in undoing.left(act)] == _out()
    assert verify_consent().differences == []


def test_who_says_it_twice_is_on_record_once() -> None:
    (person,) = many_profiles(1)
    _all(scope="email")
    for _time in range(2):
        consent.opt_out(person, "email", PERSON)
    assert ConsentEvent.objects.filter(profile=person).count() == 2


def test_opt_in_can_always_be_taken_back() -> None:
    people = many_profiles(2)
    for person in people:
        consent.opt_out(person, "email", PERSON)
    act = _all("opt_in", "asked by letter", scope="email")
    consent.opt_out(people[0], "email", PERSON)
    bulk_acts.undo(act, actor="eva")
    assert _out() == [person.pk for person in people]
    assert _outcomes(act) == {"undone": 1, "changed_since": 1}


def test_flags_are_independent() -> None:
    (person,) = many_profiles(1)
    act = _all(scope="email")
    consent.opt_out(person, "any", PERSON)
    bulk_acts.undo(act, actor="eva")
    assert _out() == []
    assert _out("no_longer_contact") == [person.pk]


@pytest.fixture
def service() -> Service:
    return subscriptions.create_service("news", label="News", channel="email")


def _status(person: Profile) -> str:
    return Subscription.objects.get(profile=person).status


def test_unsubscription_is_restored_and_a_request_is_not(service: Service) -> None:
    people = many_profiles(3)
    for person in people[:2]:
        subscriptions.subscribe(person, service, PERSON)
    Service.objects.update(double_opt_in=True)
    subscriptions.request(people[2], Service.objects.get(), PERSON)
    act = _all("unsubscribe", service="news")
    assert act.changed == 3
    subscriptions.unsubscribe(people[1], service, PERSON)
    bulk_acts.undo(act, actor="eva")
    assert [_status(p) for p in people] == ["active", "unsubscribed", "unsubscribed"]
    assert verify_consent().differences == []


def test_subscription_is_ended_again(service: Service) -> None:
    people = many_profiles(2)
    act = _all("subscribe", service="news")
    subscriptions.unsubscribe(people[0], service, PERSON)
    subscriptions.subscribe(people[0], service, PERSON)
    bulk_acts.undo(act, actor="eva")
    assert [_status(p) for p in people] == ["active", "unsubscribed"]


def test_undo_that_was_stopped_goes_on_where_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    people = many_profiles(5)
    act = _all(scope="email")
    monkeypatch.setattr(bulk_acts, "CHUNK_SIZE", 2)
    undone = BulkAct.objects.create(
        code="opt_out",
        details=act.details,
        actor="eva",
        undoes=act,
        last_id=act.last_id,
    )
    assert bulk_acts._run_next(undone.pk)
    bulk_acts.stop(undone)
    assert _out() == [person.pk for person in people[2:]]
    again = bulk_acts.undo(act, actor="eva")
    assert (again.changed, _out()) == (3, [])


def test_people_come_and_go_with_their_chunk() -> None:
    many_profiles(3)
    act = _all(scope="email")
    assert BulkActPerson.objects.filter(act=act).count() == 3
    assert undoing.refusal(act) == ""
    many_profiles(1, "later")
    bulk_acts.undo(act, actor="eva")
    assert undoing.refusal(act)


@pytest.mark.parametrize("code", ["opt_out", "opt_in"])
def test_number_of_statements_does_not_grow_with_the_people(
    code: str, django_assert_max_num_queries: object
) -> None:
    many_profiles(300)
    act = _all(scope="email")
    if code == "opt_in":
        act = _all("opt_in", "asked", scope="email")
    with django_assert_max_num_queries(60):  # type: ignore[operator]
        bulk_acts.undo(act, actor="eva")
    assert _outcomes(act) == {"undone": 300}


def _tagged() -> list[int]:
    rows = ProfileTag.objects.filter(tag__slug="vip").order_by("profile_id")
    return list(rows.values_list("profile_id", flat=True))


def test_tag_is_taken_off_those_on_whom_it_was_put() -> None:
    people = many_profiles(4)
    pks = [person.pk for person in people]
    tags.set_tags(people[0], ["vip"])
    act = _all("tag", tag="vip")
    tags.rename_tag(Tag.objects.get(), "Very important")
    tags.set_tags(people[1], [])
    assert bulk_acts.undo(act, actor="ben").changed == 2
    assert _tagged() == pks[:1]
    assert [row.profile_id for row in undoing.left(act)] == [pks[1]]


def test_tag_is_put_back_on_those_who_had_it() -> None:
    people = many_profiles(4)
    pks = [person.pk for person in people]
    _all("tag", tag="vip")
    tags.set_tags(people[0], [])
    act = _all("untag", tag="vip")
    assert (act.changed, _tagged()) == (3, [])
    tags.set_tags(people[1], ["vip"])
    assert bulk_acts.undo(act, actor="ben").changed == 2
    assert _tagged() == pks[1:]
    assert [row.profile_id for row in undoing.left(act)] == [pks[1]]
