"""An opt-in is worth what was proved: one address, on one channel, now."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from audiences import addresses, consent, links, outbox, privacy, subscriptions
from audiences.channels import Channel
from audiences.links import BadLink, Link
from audiences.models import ConsentEvidence, OutboxMail, Profile, Service, Subscription
from audiences.records.verification import verify_consent
from audiences.signups import allowing, mailing_links, requesting
from delivery import quarantine
from tests.audiences.test_consent_races import at_once
from tests.factories import BY_COMMAND, ProfileFactory

from . import mailboxes
from .mailboxes import Mailboxes
from .test_double_opt_in import BY_PAGE, Phone
from .test_http import everything
from .visitors import (
    browser,
    flags,
    history,
    news,
    one_click_path,
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
ANN, OLD, NUMBER = "ann@shop.example", "ann@old.example", "+31612345678"
ALL = set(Channel.values)


@pytest.fixture(autouse=True)
def phone(settings: Any) -> type[Phone]:
    settings.SMS_GATEWAY = "tests.pages.test_double_opt_in.Phone"
    Phone.taken, Phone.error = [], None
    return Phone


@pytest.fixture
def server(settings: Any) -> Iterator[Mailboxes]:
    with mailboxes.running() as boxes:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", boxes.port
        yield boxes


@pytest.fixture
def ann() -> Profile:
    """She has a newer address; her old mailbox belongs to somebody else now."""
    profile = ProfileFactory(email=OLD, sms=NUMBER, language="en")
    addresses.attach(profile, "email", ANN, primary=True)
    addresses.attach(profile, "phone", "+31201234567")
    return profile


def path(url: str) -> str:
    return "/" + url.split("/", 3)[3]


def in_texts(phone: type[Phone]) -> str:
    """The path of the link in the newest text message."""
    outbox.send_waiting()
    found = re.search(r"https?://\S+", phone.taken[-1][1])
    assert found
    return path(found[0])


# ------------------------------------------------------------------ which link starts what
def mailed_to(address: str, profile: Profile, server: Mailboxes, kind: str) -> str:
    """The link that the owner of a mailbox gets who asks for one."""
    mailing_links.request_link(
        address, page=kind, kind=kind, language="en", network="192.0.2.0/24"
    )
    outbox.send_waiting()
    assert server.messages[-1][0] == address
    return path(server.links()[-1])


@pytest.mark.parametrize("scope", ["email", "sms", "any"])
@pytest.mark.parametrize("kind", ["preferences", "acquisition"])
def test_who_reads_an_old_mailbox_can_stop_and_lifts_no_opt_out(
    server: Mailboxes, ann: Profile, scope: str, kind: str
) -> None:
    """How the opt-out of the primary address and of SMS was lifted."""
    service = news()
    page(kind, services=[service], extra_fields=["first_name"])
    consent.opt_out(ann, scope, BY_COMMAND)
    before = ann.first_name
    url = mailed_to(OLD, ann, server, kind)
    shown = browser().get(url)
    assert "isn't your main one" in words(shown)
    assert "shop" not in words(shown), "not even masked"
    assert 'name="first_name"' not in shown.content.decode()
    answer = browser().post(
        url,
        {
            "channels": list(ALL),
            "services": [service.pk],
            "first_name": "Mallory",
        },
    )
    assert answer.status_code == 200
    assert flags(ann) == {scope}
    assert subscriptions_of(ann) == set()
    ann.refresh_from_db()
    assert ann.first_name == before
    outbox.send_waiting()
    assert len(server.messages) == 1
    assert Phone.taken == []
    browser().post(url, {"channels": []})
    # The boxes of what reaches her: the other channels have no address.
    reached = {"email", "sms", "phone", scope}
    assert flags(ann) == ({"any"} if scope == "any" else reached)


def test_a_link_starts_nothing_any_more_when_another_address_has_become_primary(
    server: Mailboxes, ann: Profile
) -> None:
    consent.opt_out(ann, "email", BY_COMMAND)
    page("preferences", channels=["email"])
    url = mailed_to(ANN, ann, server, "preferences")
    addresses.attach(ann, "email", "ann@newer.example", primary=True)
    browser().post(url, {"channels": ["email"]})
    assert flags(ann) == {"email"}
    addresses.make_primary(ann.addresses.get(key=ANN))
    browser().post(url, {"channels": ["email"]})
    assert flags(ann) == set()


def of_today(profile: Profile) -> Link:
    """As links were made before they knew where they went."""
    return Link(profile.pk, page="preferences", kind="preferences")


@pytest.mark.parametrize(
    ("sent_on", "key", "proved"),
    [
        ("email", ANN, "email"),
        ("email", OLD, ""),
        ("email", "eve@shop.example", ""),
        ("sms", NUMBER, "sms"),
        ("sms", ANN, ""),
        ("phone", "+31201234567", "phone"),
        ("", "", ""),
    ],
)
@pytest.mark.parametrize("days", [0, 8])
def test_a_link_proves_the_address_that_it_went_to(
    ann: Profile, sent_on: str, key: str, proved: str, days: int
) -> None:
    for scope in Channel.values:
        consent.opt_out(ann, scope, BY_COMMAND)
    page("preferences")
    link = of_today(ann)
    if sent_on:
        link = links.web_addresses.sent(link, sent_on, key)
    with pytest.MonkeyPatch.context() as past:
        at = (timezone.now() - timedelta(days=days)).timestamp()
        past.setattr("django.core.signing.time.time", lambda: at)
        url = path(links.page_url(link))
    browser().post(url, {"channels": list(ALL)})
    assert flags(ann) == ALL - ({proved} if days == 0 else set())
    assert verify_consent().is_consistent


def test_the_links_of_one_click_and_mail_start_nothing(ann: Profile) -> None:
    consent.opt_out(ann, "email", BY_COMMAND)
    for data in ({"act": "1", "channels": ["email"]}, {"undo": "forged"}, {}):
        browser().post(one_click_path(ann), data)
    assert flags(ann) == {"email"}


# ------------------------------------------------------------------ asked at its address
def test_another_channel_is_allowed_where_its_messages_go(
    ann: Profile, phone: type[Phone]
) -> None:
    consent.opt_out(ann, "sms", BY_COMMAND)
    url = path_to(page("preferences", channels=["email", "sms"]), ann)
    answer = browser().post(url, {"channels": ["email", "sms"]})
    assert "open the link in the message we've just sent" in words(answer)
    assert "You don't get our text messages" in words(answer)
    assert "Your choices are saved" not in words(answer)
    assert flags(ann) == {"sms"}
    link = in_texts(phone)
    assert phone.taken[-1][0] == NUMBER
    assert "do you want to get our text messages again?" in phone.taken[-1][1]
    tab, before = browser(), everything()
    for method in (tab.get, tab.head, tab.get):
        assert method(link).status_code == 200
    assert everything() == before, "a scanner that opens the link changes nothing"
    assert "confirm that you want to get our text messages" in words(tab.get(link))
    assert "You can get our text messages" in words(tab.post(link))
    assert flags(ann) == set()
    proof = ConsentEvidence.objects.filter(event__kind="opt_in").get()
    assert "Requested on" in proof.note
    assert proof.ip == "127.0.0.1"
    for again in (tab.get(link), tab.post(link)):
        assert "You've already confirmed this" in words(again)
        assert "You can get our text messages" in words(again)
    consent.opt_out(ann, "sms", BY_COMMAND)
    for since in (tab.get(link), tab.post(link)):
        assert "You don't get our text messages" in words(since)
    assert flags(ann) == {"sms"}
    assert verify_consent().is_consistent


def test_email_is_asked_for_by_mail_when_the_link_came_by_sms(
    server: Mailboxes, ann: Profile
) -> None:
    consent.opt_out(ann, "email", BY_COMMAND)
    made = page("preferences", channels=["email", "sms"])
    url = path_to(made, ann, sent_on="sms", channel="sms")
    browser().post(f"{url}?lang=nl", {"channels": ["email", "sms"]})
    assert flags(ann) == {"email"}
    outbox.send_waiting()
    [(to, message)] = server.messages
    assert to == ANN
    assert message["Subject"] == "Bevestig dat je onze e\u2011mails wilt ontvangen"
    browser().post(path(server.links()[0]))
    assert flags(ann) == set()


def test_where_everything_was_stopped_only_what_was_confirmed_comes_again(
    ann: Profile, phone: type[Phone]
) -> None:
    consent.opt_out(ann, "any", BY_COMMAND)
    url = path_to(page("preferences"), ann)
    browser().post(url, {"channels": ["sms", "phone"]})
    assert flags(ann) == {"any"}
    browser().post(in_texts(phone))
    assert flags(ann) == ALL - {"sms"}
    assert verify_consent().is_consistent


def test_a_channel_without_messages_or_address_is_not_asked_for_and_the_page_says_so(
    ann: Profile, settings: Any
) -> None:
    settings.CONTACT_EMAIL = "help@example.org"
    for scope in ("phone", "fax"):
        consent.opt_out(ann, scope, BY_COMMAND)
    url = path_to(page("preferences", channels=["phone", "fax"]), ann)
    text = words(browser().post(url, {"channels": ["phone", "fax"]}))
    assert "can't ask you here to confirm that you want our phone calls" in text
    assert "You haven't given us an address for: Fax." in words(browser().get(url))
    assert "help@example.org" in text
    assert flags(ann) == {"phone", "fax"}
    assert not OutboxMail.objects.exists()


def test_a_number_on_the_denylist_is_not_asked(ann: Profile) -> None:
    consent.opt_out(ann, "sms", BY_COMMAND)
    quarantine.set_status("sms", NUMBER, "denylisted", source="operator")
    url = path_to(page("preferences", channels=["sms"]), ann)
    assert "can't ask you here" in words(browser().post(url, {"channels": ["sms"]}))
    assert not OutboxMail.objects.exists()


def opts_out_again(ann: Profile) -> None:
    consent.opt_in(ann, "sms", BY_COMMAND)
    consent.opt_out(ann, "sms", BY_COMMAND)


def stops_everything(ann: Profile) -> None:
    browser().post(path_to(page("denylist"), ann), {"act": "1"})


def gets_another_number(ann: Profile) -> None:
    addresses.attach(ann, "sms", "+31687654321", primary=True)


def loses_the_number(ann: Profile) -> None:
    addresses.detach(ann.addresses.get(channel="sms"))


def is_erased(ann: Profile) -> None:
    privacy.erase(ann)


@pytest.mark.parametrize(
    "what_happens",
    [
        opts_out_again,
        stops_everything,
        gets_another_number,
        loses_the_number,
        is_erased,
    ],
)
@pytest.mark.parametrize("is_sent", [True, False], ids=["sent", "waiting"])
def test_the_link_ends_with_whatever_happens_to_its_channel(
    ann: Profile,
    phone: type[Phone],
    what_happens: Callable[[Profile], None],
    is_sent: bool,
) -> None:
    consent.opt_out(ann, "sms", BY_COMMAND)
    url = path_to(page("preferences", channels=["sms"]), ann)
    browser().post(url, {"channels": ["sms"]})
    if not is_sent:
        what_happens(ann)
        outbox.send_waiting()
        assert phone.taken == []
        return
    link = in_texts(phone)
    what_happens(ann)
    assert browser().get(link).status_code == browser().post(link).status_code == 404
    if what_happens is not is_erased:
        assert "sms" in flags(ann)


@pytest.mark.parametrize("days", [6, 8])
def test_the_link_ends_after_some_days(
    ann: Profile, phone: type[Phone], days: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    consent.opt_out(ann, "sms", BY_COMMAND)
    allowing.ask(ann, "sms")
    link = in_texts(phone)
    later = (timezone.now() + timedelta(days=days)).timestamp()
    monkeypatch.setattr("audiences.links.web_addresses.time.time", lambda: later)
    assert browser().post(link).status_code == (200 if days == 6 else 404)


@pytest.mark.parametrize("token", ["x", "a.b.c", "W10.x.y", "é" * 20, "confirm"])
def test_a_forged_link_is_a_bad_link(token: str) -> None:
    assert browser().get(f"/u/allow/{token}/").status_code == 404
    with pytest.raises(BadLink):
        allowing.look(token)


def test_a_double_click_asks_once_and_a_day_once(
    ann: Profile, phone: type[Phone], monkeypatch: pytest.MonkeyPatch
) -> None:
    consent.opt_out(ann, "sms", BY_COMMAND)
    url = path_to(page("preferences", channels=["sms"]), ann)
    for _click in range(2):
        text = words(browser().post(url, {"channels": ["sms"]}))
        assert "we've just sent you there" in text
    outbox.send_waiting()
    assert len(phone.taken) == 1
    monkeypatch.setattr("audiences.outbox.queue.DOUBLE_CLICK", timedelta(0))
    text = words(browser().post(url, {"channels": ["sms"]}))
    assert "We couldn't send you a link" in text
    outbox.send_waiting()
    assert len(phone.taken) == 1


@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_confirming_in_many_windows_at_once_opts_in_once(ann: Profile) -> None:
    consent.opt_out(ann, "any", BY_COMMAND)
    allowing.ask(ann, "sms")
    token = in_texts(Phone).rstrip("/").rpartition("/")[2]
    done = at_once(*(lambda: allowing.confirm(token, BY_PAGE) for _ in range(8)))
    stages = [found.stage for found in done]
    assert stages.count(allowing.Stage.DONE) == 1
    assert flags(ann) == ALL - {"sms"}
    assert verify_consent().is_consistent


# ------------------------------------------------------------------ services
@pytest.mark.parametrize("double_opt_in", [True, False])
def test_a_service_on_another_channel_is_confirmed_there(
    ann: Profile, phone: type[Phone], double_opt_in: bool
) -> None:
    """Also where the service itself asks for nothing."""
    service = Service.objects.create(
        slug="alert", label="Alert", channel="sms", double_opt_in=double_opt_in
    )
    url = path_to(page("subscription", service=service), ann)
    assert "isn't confirmed yet" in words(browser().post(url, {"act": "1"}))
    assert subscriptions_of(ann) == set()
    browser().post(in_texts(phone))
    assert subscriptions_of(ann) == {"alert"}


def test_a_confirmation_counts_at_the_address_that_messages_go_to_now(
    server: Mailboxes, ann: Profile
) -> None:
    service = news()
    service.double_opt_in = True
    service.save()
    subscriptions.request(ann, service, BY_PAGE)
    outbox.send_waiting()
    link = path(next(url for url in server.links() if "/u/confirm/" in url))
    addresses.attach(ann, "email", "ann@newer.example", primary=True)
    assert browser().get(link).status_code == browser().post(link).status_code == 404
    assert Subscription.objects.get().status == "pending"


# ------------------------------------------------------------------ signing up
def test_signing_up_with_an_old_address_decides_nothing_about_the_newer_one(
    server: Mailboxes, ann: Profile
) -> None:
    service = news()
    made = page("acquisition", channels=["email", "sms"], services=[service])
    for scope in ("email", "sms"):
        consent.opt_out(ann, scope, BY_COMMAND)
    assert made.live_version
    requesting.request_signup(
        made.live_version,
        {"email": OLD, "channels": ["email", "sms"], "services": [service.pk]},
        language="en",
        network="",
    )
    outbox.send_waiting()
    browser().post(path(server.links()[0]))
    assert flags(ann) == {"email", "sms"}
    assert subscriptions_of(ann) == set()
    other = Profile.objects.exclude(pk=ann.pk).get()
    assert other.addresses.get().key == OLD
    assert (flags(other), subscriptions_of(other)) == (set(), {"news"})


def test_signing_up_by_mail_asks_for_other_channels_at_their_addresses(
    server: Mailboxes, ann: Profile, phone: type[Phone]
) -> None:
    made = page("acquisition", channels=["email", "sms", "phone"])
    for scope in ("email", "sms", "phone"):
        consent.opt_out(ann, scope, BY_COMMAND)
    assert made.live_version
    requesting.request_signup(
        made.live_version,
        {"email": ANN, "channels": ["email", "sms", "phone"]},
        language="en",
        network="",
    )
    outbox.send_waiting()
    text = words(browser().post(path(server.links()[0])))
    assert "To get our text messages, please open the link" in text
    assert "can't ask you here to confirm that you want our phone calls" in text
    assert flags(ann) == {"sms", "phone"}
    browser().post(in_texts(phone))
    assert flags(ann) == {"phone"}


def test_what_was_ticked_without_an_address_is_no_consent(server: Mailboxes) -> None:
    """A new profile has the address that was confirmed, and no number."""
    made = page("acquisition", channels=["email", "sms"])
    assert made.live_version
    requesting.request_signup(
        made.live_version,
        {"email": ANN, "channels": ["email", "sms"]},
        language="en",
        network="",
    )
    outbox.send_waiting()
    browser().post(path(server.links()[0]))
    assert history(Profile.objects.get()) == [("opt_in", "email")]


# ------------------------------------------------------------------ undo
@pytest.mark.parametrize("way", ["one click", "page", "same page"])
def test_an_undo_does_not_lift_what_somebody_else_has_said_again(
    ann: Profile, way: str
) -> None:
    """Whoever stops first would otherwise hold the key to start again, for a day."""
    scope = "email" if way != "page" else "any"
    stop = path_to(page("denylist" if way == "page" else "unsubscription"), ann)
    eve = browser(**{"User-Agent": "Eve"})
    undo = undo_of(eve.post(stop, {"act": "1"}))
    assert undo
    ways = {"one click": one_click_path(ann), "page": stop, "same page": stop}
    for _press in range(3):
        browser().post(ways[way], {"act": "1"})
    eve.post(stop, {"undo": undo})
    assert flags(ann) == {scope}
    assert history(ann) == [("opt_out", scope)] * 2, (
        "on record once more, not more often"
    )
    assert verify_consent().is_consistent


def test_an_undo_ends_after_a_day(
    ann: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = path_to(page("denylist"), ann)
    undo = undo_of(browser().post(stop, {"act": "1"}))
    later = timezone.now() + timedelta(days=1, minutes=1)
    monkeypatch.setattr("audiences.visits.undoing.timezone.now", lambda: later)
    assert "nothing left to undo" in words(browser().post(stop, {"undo": undo}))
    assert flags(ann) == {"any"}
