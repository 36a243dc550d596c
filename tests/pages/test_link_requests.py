"""Visitors without a link: they learn nothing, change nothing, and bomb nobody."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audiences import addresses, consent, links, organisation, outbox, privacy
from audiences.addresses import InvalidAddress
from audiences.links import BadLink
from audiences.models import (
    ConsentEvent,
    ConsentEvidence,
    LandingPageVersion,
    OutboxMail,
    Profile,
    RequestCount,
    SignupRequest,
    Subscription,
)
from audiences.outbox import caps
from audiences.records import profiles
from audiences.records.verification import verify_consent
from audiences.signups import confirming, proof_of_work, requesting
from audiences.signups.confirming import Confirmed
from audiences.signups.mailing_links import request_link
from audiences.signups.requesting import InvalidSignup
from delivery import quarantine
from tests.audiences.test_consent_races import at_once
from tests.factories import BY_COMMAND, ProfileFactory, ServiceFactory

from . import mailboxes
from .mailboxes import Mailboxes
from .test_proof_of_work import solved, written
from .visitors import browser, page, words

pytestmark = pytest.mark.django_db
on_postgresql = pytest.mark.skipif(
    connection.vendor == "sqlite", reason="SQLite in memory has one connection"
)
ANN = "ann@shop.example"
HERE = "192.0.2.0/24"
BY_SAFARI = consent.Origin(
    source="landing_page", ip="198.51.100.9", user_agent="Safari"
)


@pytest.fixture
def server(settings: Any) -> Iterator[Mailboxes]:
    with mailboxes.running() as boxes:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", boxes.port
        yield boxes


@pytest.fixture
def generous(settings: Any) -> None:
    """Caps that no test reaches."""
    settings.REQUESTS_PER_ADDRESS = settings.REQUESTS_PER_NETWORK = 100_000


def ask(given: str = ANN, network: str = HERE, **facts: Any) -> None:
    request_link(
        given,
        network=network,
        **{"page": "stop", "kind": "denylist", "language": "en"} | facts,
    )


@pytest.fixture
def joining() -> LandingPageVersion:
    """A page to sign up on, with two channels, a service and every extra field."""
    made = page(
        "acquisition",
        channels=["email", "sms"],
        services=[ServiceFactory(slug="news")],
        extra_fields=["first_name", "last_name", "language", "country"],
        needs_agreement=True,
    )
    assert made.live_version is not None
    return made.live_version


def sign_up(
    version: LandingPageVersion, email: str = ANN, network: str = HERE, **data: Any
) -> None:
    if version.content["channels"] and not {"channels", "services"} & {*data}:
        data["channels"] = version.content["channels"][:1]
    requesting.request_signup(
        version,
        {"email": email, "agreed": True} | data,
        language="nl",
        network=network,
        ip="192.0.2.7",
        user_agent="Firefox",
    )


def confirm_last(server: Mailboxes) -> Confirmed:
    """Open the link in the newest mail and press the button."""
    outbox.send_waiting()
    token = server.links()[-1].rstrip("/").rpartition("/")[2]
    return confirming.confirm_signup(token, BY_SAFARI)


# -------------------------------------------------------- nobody can tell who is known
def known() -> None:
    ProfileFactory(email=ANN)


def known_three_times() -> None:
    for _number in range(3):
        ProfileFactory(email=ANN)


def opted_out() -> None:
    consent.opt_out(ProfileFactory(email=ANN), "any", BY_COMMAND)


def denylisted() -> None:
    ProfileFactory(email=ANN)
    quarantine.set_status("email", ANN, "denylisted", source="operator")


def without_values(captured: CaptureQueriesContext) -> list[str]:
    texts = (query["sql"] for query in captured)
    values = r"'(?:[^']|'')*'(?:::\w+)?|\b\d+\b|s\d+_x\d+"
    return [re.sub(values, "?", text) for text in texts]


def statements_of(act: Callable[[], None]) -> list[str]:
    """The statements of an act, without their values."""
    with CaptureQueriesContext(connection) as captured:
        act()
    return without_values(captured)


@pytest.mark.parametrize("somebody", [known, known_three_times, opted_out, denylisted])
@pytest.mark.parametrize("capped", [False, True])
def test_a_request_runs_the_same_statements_for_known_and_unknown(
    somebody: Callable[[], None],
    capped: bool,
    joining: LandingPageVersion,
    settings: Any,
) -> None:
    somebody()
    if capped:
        for address in (ANN, "nobody@shop.example") * settings.REQUESTS_PER_ADDRESS:
            ask(address)
    acts: list[Callable[[str], None]] = [ask, lambda to: sign_up(joining, to)]
    for act in acts:
        of_known = statements_of(lambda act=act: act(ANN))
        of_unknown = statements_of(lambda act=act: act("nobody@shop.example"))
        assert of_known == of_unknown
        assert 3 < len(of_known) <= 8  # with a savepoint
        read = " ".join(of_known)
        assert "audiences_profile" not in read
        assert "audiences_address" not in read
        assert "quarantine" not in read


@pytest.mark.parametrize("kind", ["denylist", "subscription"])
@pytest.mark.parametrize("somebody", [known, known_three_times, opted_out, denylisted])
def test_the_page_answers_the_same_for_known_unknown_and_capped(
    somebody: Callable[[], None], kind: str, settings: Any
) -> None:
    settings.PROOF_OF_WORK_ROUNDS = 1
    service = ServiceFactory() if kind == "subscription" else None
    page(kind, service=service, languages=["en"])
    somebody()
    answers, runs = [], []
    organisation.last_known()
    for address in (ANN, "nobody@shop.example") * 5:
        proof = written(solved(proof_of_work.challenge()))
        data = {"address": address, "email": address, "proof": proof}
        with CaptureQueriesContext(connection) as captured:
            answers.append(browser().post(f"/p/{kind}/", data))
        runs.append(without_values(captured))
    said = [
        (answer.status_code, answer.content.replace(address.encode(), b"TYPED"))
        for answer, address in zip(
            answers, (ANN, "nobody@shop.example") * 5, strict=True
        )
    ]
    assert said[0::2] == said[1::2], "each of the known as each of the unknown"
    assert runs[0::2] == runs[1::2]
    most = settings.REQUESTS_PER_ADDRESS
    if kind == "subscription":
        most = settings.CONFIRMATIONS_PER_SERVICE
    assert OutboxMail.objects.count() == 2 * most
    taken, refused = answers[: 2 * most], answers[2 * most :]
    assert {answer.status_code for answer in answers} == {200}
    assert all("Check your messages" in words(answer) for answer in taken)
    assert all("No message was sent" in words(answer) for answer in refused)


def test_an_unknown_address_is_asked_for_and_gets_nothing(server: Mailboxes) -> None:
    ask()
    assert outbox.send_waiting() == {"nobody": 1}
    assert server.messages == []
    row = OutboxMail.objects.get()
    assert (row.to, row.result) == (ANN, "nobody")


@pytest.mark.parametrize(
    "given", ["", "nonsense", "a@", "ann@shop.example\nBcc: x@y.z"]
)
def test_what_is_no_address_is_refused_at_once(given: str) -> None:
    with pytest.raises(InvalidAddress):
        ask(given)
    assert not OutboxMail.objects.exists()


# ------------------------------------------------------------------ links for the known
def test_each_profile_of_an_address_gets_its_own_link_in_one_mail(
    server: Mailboxes,
) -> None:
    people = [ProfileFactory(email=text) for text in (ANN, ANN.upper(), "b@x.example")]
    ask(" Ann@Shop.Example ")
    assert outbox.send_waiting() == {"sent": 1}
    assert server.counts == {ANN: 1}, "as the oldest has it, not as it was typed"
    tokens = [url.rstrip("/").rpartition("/")[2] for url in server.links()]
    found = [links.read_page_token(token, "stop") for token in tokens]
    assert [link.profile_id for link in found] == [p.pk for p in people[:2]]
    assert {(link.kind, link.channel, link.is_fresh) for link in found} == {
        ("denylist", "email", True)
    }


def test_mails_hold_nothing_that_somebody_typed(
    server: Mailboxes, joining: LandingPageVersion
) -> None:
    lure = "Win a prize http://evil.example/"
    ProfileFactory(email=ANN, first_name=lure, last_name="<b>bold</b>")
    ask()
    sign_up(joining, fields={"first_name": lure, "last_name": lure})
    outbox.send_waiting()
    assert len(server.messages) == 2
    for _to, message in server.messages:
        whole = str(message["Subject"]) + mailboxes.plain(message)
        whole += mailboxes.html(message)
        assert "evil" not in whole
        assert "bold" not in whole


@pytest.mark.parametrize(
    ("found_by", "given", "channel"),
    [("sms", "+31 6 12345678", "sms"), ("external_id", " K-7 ", "email")],
)
def test_who_is_known_by_a_number_gets_the_link_at_the_email_address_on_record(
    server: Mailboxes, found_by: str, given: str, channel: str
) -> None:
    profile = ProfileFactory(email=ANN, sms="+31612345678", external_id="K-7")
    ProfileFactory(email=ANN)  # a twin whose number it is not
    ask(given, found_by=found_by)
    assert outbox.send_waiting() == {"forwarded": 1, "sent": 1}
    assert server.counts == {ANN: 1}
    [url] = server.links()
    link = links.read_page_token(url.rstrip("/").rpartition("/")[2], "stop")
    assert (link.profile_id, link.channel) == (profile.pk, channel)


def test_an_unknown_number_is_asked_for_and_gets_nothing(server: Mailboxes) -> None:
    ProfileFactory(email=ANN, external_id="K-7")
    ask("+31612345678", found_by="sms")
    ask("K-8", found_by="external_id")
    assert outbox.send_waiting() == {"nobody": 2}


def test_numbers_do_not_lead_around_the_cap_of_an_email_address(
    server: Mailboxes,
) -> None:
    ProfileFactory(email=ANN, sms="+31612345678", external_id="K-7")
    for given, found_by in (
        ("K-7", "external_id"),
        ("+31612345678", "sms"),
        (ANN, "email"),
    ) * 3:
        ask(given, found_by=found_by)
        outbox.send_waiting()
    assert server.counts == {ANN: 3}


# ------------------------------------------------------------------------------- caps
@pytest.mark.one_database
def test_ten_thousand_requests_for_a_hundred_victims_stay_within_the_caps(
    server: Mailboxes, joining: LandingPageVersion, settings: Any
) -> None:
    victims = [f"victim{number}@shop.example" for number in range(100)]
    for address in victims[:50]:
        ProfileFactory(email=address)
    for number in range(10_000):
        address = victims[number % 100]
        network = f"10.{number // 256 % 256}.{number % 256}.0/24"
        if number // 100 % 2:
            ask(address, network)
        else:
            sign_up(joining, address, network)
    most = settings.REQUESTS_PER_ADDRESS
    rows = OutboxMail.objects.values_list("key", flat=True)
    assert sorted(rows) == sorted(victims * most)
    outbox.send_waiting()
    assert set(server.counts) == set(victims), "each has at least one confirmation"
    assert max(server.counts.values()) == most
    assert SignupRequest.objects.count() <= 100 * most


def test_spellings_of_one_address_share_its_cap() -> None:
    for given in (ANN, "ANN@shop.example", "Ann@SHOP.example", " ann@Shop.Example"):
        ask(given)
    assert OutboxMail.objects.count() == 3


@pytest.mark.parametrize(
    "spellings",
    [
        (
            "a@shop.example",
            "a+1@shop.example",
            "a+2@shop.example",
            "A+x+y@shop.example",
        ),
        ("an.n@gmail.com", "ann@gmail.com", "a.n.n@googlemail.com", "ann+x@gmail.com"),
        ("a@b\u00fccher.example", *3 * ("a+b@xn--bcher-kva.example",)),
    ],
)
def test_a_mailbox_is_not_flooded_by_spellings_of_its_name(
    spellings: tuple[str, ...],
) -> None:
    for given in spellings:
        ask(given)
    assert OutboxMail.objects.count() == 3


def test_a_network_has_a_cap_and_uses_up_no_address_after_it(settings: Any) -> None:
    for number in range(30):
        ask(f"a{number}@shop.example")
    assert OutboxMail.objects.count() == settings.REQUESTS_PER_NETWORK == 20
    for _number in range(5):
        ask(ANN)
    for _number in range(5):
        ask(ANN, network="198.51.100.0/24")
    assert OutboxMail.objects.filter(key=ANN).count() == 3


def test_caps_are_for_a_day_and_yesterdays_counters_are_removed() -> None:
    for _number in range(4):
        ask()
    RequestCount.objects.update(day=timezone.now().date() - timedelta(days=1))
    ask()
    assert OutboxMail.objects.count() == 4
    assert caps.clean_up() == 2
    assert RequestCount.objects.count() == 2


def test_counters_name_nobody() -> None:
    ask()
    for row in RequestCount.objects.all():
        assert re.fullmatch("[0-9a-f]{64}", row.subject)


@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_requests_at_the_same_moment_stay_within_the_caps() -> None:
    def bomb(number: int) -> None:
        for round_ in range(10):
            ask(ANN, network=f"10.{number}.{round_ % 2}.0/24")
            ask(f"a{round_}-{number}@x.example", network=HERE)

    at_once(*(lambda number=number: bomb(number) for number in range(8)))
    assert OutboxMail.objects.filter(key=ANN).count() == 3
    assert OutboxMail.objects.filter(network=HERE).count() == 20


# -------------------------------------------------------------------------- signing up
def test_nothing_happens_before_the_address_confirms(
    joining: LandingPageVersion,
) -> None:
    profile = ProfileFactory(email=ANN, last_name="")
    consent.opt_out(profile, "email", BY_COMMAND)
    before = profiles.describe(profile)
    sign_up(joining, fields={"last_name": "Jansen"}, channels=["email"])
    sign_up(joining, "new@shop.example", channels=["email"])
    after = profiles.describe(Profile.objects.get())
    # Only the request itself is known now.
    assert len(after.pop("signup_requests")) == 1
    assert before.pop("signup_requests") == []
    assert after == before


def test_confirming_makes_a_profile_with_what_was_asked_and_the_proof_of_it(
    server: Mailboxes, joining: LandingPageVersion
) -> None:
    service = joining.content["services"][0]["id"]
    sign_up(
        joining,
        "Ann@Shop.example",
        fields={"first_name": " Ann ", "country": "nl"},
        channels=["email"],
        services=[str(service)],
    )
    done = confirm_last(server)
    assert done.is_first
    profile = done.profile
    assert profile is not None
    assert (profile.first_name, profile.country, profile.language) == (
        "Ann",
        "NL",
        "nl",
    )
    [address] = profile.addresses.all()
    assert (address.value, address.is_primary) == ("Ann@Shop.example", True)
    assert not profile.no_longer_contact_email
    assert profile.no_longer_contact_sms, "offered, and not ticked"
    events = ConsentEvent.objects.filter(profile=profile).order_by("id")
    assert {(e.kind, e.channel, e.service_id) for e in events} == {
        ("opt_in", "email", None),
        ("opt_out", "sms", None),
        ("subscribe", "", service),
    }
    assert {(e.source, e.wording_version) for e in events} == {
        ("landing_page", joining.name)
    }
    evidence = ConsentEvidence.objects.get(event=events[0])
    assert (evidence.ip, evidence.user_agent) == ("198.51.100.9", "Safari")
    assert "from 192.0.2.7, Firefox" in evidence.note
    request = SignupRequest.objects.get()
    assert (request.email, request.key, request.ip) == ("", "", None)
    assert {*request.data} == {"channels", "services"}
    assert verify_consent().is_consistent


def test_confirming_adds_to_the_oldest_profile_and_takes_nothing_away(
    server: Mailboxes, joining: LandingPageVersion
) -> None:
    oldest = ProfileFactory(email=ANN, first_name="Anna", last_name="", language="en")
    twin = ProfileFactory(email=ANN, last_name="")
    for scope in ("any", "email"):
        consent.opt_out(oldest, scope, BY_COMMAND)
    sign_up(
        joining,
        fields={"first_name": "Mallory", "last_name": "Jansen", "language": "nl"},
        channels=["email"],
    )
    done = confirm_last(server)
    assert done.profile == oldest
    oldest.refresh_from_db()
    assert (oldest.first_name, oldest.last_name, oldest.language) == (
        "Anna",
        "Jansen",
        "en",
    )
    assert not oldest.no_longer_contact_email
    assert not oldest.no_longer_contact_sms, "not ticked: says nothing"
    assert oldest.no_longer_contact, "cleared only where its box is"
    twin.refresh_from_db()
    assert twin.last_name == ""
    assert verify_consent().is_consistent


def test_a_subscription_page_subscribes_without_a_tick(server: Mailboxes) -> None:
    service = ServiceFactory()
    version = page("subscription", service=service).live_version
    assert version is not None
    sign_up(version)
    done = confirm_last(server)
    subscription = Subscription.objects.get()
    assert (subscription.service, subscription.status) == (service, "active")
    assert subscription.profile == done.profile


def test_confirming_twice_acts_once(
    server: Mailboxes, joining: LandingPageVersion
) -> None:
    sign_up(joining, channels=["email"])
    first = confirm_last(server)
    events = ConsentEvent.objects.count()
    again = confirm_last(server)
    assert (again.profile, again.is_first) == (first.profile, False)
    assert (Profile.objects.count(), ConsentEvent.objects.count()) == (1, events)
    assert first.profile is not None
    SignupRequest.objects.update(profile_id=first.profile.pk + 1)
    assert confirm_last(server).profile is None


def test_two_sign_ups_of_an_address_make_one_profile(
    server: Mailboxes, joining: LandingPageVersion
) -> None:
    for _number in range(2):
        sign_up(joining, fields={"first_name": "Ann"})
        assert confirm_last(server).profile == Profile.objects.get()


@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_confirming_in_many_windows_at_once_makes_one_profile(
    server: Mailboxes, joining: LandingPageVersion, generous: None
) -> None:
    for _number in range(4):
        sign_up(joining, channels=["email"])
    outbox.send_waiting()
    tokens = [url.rstrip("/").rpartition("/")[2] for url in server.links()]
    assert len(tokens) == 4
    done = at_once(
        *(
            lambda token=token: confirming.confirm_signup(token, BY_SAFARI)
            for token in tokens * 2
        )
    )
    assert Profile.objects.count() == 1
    assert sum(confirmed.is_first for confirmed in done) == 4
    kinds = ConsentEvent.objects.order_by("id").values_list("kind", "channel")
    # Each confirmation is a consent of its own; the opt-out is of the new profile.
    consents = [("opt_in", "email")] * 4
    assert list(kinds) == [consents[0], ("opt_out", "sms"), *consents[1:]]


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"agreed": False}, "agreed"),
        ({"channels": ["phone"]}, "channels"),
        ({"services": [987_654]}, "services"),
        ({"fields": {"external_id": "K-7"}}, "fields"),
        ({"fields": {"first_name": "x" * 151}}, "first_name"),
        ({"fields": {"first_name": "a\0b"}}, "first_name"),
        ({"fields": {"country": "Holland"}}, "country"),
        ({"fields": {"language": "?"}}, "language"),
    ],
)
def test_what_the_page_does_not_offer_is_refused(
    joining: LandingPageVersion, data: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidSignup) as refusal:
        sign_up(joining, **data)
    assert refusal.value.field == field
    assert not RequestCount.objects.exists()


@pytest.mark.parametrize(
    "facts",
    [{"kind": "denylist"}, {"kind": "acquisition", "allows_unidentified": False}],
)
def test_only_pages_that_are_open_to_anybody_take_sign_ups(
    facts: dict[str, Any],
) -> None:
    version = page(**facts).live_version
    assert version is not None
    with pytest.raises(InvalidSignup):
        sign_up(version)


def test_no_link_confirms_but_the_right_one_in_its_time(
    server: Mailboxes, joining: LandingPageVersion, settings: Any
) -> None:
    sign_up(joining)
    outbox.send_waiting()
    token = server.links()[-1].rstrip("/").rpartition("/")[2]
    for bad in ("", "x", token[:-1], token + "A", "W10." + token, "a" * 5_000):
        with pytest.raises(BadLink):
            confirming.confirm_signup(bad, BY_SAFARI)
    now = timezone.now()
    SignupRequest.objects.update(expires_at=now)
    with pytest.raises(BadLink):
        requesting.read_confirmation(token)
    assert requesting.clean_up() == 1
    assert not Profile.objects.exists()


def test_an_expired_sign_up_gets_no_mail_any_more(
    server: Mailboxes, joining: LandingPageVersion
) -> None:
    sign_up(joining)
    SignupRequest.objects.update(expires_at=timezone.now())
    assert outbox.send_waiting() == {"outdated": 1}


def test_erasing_a_person_takes_their_requests_away(
    server: Mailboxes, joining: LandingPageVersion, generous: None
) -> None:
    sign_up(joining)
    done = confirm_last(server)
    sign_up(joining)
    sign_up(joining, "other@shop.example")
    assert done.profile is not None
    privacy.erase(done.profile)
    assert [row.email for row in SignupRequest.objects.all()] == ["other@shop.example"]


def test_a_request_that_is_rolled_back_leaves_nothing(
    joining: LandingPageVersion,
) -> None:
    with transaction.atomic():
        sign_up(joining)
        ask()
        transaction.set_rollback(True)
    for model in (OutboxMail, SignupRequest, RequestCount):
        assert not model.objects.exists()


def test_an_invalid_address_on_record_is_nobodys(server: Mailboxes) -> None:
    profile = ProfileFactory(email=ANN)
    profile.addresses.update(is_valid=False)
    assert addresses.with_key("email", ANN).count() == 0
    ask()
    assert outbox.send_waiting() == {"nobody": 1}
