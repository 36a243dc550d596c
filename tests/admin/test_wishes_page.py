"""A person's own limits and pauses on their page: told, ended with a note, undone."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audiences import consent, wishes
from audiences.consent import Origin
from audiences.models import ContactWish, Profile
from audiences.privacy import requests
from audiences.selections import ended_wishes

from .conftest import World, clerk

pytestmark = pytest.mark.one_database

BY_PERSON = Origin(source="landing_page", wording_version="stop/1")
NOTE = "Asked by phone"


@pytest.fixture
def person(world: World) -> Profile:
    somebody = world.people[0]
    wishes.express(somebody, "email", BY_PERSON, per_month=1)
    return somebody


def _url(profile: Profile, name: str = "change") -> str:
    return reverse(f"admin:audiences_profile_{name}", args=[profile.pk])


def _last(profile: Profile) -> ContactWish:
    return ContactWish.objects.filter(profile=profile).latest("pk")


def _end(client: Client, profile: Profile, note: str = NOTE) -> str:
    wish = _last(profile)
    posted = {"wish": str(wish.pk), "note": note}
    answer = client.post(_url(profile, "end_wish"), posted, follow=True)
    return answer.content.decode()


def _undo(client: Client, profile: Profile) -> str:
    wish = _last(profile)
    answer = client.post(_url(profile, "undo_wish"), {"event": wish.pk}, follow=True)
    return answer.content.decode()


def _holds(profile: Profile) -> list[Any]:
    return [(wish.channel, wish.per_month) for wish in wishes.of_person(profile.pk)]


def test_a_wish_is_ended_with_a_note_and_that_is_undone(
    person: Profile, admin_client: Client
) -> None:
    page = admin_client.get(_url(person)).content.decode()
    assert "Asked for: At most 1 a month (Email)" in page
    assert _url(person, "end_wish") in page
    assert 'class="error-summary"' in _end(admin_client, person, note=" ")
    assert _holds(person) == [("email", 1)]
    page = _end(admin_client, person)
    assert page.count("No longer asked for: At most 1 a month (Email)") == 3
    assert NOTE in page
    assert page.count('data-action="undo"') == 2
    assert _holds(person) == []
    ended = _last(person)
    assert (ended.ended_source, ended.ended_actor, ended.ended_note) == (
        *("operator", "admin"),
        NOTE,
    )
    page = _undo(admin_client, person)
    assert "Undone: At most 1 a month (Email) holds again." in page
    assert _holds(person) == [("email", 1)]
    assert "cannot be undone" in _undo(admin_client, person)


@pytest.mark.parametrize("why", ["older", "another", "no right", "restricted", "since"])
def test_an_undo_is_for_who_did_it_while_nothing_was_wished_since(
    why: str, person: Profile, admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = admin_client
    _end(client, person)
    wish = _last(person)
    if why == "older":
        monkeypatch.setattr(ended_wishes, "UNDO_LIFE", timedelta(0))
    elif why == "another":
        client = clerk("ben", "view_profile", "opt_in_profile")
    elif why == "no right":
        client = clerk("ben", "view_profile")
    elif why == "restricted":
        asked = requests.record(person, "restriction", "stop", actor="eva")
        requests.decide(asked, is_granted=True, actor="eva", note="")
    else:
        until = timezone.now() + timedelta(days=9)
        wishes.express(person, "email", BY_PERSON, paused_until=until)
        late = wishes.express(person, "email", BY_PERSON, per_month=2).wish
        wishes.end(person, [late.pk], BY_PERSON)
    client.post(_url(person, "undo_wish"), {"event": wish.pk})
    assert ("email", 1) not in _holds(person)


def test_what_cannot_be_ended_says_why(person: Profile, admin_client: Client) -> None:
    wishes.end(person, [_last(person).pk], BY_PERSON)
    page = admin_client.get(_url(person, "end_wish")).content.decode()
    assert "The person has asked for no limit and no pause." in page
    with pytest.raises(ended_wishes.WishNotEnded, match="ended already"):
        ended_wishes.end(
            person.pk,
            _last(person).pk,
            Origin(source="operator", actor="eva", note=NOTE),
        )
    with pytest.raises(ended_wishes.WishNotEnded, match="note"):
        ended_wishes.end(person.pk, 1, Origin(source="operator", actor="eva"))


def test_why_somebody_left_stands_at_their_act_in_the_timeline(
    person: Profile, admin_client: Client
) -> None:
    done = consent.opt_out(person, "email", BY_PERSON)
    assert done.event_id
    wishes.give_reason(person.pk, [done.event_id], "too_many", "Every day!")
    page = admin_client.get(_url(person)).content.decode()
    what_happened = page[page.index('id="timeline"') :]
    line = what_happened[: what_happened.index("</ol>")]
    assert "Why they left: Too many messages: “Every day!”" in line
