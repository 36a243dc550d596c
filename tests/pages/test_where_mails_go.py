"""The address that is checked is the address that is used: as the mail server gets it."""

from collections.abc import Iterator
from typing import Any

import pytest

from audiences import addresses, outbox, subscriptions
from audiences.addresses.outgoing import as_sent
from audiences.models import OutboxMail, Profile, SignupRequest
from audiences.signups import requesting
from audiences.signups.mailing_links import request_link
from delivery import quarantine
from tests.factories import ProfileFactory

from . import mailboxes
from .mailboxes import Mailboxes
from .test_double_opt_in import BY_PAGE
from .visitors import browser, news, page

pytestmark = pytest.mark.django_db
HERE = "192.0.2.0/24"

# As stored; the domain that must be asked for (IDNA 2008, RFC 5891).
DOMAINS = [
    ("Ann@straße-beispiel.de", "xn--strae-beispiel-3fb.de"),
    ("ann@faß.de", "xn--fa-hia.de"),
    ("ann@FAẞ.de", "xn--fa-hia.de"),
    ("ann@Βόλος.gr", "xn--nxasmm1c.gr"),
    ("ann@Bücher.Example", "xn--bcher-kva.example"),
    ("ann@раураl.example", "xn--l-7sba6dbr.example"),
    ("ann@例え.テスト", "xn--r8jz45g.xn--zckzah"),
    ("ann@SHOP.example", "shop.example"),
    ("ann@shop。example", "shop.example"),
    ("a.b+c'd@XN--FA-HIA.de", "xn--fa-hia.de"),
]


@pytest.fixture
def server(settings: Any) -> Iterator[Mailboxes]:
    with mailboxes.running() as boxes:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", boxes.port
        yield boxes


def link(given: str) -> None:
    request_link(given, page="stop", kind="denylist", language="en", network=HERE)


def sign_up(given: str) -> None:
    made = page("acquisition", channels=["email"])
    assert made.live_version
    requesting.request_signup(
        made.live_version,
        {"email": given, "channels": ["email"]},
        language="en",
        network=HERE,
    )


def opt_in(given: str) -> None:
    service = news()
    service.double_opt_in = True
    service.save()
    subscriptions.request(profile_of(given), service, BY_PAGE)


def profile_of(given: str) -> Profile:
    found = addresses.with_key("email", addresses.normalise("email", given).key).first()
    assert found
    return found.profile


@pytest.mark.parametrize(("stored", "domain"), DOMAINS)
@pytest.mark.parametrize("ask", [link, sign_up, opt_in])
def test_every_mail_goes_to_the_stored_local_part_at_the_domain_of_the_key(
    server: Mailboxes, ask: Any, stored: str, domain: str
) -> None:
    ProfileFactory(email=stored)
    ask(stored)
    assert outbox.send_waiting() == {"sent": 1}
    [(to, message)] = server.messages
    wanted = f"{stored.rpartition('@')[0]}@{domain}"
    assert to == message["To"] == wanted
    assert addresses.normalise("email", to) == addresses.Normalised(
        wanted, addresses.normalise("email", stored).key
    )
    assert OutboxMail.objects.get().to == wanted, "the log says where it went"


@pytest.mark.parametrize("ask", [link, sign_up])
@pytest.mark.parametrize(
    "typed",
    ["ANN@shop.example", "ann@SHOP.example", " Ann@Shop.Example ", "aNN@shop。example"],
)
def test_it_goes_to_the_stored_address_never_to_what_was_typed(
    server: Mailboxes, ask: Any, typed: str
) -> None:
    """Where letter case counts, the typed one may be somebody else's mailbox."""
    ProfileFactory(email="Ann@shop.example")
    ask(typed)
    outbox.send_waiting()
    assert server.counts == {"Ann@shop.example": 1}


def test_an_unknown_address_is_signed_up_at_the_domain_of_its_key(
    server: Mailboxes,
) -> None:
    sign_up("New@straße-beispiel.de")
    outbox.send_waiting()
    assert server.counts == {"New@xn--strae-beispiel-3fb.de": 1}
    path = "/" + server.links()[0].split("/", 3)[3]
    browser().post(path)
    [address] = Profile.objects.get().addresses.all()
    assert address.value == "New@straße-beispiel.de"
    assert address.key == "new@xn--strae-beispiel-3fb.de"
    assert SignupRequest.objects.get().email == ""


@pytest.mark.parametrize("ask", [link, sign_up, opt_in])
def test_a_denylisted_domain_with_a_sharp_s_gets_nothing(
    server: Mailboxes, ask: Any
) -> None:
    """It left for the other domain, past its entry."""
    ProfileFactory(email="ann@straße-beispiel.de")
    quarantine.set_status(
        "email", "ann@xn--strae-beispiel-3fb.de", "denylisted", source="operator"
    )
    ask("ann@straße-beispiel.de")
    assert outbox.send_waiting() == {"denylisted": 1}
    assert server.messages == []


@pytest.mark.parametrize(
    ("channel", "value", "sent"),
    [
        ("sms", "06-12 34 56 78", "+31612345678"),
        ("phone", "+31 (0)20 123 45 67", "+31201234567"),
        ("fax", "0031 20 1234567", "+31201234567"),
        ("push", "Token-Ab", "Token-Ab"),
        ("direct_mail", "Dam 1, Amsterdam", "Dam 1, Amsterdam"),
        ("email", '"a b"@Faß.de', '"a b"@xn--fa-hia.de'),
    ],
)
def test_what_leaves_on_each_channel(
    channel: str, value: str, sent: str, settings: Any
) -> None:
    settings.PHONE_REGION = "NL"
    given = addresses.normalise(channel, value)
    assert as_sent(channel, given.value, given.key) == sent
