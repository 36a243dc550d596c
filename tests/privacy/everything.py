"""A person about whom every table has something, through the doors that people use."""

import base64
import quopri
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse

from audiences import addresses, consent, landing_pages, membership, subscriptions
from audiences.imports import runs
from audiences.models import Profile
from audiences.selections import bulk_acts
from audiences.signups import mailing_links, requesting
from audiences.sql import fetch, is_postgresql
from delivery import analysis, deliveries, quarantine
from delivery.feedback import intake
from delivery.models import Delivery
from delivery.sending import handover
from tests.people import ORIGIN, is_, person, tree

FIRST, LAST, NUMBER = "Zébulon", "Quäckenbusch", "KLANT-829341"
EMAIL = "Zeb.Quack+nieuws@bücher.example"
IDNA = "Zeb.Quack+nieuws@xn--bcher-kva.example"
OLD = "oud.quack@former.example"
SMS = "+31612345987"
POST = "Kwakelsteeg 17, 9999 ZZ Quackdorp"


def spellings(address: str) -> list[str]:
    """Eight ways in which an address may be written."""
    local, _at, domain = address.partition("@")
    ascii_domain = domain.encode("idna").decode()
    return [
        address,
        address.lower(),
        address.upper(),
        f"{local}@{ascii_domain}",
        quote(address, safe=""),
        base64.b64encode(address.encode()).decode(),
        base64.b64encode(b"x" + address.lower().encode()).decode()[2:-4],
        quopri.encodestring(address.encode()).decode().strip(),
        address.replace("@", "=40"),
        address.replace("@", "="),
    ]


def forbidden() -> list[str]:
    """What may be nowhere once the person is erased."""
    import hashlib

    keys = [addresses.normalise("email", text).key for text in (EMAIL, OLD)]
    hashes = [
        hashlib.new(name, key.encode()).hexdigest()
        for name in ("md5", "sha1", "sha256")
        for key in (*keys, SMS)
    ]
    numbers = [SMS, SMS[1:], "0612345987", "06 12345987", "06-12345987"]
    names = [FIRST, LAST, FIRST.lower(), LAST.upper(), "Qu\\u00e4ckenbusch"]
    emails = [text for address in (EMAIL, OLD) for text in spellings(address)]
    return [*emails, *numbers, *names, NUMBER, NUMBER.lower(), POST, *hashes]


def dump() -> str:
    """Every row of every table as text; what is binary is read as text too."""
    if is_postgresql():
        rows = fetch(
            "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'"
        )
    else:
        connection.ensure_connection()
        rows = fetch(
            "SELECT '\"' || name || '\"' FROM sqlite_master WHERE type='table'"
        )
    parts = []
    for (table,) in rows:
        parts += [
            _text(cell) for row in fetch(f"SELECT * FROM {table}") for cell in row
        ]
    return "\n".join(parts)


def _text(cell: Any) -> str:
    if isinstance(cell, bytes | memoryview):
        return bytes(cell).decode("utf-8", "replace")
    return str(cell)


def found() -> list[str]:
    """What of the person is in the database, in small letters."""
    everything = dump().casefold()
    return [text for text in forbidden() if text.casefold() in everything]


@dataclass
class Everything:
    """The person, and what else the tests ask about."""

    profile: Profile
    delivery: Delivery
    client: Client


def make(admin: User) -> Everything:
    client = Client()
    client.force_login(admin)
    profile = person(
        external_id=NUMBER,
        first_name=FIRST,
        last_name=LAST,
        language="nl",
        email=OLD,
        sms=SMS,
    )
    delivery = _sent(profile)
    addresses.attach(profile, "email", EMAIL, primary=True)
    addresses.detach(profile.addresses.get(value=OLD))
    addresses.attach(profile, "direct_mail", POST, primary=True)
    _asked(profile)
    _operated(profile, client)
    _imported(admin.username)
    _came_back(delivery)
    return Everything(profile, delivery, client)


def _sent(profile: Profile) -> Delivery:
    """A delivery to the address of before, which an analysis and a message still have."""
    audience = membership.list_of("Eén klant", [profile.pk])
    delivery = deliveries.create("Nieuws", channel="email", audience=lambda: audience)
    analysis.analyse(delivery)
    handover.record_handover(delivery, delivery.created_at)
    delivery.messages.update(message_id="1@mta.example")
    texts = deliveries.create("Sms", channel="sms", audience=lambda: audience)
    analysis.analyse(texts)
    handover.record_handover(texts, texts.created_at)
    return delivery


def _asked(profile: Profile) -> None:
    page = landing_pages.create("aanmelden", kind="acquisition")
    page.allows_unidentified = True
    page.extra_fields = ["first_name", "last_name"]
    page.save()
    version = landing_pages.publish(page).version
    wish = requesting.Wish(
        email=EMAIL,
        fields={"first_name": FIRST, "last_name": LAST},
        channels=["email"],
    )
    requesting.request_signup(version, wish, language="nl", network="10.0.0.0/24")
    for by, text in (("email", EMAIL), ("sms", SMS), ("external_id", NUMBER)):
        mailing_links.request_link(
            *(text,), page="aanmelden", kind="acquisition", language="nl",
            network="10.0.0.0/24", found_by=by,
        )  # fmt: skip
    service = subscriptions.create_service("nieuws", label="Nieuws", channel="email")
    subscriptions.subscribe(profile, service, ORIGIN)
    consent.opt_out(profile, "phone", ORIGIN)


def _operated(profile: Profile, client: Client) -> None:
    """What operators wrote on pages, and looked for."""
    page = reverse("admin:audiences_profile_addresses_add", args=[profile.pk])
    client.post(page, {"channel": "fax", "address": "+31201234598"})
    bulk_acts.begin(
        "opt_out",
        {"q": f"{LAST.lower()}"},
        actor="eva",
        note=f"{FIRST} {LAST} belde op 06-12345987",
        details={"scope": "fax"},
    )
    export = reverse("admin:audiences_profile_export")
    b"".join(client.post(f"{export}?q={LAST}").streaming_content)  # type: ignore[attr-defined]
    membership.create_with_condition("Alleen die ene", tree(is_("last_name", LAST)))
    deliveries.create(
        "Voor één",
        channel="email",
        purpose="transactional",
        purpose_note=f"asked by {EMAIL.upper()} ({NUMBER})",
    )


def _imported(actor: str) -> None:
    header = "external_id;first_name;last_name;email;sms\n"
    rejected = f"{NUMBER};{FIRST};{LAST};{EMAIL};+31612345987x\n"
    done = runs.upload(f"{LAST}.csv", [(header + rejected).encode()], actor=actor)
    runs.perform(done)
    runs.confirm(done)
    runs.perform(done)
    waits = f"{NUMBER};{FIRST};{LAST};{EMAIL};{SMS}\nB2;Bo;Bos;bo@shop.example;\n"
    runs.perform(runs.upload("wacht.csv", [(header + waits).encode()], actor=actor))


def _came_back(delivery: Delivery) -> None:
    bounce = f"""From: MAILER-DAEMON@mx.example
To: news@shop.example
Subject: Undelivered
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

{FIRST} {LAST} <{OLD}> does not live here.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; {OLD}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 <{OLD}>: no such user

--b
Content-Type: text/rfc822-headers

Message-ID: <1@mta.example>
To: {OLD}

--b--
"""
    for number, raw in enumerate((bounce, f"\x00\xff {quote(EMAIL)} ???")):
        item, _new = intake.receive("mail", raw.encode("utf-8", "replace"))
        intake.process(item)
        assert number < 2
    quarantine.record("sms", SMS, type="hard", source="test", text=f"no {SMS}")
    quarantine.set_status("email", OLD, "denylisted", source="test", text=OLD)
