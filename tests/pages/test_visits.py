"""What a personal link may do, without HTTP: as the mail reader and programs call it."""

import re
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

import audiences
from audiences import consent, links, privacy, subscriptions
from audiences.consent import Origin
from audiences.links import Link, Undo, web_addresses
from audiences.models import ConsentEvent, LandingPage, Profile
from audiences.subscriptions import messages
from audiences.visits import choosing, confirming, ways
from audiences.visits.confirming import Stage
from audiences.visits.opting_out import opt_out
from audiences.visits.standing import Boxes, standing_of
from audiences.visits.submissions import Submission
from audiences.visits.undoing import Undone, undo
from audiences.visits.visit import Gone, Visit, identified
from tests.factories import BY_COMMAND, ProfileFactory

from .visitors import flags, history, news, page, subscriptions_of

pytestmark = pytest.mark.django_db
BY_MAIL = Origin(source="mail", note="inbound item 7")
ON_PAGE = Origin(source="landing_page", ip="192.0.2.7", user_agent="Firefox")
Kind = LandingPage.Kind


@pytest.fixture
def anna() -> Profile:
    return ProfileFactory(email="anna@example.com", sms="+31612345678")


def test_one_call_honours_a_link_and_says_what_is_true_then(anna: Profile) -> None:
    done = opt_out(Link(anna.pk, delivery_id=41), BY_MAIL)
    event = ConsentEvent.objects.get()
    assert flags(anna) == {"email"}
    assert done.event_ids == (event.pk,)
    assert (event.source, event.delivery_id) == ("mail", 41)
    assert done.standing.out == {"email"}
    assert opt_out(Link(anna.pk), BY_MAIL).event_ids == ()


def test_only_somebody_on_a_page_has_seen_its_wording(anna: Profile) -> None:
    page("denylist")
    link = Link(anna.pk, page="denylist", kind=Kind.DENYLIST)
    opt_out(link, ON_PAGE, Kind.DENYLIST)
    opt_out(Link(anna.pk, "sms"), BY_MAIL)
    wordings = ConsentEvent.objects.order_by("id").values_list("wording_version")
    assert [*wordings] == [("denylist/1",), ("",)]


def test_a_link_of_a_service_ends_it_without_reading_it(anna: Profile) -> None:
    service = news()
    subscriptions.subscribe(anna, service, BY_COMMAND)
    with CaptureQueriesContext(connection) as queries:
        done = opt_out(Link(anna.pk, service_id=service.pk), BY_MAIL)
    tables = [query["sql"] for query in queries if "audiences" in query["sql"]]
    assert len(tables) == 4  # the lock, the end, the event, its evidence
    assert (subscriptions_of(anna), flags(anna)) == (set(), set())
    assert done.visit.service
    assert done.visit.service.label == "News"


def test_a_service_that_is_gone_stops_the_channel_of_the_link(anna: Profile) -> None:
    done = opt_out(Link(anna.pk, service_id=987), BY_MAIL)
    assert flags(anna) == {"email"}
    assert done.visit.service is None


def test_an_erased_person_is_gone_for_every_act(anna: Profile) -> None:
    link = Link(anna.pk)
    privacy.erase(anna)
    with pytest.raises(Gone):
        identified(link, Kind.UNSUBSCRIPTION)
    with pytest.raises(Gone):
        opt_out(link, BY_MAIL)


def test_a_visit_and_a_standing_never_change(anna: Profile) -> None:
    visit = identified(Link(anna.pk), Kind.UNSUBSCRIPTION)
    standing = standing_of(visit)
    for fact, name in ((visit, "content"), (standing, "out")):
        with pytest.raises(FrozenInstanceError):
            setattr(fact, name, None)
    opt_out(Link(anna.pk), BY_MAIL)
    assert standing.out == frozenset()


def choose(anna: Profile, *services: int, is_fresh: bool = True) -> Visit:
    """Tick all channels and these services on the preference page."""
    link = Link(anna.pk, page="preferences", kind=Kind.PREFERENCES, is_fresh=is_fresh)
    link = web_addresses.sent(link, "email", "anna@example.com")
    with transaction.atomic():
        visit = identified(link, Kind.PREFERENCES, lock=True)
        ticked = Boxes(frozenset(visit.channels), frozenset(services))
        planned, _kept = choosing.plan(visit, standing_of(visit), Submission(ticked))
        details = {"first_name": "Annie"}
        done = choosing.choose(visit, planned, details, ON_PAGE)
    assert done.left_out == (bool(services) and not is_fresh)
    assert done.standing == standing_of(visit)
    return visit


def test_boxes_are_chosen_and_details_kept_by_a_fresh_link_alone(
    anna: Profile,
) -> None:
    service = news()
    page("preferences", services=[service])
    choose(anna, service.pk, is_fresh=False)
    anna.refresh_from_db()
    assert subscriptions_of(anna) == set()
    assert anna.first_name != "Annie"
    choose(anna, service.pk)
    anna.refresh_from_db()
    assert subscriptions_of(anna) == {"news"}
    assert anna.first_name == "Annie"
    choose(anna)
    assert history(anna) == [("subscribe", "news"), ("unsubscribe", "news")]


@pytest.mark.parametrize(
    ("whose", "outcome"), [("own", Undone.ALL), ("another's", Undone.NOTHING)]
)
def test_an_act_is_undone_by_its_own_token_alone(
    anna: Profile, whose: str, outcome: Undone
) -> None:
    done = opt_out(Link(anna.pk), ON_PAGE)
    profile_id = anna.pk if whose == "own" else ProfileFactory().pk
    token = links.undo_token(Undo(profile_id, done.event_ids))
    with transaction.atomic():
        visit = identified(Link(anna.pk), Kind.UNSUBSCRIPTION, lock=True)
        assert undo(visit, "forged", ON_PAGE) == Undone.NOTHING
        assert undo(visit, token, ON_PAGE) == outcome
    assert flags(anna) == (set() if whose == "own" else {"email"})


def test_a_double_opt_in_goes_from_waiting_to_done_and_stays_done(
    anna: Profile,
) -> None:
    service = news()
    service.double_opt_in = True
    service.save()
    consent.opt_out(anna, "email", BY_COMMAND)
    asked = subscriptions.request(anna, service, ON_PAGE)
    assert asked.event_id
    url = messages.words(
        "request", anna, service, "en", event_id=asked.event_id, key="anna@example.com"
    ).text
    token = url.partition("/u/confirm/")[2].partition("/")[0]
    assert confirming.look(token).stage == Stage.WAITING
    first = confirming.confirm(token, ON_PAGE)
    assert first.stage == Stage.DONE
    assert first.standing.out == {"email"}
    assert ways.open_preferences("email") == ""
    page("preferences", "closed-to-others", allows_unidentified=False)
    page("preferences")
    assert ways.open_preferences("email") == "preferences"
    assert confirming.confirm(token, ON_PAGE).stage == Stage.BEFORE
    assert confirming.look(token).stage == Stage.BEFORE
    subscriptions.unsubscribe(anna, service, BY_COMMAND)
    assert confirming.look(token).stage == Stage.BEFORE
    assert not confirming.look(token).standing.subscribed


def test_nothing_below_the_pages_knows_requests_or_forms() -> None:
    web = re.compile(r"django\.(http|forms|views|shortcuts)|django import forms")
    rooms = ("visits", "signups", "links", "landing_pages", "subscriptions", "consent")
    for room in rooms:
        for path in (Path(audiences.__file__).parent / room).glob("*.py"):
            assert not web.search(path.read_text("utf-8")), path
