"""Double opt-in: pending until the person confirms, with a real mail server (S6)."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from audiences import addresses, consent, outbox, privacy, profiles, subscriptions
from audiences.consent import Kind, Origin, Source, record
from audiences.links import BadLink, read_confirmation_token
from audiences.models import (
    ConsentEvent,
    ConsentEvidence,
    OutboxMail,
    Profile,
    Service,
    Subscription,
)
from audiences.outbox import queue
from audiences.outbox.gateways import NotTaken
from audiences.records.verification import verify_consent
from audiences.signups import requesting
from delivery import quarantine
from tests.audiences.test_consent_races import at_once
from tests.factories import BY_COMMAND, ProfileFactory

from . import mailboxes
from .mailboxes import Mailboxes, html, plain
from .test_http import everything
from .test_unidentified import solved
from .visitors import (
    browser,
    flags,
    history,
    news,
    page,
    path_to,
    subscriptions_of,
    undo_of,
    words,
)

pytestmark = pytest.mark.django_db
on_postgresql = pytest.mark.skipif(
    connection.vendor == "sqlite", reason="SQLite in memory has one connection"
)
ANN, BOB = "ann@shop.example", "bob@shop.example"
BY_PAGE = Origin(source=Source.LANDING_PAGE, ip="192.0.2.7", user_agent="Firefox")
Status = Subscription.Status


@pytest.fixture(autouse=True)
def _little_work(settings: Any) -> None:
    settings.PROOF_OF_WORK_ROUNDS = 2


@pytest.fixture
def server(settings: Any) -> Iterator[Mailboxes]:
    with mailboxes.running() as boxes:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", boxes.port
        yield boxes


class Phone:
    """A gateway that keeps what it takes, or answers with an error."""

    taken: list[tuple[str, str]] = []
    error: Exception | None = None

    def send(self, number: str, text: str) -> None:
        if Phone.error:
            raise Phone.error
        Phone.taken.append((number, text))


@pytest.fixture
def phone(settings: Any) -> type[Phone]:
    settings.SMS_GATEWAY = f"{__name__}.Phone"
    Phone.taken, Phone.error = [], None
    return Phone


@pytest.fixture
def service() -> Service:
    made = news()
    made.double_opt_in = True
    made.save()
    return made


@pytest.fixture
def ann() -> Profile:
    return ProfileFactory(email=ANN, sms="+31612345678", language="en")


def status_of(profile: Profile, service: Service) -> str:
    return Subscription.objects.get(profile=profile, service=service).status


def path(url: str) -> str:
    return "/" + url.split("/", 3)[3]


def confirm_path(server: Mailboxes) -> str:
    """The path of the newest link that confirms."""
    outbox.send_waiting()
    return path([link for link in server.links() if "/u/confirm/" in link][-1])


def asked(ann: Profile, service: Service, server: Mailboxes) -> str:
    subscriptions.request(ann, service, BY_PAGE, language="en")
    return confirm_path(server)


# ------------------------------------------------------------------ the whole path
def test_from_the_form_to_a_confirmed_subscription(
    server: Mailboxes, service: Service, ann: Profile
) -> None:
    made = page("subscription", service=service)
    tab = browser()
    url = path_to(made, ann)
    shown = tab.post(url, {"act": "1"})
    assert "isn't confirmed yet" in words(shown)
    assert status_of(ann, service) == Status.PENDING
    assert subscriptions_of(ann) == set()
    link = confirm_path(server)
    assert server.counts == {ANN: 1}
    before = everything()
    for method in (tab.get, tab.head, tab.get, Client().get):
        assert method(link).status_code == 200
    assert everything() == before, "a scanner that opens the link changes nothing"
    assert "confirm that you want to get News" in words(tab.get(link))
    answer = tab.post(link, {"act": "1"})
    assert "that's confirmed" in words(answer)
    assert "You're subscribed to News." in words(answer)
    assert subscriptions_of(ann) == {"news"}
    assert history(ann) == [("request", "news"), ("confirm", "news")]
    events = ConsentEvent.objects.select_related("evidence").order_by("id")
    for event in events:
        assert event.source == Source.LANDING_PAGE
        assert event.evidence.ip == "127.0.0.1"
        assert "Android" in event.evidence.user_agent
        assert event.wording_version
    again = tab.post(link, {"act": "1"})
    assert "You've already confirmed this" in words(again)
    assert len(events.all()) == 2
    subscriptions.unsubscribe(ann, Service.objects.get(), BY_COMMAND)
    for since in (tab.get(link), tab.post(link, {"act": "1"})):
        assert "You've already confirmed this" in words(since)
        assert "You're not subscribed to News." in words(since)
    assert subscriptions_of(ann) == set()
    assert verify_consent().is_consistent


def test_a_visitor_without_a_link_confirms_once_and_both_moments_stay(
    server: Mailboxes, service: Service
) -> None:
    made = page("subscription", service=service)
    url = f"/p/{made.slug}/"
    tab = browser()
    tab.post(url, {"email": ANN, "proof": solved(tab.get(url))})
    outbox.send_waiting()
    assert not Profile.objects.exists()
    assert "that's confirmed" in words(tab.post(path(server.links()[0])))
    found = profiles.find(ANN)
    assert history(found) == [("request", "news"), ("confirm", "news")]
    proofs = ConsentEvidence.objects.order_by("event_id")
    assert [proof.ip for proof in proofs] == ["127.0.0.1"] * 2
    assert server.counts == {ANN: 1}, "the address is confirmed: no second mail"
    assert verify_consent().is_consistent


def test_an_operator_activates_at_once_and_sends_nothing(
    server: Mailboxes, service: Service, ann: Profile
) -> None:
    subscriptions.subscribe(ann, service, BY_COMMAND)
    outbox.send_waiting()
    assert (status_of(ann, service), server.messages) == (Status.ACTIVE, [])


def test_without_double_opt_in_a_page_subscribes_at_once(
    server: Mailboxes, ann: Profile
) -> None:
    service = news()
    assert subscriptions.request(ann, service, BY_PAGE).changed
    outbox.send_waiting()
    assert (status_of(ann, service), server.messages) == (Status.ACTIVE, [])


# ------------------------------------------------------------------ opt-outs stay
@pytest.mark.parametrize("scope", ["email", "any"])
def test_an_opt_out_stays_and_the_page_says_what_to_do(
    server: Mailboxes, service: Service, ann: Profile, scope: str
) -> None:
    consent.opt_out(ann, scope, BY_COMMAND)
    choices = page("preferences")
    link = asked(ann, service, server)
    assert server.counts == {ANN: 1}, "the mail that asks reaches who is opted out"
    answer = browser().post(link)
    assert "so it doesn't reach you." in words(answer)
    assert "in your preferences" in words(answer)
    assert flags(ann) == {scope}
    # The page holds no personal link: it leads to where one is mailed.
    found = re.findall(rf'href="(/p/{choices.slug}/[^"]*)"', answer.content.decode())
    assert found == [f"/p/{choices.slug}/?lang=en"]
    tab = browser()
    tab.post(found[0], {"address": ANN, "proof": solved(tab.get(found[0]))})
    outbox.send_waiting()
    chosen = tab.post(
        path(server.links()[-1]),
        {"act": "1", "channels": ["email"], "services": [service.pk]},
    )
    assert chosen.status_code == 200
    assert flags(ann) & {"any", "email"} == set()
    assert verify_consent().is_consistent


def test_the_message_after_subscribing_does_not_reach_who_is_opted_out(
    server: Mailboxes, service: Service, ann: Profile
) -> None:
    service.subscribed_message = "default"
    service.save()
    consent.opt_out(ann, "email", BY_COMMAND)
    browser().post(asked(ann, service, server))
    assert outbox.send_waiting() == {"opted_out": 1}
    assert server.counts == {ANN: 1}


def test_an_address_on_the_denylist_is_not_asked(
    server: Mailboxes, service: Service, ann: Profile
) -> None:
    quarantine.set_status("email", ANN, "denylisted", source="operator")
    subscriptions.request(ann, service, BY_PAGE)
    assert outbox.send_waiting() == {"denylisted": 1}
    assert server.messages == []


# ------------------------------------------------------------------ asking again
def test_asking_again_sends_again_within_the_cap_and_changes_nothing(
    server: Mailboxes,
    service: Service,
    ann: Profile,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.CONFIRMATIONS_PER_SERVICE = 2
    monkeypatch.setattr(queue, "DOUBLE_CLICK", timedelta(0))
    results = [subscriptions.request(ann, service, BY_PAGE) for _ in range(5)]
    assert [(r.changed, r.is_pending) for r in results] == [
        (True, True),
        *[(False, True)] * 4,
    ]
    assert [r.is_unsent for r in results] == [False, False, True, True, True]
    outbox.send_waiting()
    assert server.counts == {ANN: 2}
    assert history(ann) == [("request", "news")]
    links = [link for link in server.links() if "/u/confirm/" in link]
    assert browser().post(path(links[0])).status_code == 200
    assert status_of(ann, service) == Status.ACTIVE


def test_an_undo_takes_the_request_back_and_its_link_is_dead(
    server: Mailboxes, service: Service, ann: Profile, settings: Any
) -> None:
    settings.CONFIRMATIONS_PER_SERVICE = 2
    url = path_to(page("subscription", service=service), ann)
    undo = undo_of(browser().post(url, {"act": "1"}))
    link = confirm_path(server)
    browser().post(url, {"undo": undo})
    assert status_of(ann, service) == Status.UNSUBSCRIBED
    assert browser().get(link).status_code == 404
    assert browser().post(link).status_code == 404
    assert status_of(ann, service) == Status.UNSUBSCRIBED
    later = asked(ann, service, server)
    assert browser().post(link).status_code == 404, "the link of the first request"
    assert browser().post(later).status_code == 200
    assert verify_consent().is_consistent


def test_the_unsubscribe_button_of_the_mail_ends_the_request(
    server: Mailboxes, service: Service, ann: Profile
) -> None:
    link = asked(ann, service, server)
    [(_to, message)] = server.messages
    one_click = re.search(r"<(http[^>]+)>", message["List-Unsubscribe"])
    assert one_click
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    browser().post(path(one_click[1]), {"List-Unsubscribe": "One-Click"})
    assert status_of(ann, service) == Status.UNSUBSCRIBED
    assert flags(ann) == set()
    assert browser().get(link).status_code == 404


@pytest.mark.parametrize("token", ["x", "a.b.c", "W10.x.y", "é" * 20])
def test_a_forged_link_is_a_bad_link(token: str) -> None:
    assert browser().get(f"/u/confirm/{token}/").status_code == 404
    with pytest.raises(BadLink):
        read_confirmation_token(token)


def test_a_closed_service_takes_nobody_and_lets_everybody_go(
    server: Mailboxes, service: Service, ann: Profile
) -> None:
    bea = ProfileFactory(email="bea@shop.example")
    subscriptions.subscribe(bea, service, BY_COMMAND)
    link = asked(ann, service, server)
    service.is_closed = True
    service.save()
    made = page("subscription", service=service)
    for answer in (
        browser().get(link),
        browser().post(link),
        browser().post(path_to(made, ProfileFactory(email=BOB)), {"act": "1"}),
        browser().get(f"/p/{made.slug}/"),
    ):
        assert "is closed to new subscribers" in words(answer)
    assert status_of(ann, service) == Status.PENDING
    with pytest.raises(subscriptions.ServiceClosed):
        subscriptions.subscribe(ProfileFactory(), service, BY_COMMAND)
    assert subscriptions.unsubscribe(bea, service, BY_COMMAND).changed


# ------------------------------------------------------------------ nobody confirms
def test_what_nobody_confirms_is_erased_and_its_proof_too(
    server: Mailboxes, service: Service, ann: Profile, settings: Any
) -> None:
    settings.CONFIRMATIONS_PER_SERVICE = 2  # a week passes on one day
    link = asked(ann, service, server)
    soon = timezone.now() + timedelta(days=6, hours=23)
    assert privacy.clean_up(soon) == 0
    assert privacy.clean_up(soon + timedelta(hours=2)) == 1
    assert status_of(ann, service) == Status.EXPIRED
    assert history(ann) == [("request", "news"), ("expire", "news")]
    assert not ConsentEvidence.objects.exists()
    assert browser().post(link).status_code == 404
    assert verify_consent().is_consistent
    assert browser().post(asked(ann, service, server)).status_code == 200
    assert status_of(ann, service) == Status.ACTIVE


@pytest.mark.parametrize("stays", [False, True], ids=["only", "opted in besides"])
def test_the_profile_that_was_made_for_it_goes_too(stays: bool) -> None:
    service = Service.objects.create(
        slug="alert", label="Alert", channel="sms", double_opt_in=True
    )
    profile = ProfileFactory(email=ANN, sms="+31612345678")
    locked = Profile.objects.get(pk=profile.pk)
    subscriptions.ask(locked, service, BY_PAGE, made_profile=True)
    if stays:
        record(locked, Kind.OPT_IN, BY_PAGE, scope="email")
    call_command("cleanup_requests")
    assert Profile.objects.exists()
    assert privacy.clean_up(timezone.now() + timedelta(days=8)) == 1
    assert Profile.objects.exists() is stays
    assert verify_consent().is_consistent


def test_a_link_that_is_too_old_confirms_nothing_before_the_clean_up(
    server: Mailboxes, service: Service, ann: Profile
) -> None:
    link = asked(ann, service, server)
    Subscription.objects.update(expires_at=timezone.now())
    assert browser().get(link).status_code == 404
    assert browser().post(link).status_code == 404
    assert status_of(ann, service) == Status.PENDING


# ------------------------------------------------------------------ at the same moment
@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_two_confirmations_at_once_are_one(server: Mailboxes) -> None:
    service = Service.objects.create(
        slug="news", label="News", channel="email", double_opt_in=True
    )
    ann = ProfileFactory(email=ANN)
    link = asked(ann, service, server)
    pages = at_once(*[lambda: words(browser().post(link))] * 6)
    assert sum("that's confirmed" in said for said in pages) == 1
    assert sum("already confirmed this" in said for said in pages) == 5
    assert history(ann) == [("request", "news"), ("confirm", "news")]


@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_confirming_while_it_lapses_is_one_or_the_other(server: Mailboxes) -> None:
    service = Service.objects.create(
        slug="news", label="News", channel="email", double_opt_in=True
    )
    for number in range(4):
        ann = ProfileFactory(email=f"{number}@shop.example")
        link = asked(ann, service, server)
        later = timezone.now() + timedelta(days=8)
        at_once(
            lambda link=link: browser().post(link),
            lambda later=later: privacy.clean_up(later),
        )
        assert history(ann)[-1][0] in ("confirm", "expire")
    assert verify_consent().is_consistent


# ------------------------------------------------------------------ the messages
def test_the_messages_follow_the_acts_of_the_person_once(
    server: Mailboxes, service: Service, ann: Profile
) -> None:
    service.subscribed_message = service.unsubscribed_message = "default"
    service.save()
    link = asked(ann, service, server)
    browser().post(link)
    browser().post(link)
    outbox.send_waiting()
    unsubscribe = [u for u in server.links() if "/u/" in u and "confirm" not in u][-1]
    browser().post(path(unsubscribe))
    browser().post(path(unsubscribe))
    outbox.send_waiting()
    assert [str(message["Subject"]) for _to, message in server.messages] == [
        "Please confirm your subscription to News",
        "You're subscribed to News",
        "You're unsubscribed from News",
    ]
    for _to, message in server.messages:
        assert "one-click" in message["List-Unsubscribe-Post"].lower()
        assert message["Auto-Submitted"] == "auto-generated"


def test_a_custom_message_in_the_language_of_the_person(
    server: Mailboxes, service: Service, ann: Profile
) -> None:
    Profile.objects.update(language="nl-BE", first_name="<b>*Ann*</b> [x](http://y.z)")
    service.texts = {"nl": {"label": "Nieuwsbrief", "description": "Elke week"}}
    service.subscribed_message = "custom"
    service.messages = {
        "subscribed": {
            "en": {"subject": "Hello", "text": "Hello"},
            "nl": {
                "subject": "Dag {{ profile.first_name }}",
                "text": "Dag {{profile.first_name}},\n\n**{{ service.label }}**: "
                "{{ service.description }}. [Stop]({{ unsubscribe_link }})",
            },
        }
    }
    service.save()
    browser().post(asked(ann, service, server))
    outbox.send_waiting()
    message = server.messages[-1][1]
    assert message["Subject"] == "Dag <b>*Ann*</b> [x](http://y.z)"
    text, markup = plain(message), html(message)
    assert "Dag <b>*Ann*</b> [x](http:" in text
    assert "http://y" not in text, "programs would make a link of it"
    assert "Nieuwsbrief: Elke week. Stop: <http" in text
    assert "<strong>Nieuwsbrief</strong>" in markup
    assert "&lt;b&gt;*Ann*&lt;/b&gt;" in markup
    assert 'href="http://y.z"' not in markup
    assert markup.count("<a ") == 1


def test_a_text_in_another_language_is_not_mixed_with_that_of_the_person(
    server: Mailboxes, service: Service, ann: Profile
) -> None:
    service.texts = {"nl": {"label": "Nieuwsbrief"}}
    service.request_message = "custom"
    own = {"subject": "{{ service.label }}", "text": "Bevestig: {{ link }}"}
    service.messages = {"request": {"nl": own}}
    service.save()
    asked(ann, service, server)
    message = server.messages[-1][1]
    assert message["Subject"] == "Nieuwsbrief"
    assert "Je kunt dit altijd stoppen" in plain(message)
    assert '<html lang="nl">' in html(message)


def test_who_has_no_address_is_not_told_to_look_at_a_message(
    service: Service,
) -> None:
    nobody = ProfileFactory(sms="+31612345678")
    answer = browser().post(
        path_to(page("subscription", service=service), nobody, sent_on="sms"),
        {"act": "1"},
    )
    assert "no address to send" in words(answer)
    assert "we have sent" not in words(answer)
    assert not OutboxMail.objects.exists()


def test_a_page_says_what_waits_before_anything_is_ticked(
    service: Service, ann: Profile
) -> None:
    for made in (
        page("preferences", services=[service]),
        page("subscription", service=service),
    ):
        url = path_to(made, ann)
        assert "isn't confirmed yet" not in words(browser().get(url))
        subscriptions.request(ann, service, BY_PAGE)
        assert "isn't confirmed yet" in words(browser().get(url))
        Subscription.objects.update(expires_at=timezone.now())
        assert "isn't confirmed yet" not in words(browser().get(url))


# ------------------------------------------------------------------ SMS
def test_a_service_on_sms_asks_by_sms_also_after_a_mail(
    server: Mailboxes, phone: type[Phone], ann: Profile
) -> None:
    alert = Service.objects.create(
        slug="alert", label="Alert", channel="sms", double_opt_in=True
    )
    made = page("acquisition", services=[alert], channels=["email"])
    assert made.live_version
    requesting.request_signup(
        made.live_version,
        {"email": ANN, "services": [alert.pk], "channels": ["email"]},
        language="en",
        network="",
    )
    outbox.send_waiting()
    answer = browser().post(path(server.links()[-1]))
    assert "text message (SMS)" in words(answer)
    assert status_of(ann, alert) == Status.PENDING
    assert outbox.send_waiting() == {"sent": 1}
    [(number, text)] = phone.taken
    assert number == "+31612345678"
    found = re.search(r"http\S+", text)
    assert found
    assert browser().post(path(found[0])).status_code == 200
    assert status_of(ann, alert) == Status.ACTIVE
    # The flag was clear already; the proof that email was asked for is there once.
    assert history(ann).count(("opt_in", "email")) == 1


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (NotTaken("unknown number"), "refused"),
        (NotTaken("busy", passing=True), "postponed"),
        (RuntimeError("the line broke"), "uncertain"),
    ],
)
def test_what_the_gateway_does_not_take_is_said(
    phone: type[Phone], ann: Profile, error: Exception, result: str
) -> None:
    alert = Service.objects.create(
        slug="alert", label="Alert", channel="sms", double_opt_in=True
    )
    phone.error = error
    subscriptions.request(ann, alert, BY_PAGE)
    assert outbox.send_waiting() == {result: 1}


def test_the_console_gateway_prints(capsys: Any, ann: Profile) -> None:
    alert = Service.objects.create(
        slug="alert", label="Alert", channel="sms", double_opt_in=True
    )
    subscriptions.request(ann, alert, BY_PAGE)
    assert outbox.send_waiting() == {"sent": 1}
    assert "+31612345678" in capsys.readouterr().out


def test_a_mail_server_that_is_away_does_not_hold_back_sms(
    phone: type[Phone], ann: Profile, service: Service, settings: Any
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", mailboxes.free_port()
    alert = Service.objects.create(
        slug="alert", label="Alert", channel="sms", double_opt_in=True
    )
    subscriptions.request(ann, service, BY_PAGE)
    subscriptions.request(ann, alert, BY_PAGE)
    assert outbox.send_waiting() == {"sent": 1, "unreachable": 1}


# ------------------------------------------------------------------ what is gone
def test_a_changed_address_and_an_erased_person_get_nothing(
    server: Mailboxes, service: Service, ann: Profile
) -> None:
    subscriptions.request(ann, service, BY_PAGE)
    addresses.detach(ann.addresses.get(channel="email"))
    bea = ProfileFactory(email="bea@shop.example")
    subscriptions.request(bea, service, BY_PAGE)
    privacy.erase(bea)
    assert outbox.send_waiting() == {"outdated": 1}
    assert OutboxMail.objects.count() == 1
    assert server.messages == []
