"""Demo data: 20,000 invented people, with every rule met by some of them.

The same people and counts every time; dates are relative to the present. Everything
goes in through the import and the writers that real data goes through. All addresses
end in .example (RFC 2606) and the numbers are made up.
"""

import csv
import random
import tempfile
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from audiences.channels import Channel, Scope
from audiences.consent import flags as consent
from audiences.consent.flags import Origin, Source
from audiences.files.delimited import open_file
from audiences.imports.people import Listeners, Options, import_profiles
from audiences.imports.people_rows import read_header
from audiences.landing_pages import lives as landing_pages
from audiences.membership import members as membership
from audiences.models import (
    Address,
    AddressStatus,
    LandingPage,
    Profile,
    Service,
)
from audiences.refusals import Refused
from audiences.selections import bulk_acts
from audiences.subscriptions import writing as subscriptions
from delivery.analysis import runs as analysis
from delivery.deliveries import writing as deliveries
from delivery.demo import feedback as demo_feedback
from delivery.models import Delivery
from delivery.models.quarantine import ErrorReason, ErrorType
from delivery.quarantine import writing as quarantine
from delivery.sending import handover as messages

PEOPLE = 20_000
DELIVERY = "Weekly newsletter, next edition"
# Published pages, each in every language. One for visitors who come by themselves.
SIGN_UP, PREFERENCES, STOP = "welcome", "preferences", "stop-everything"
PAGES = {
    SIGN_UP: LandingPage.Kind.ACQUISITION,
    PREFERENCES: LandingPage.Kind.PREFERENCES,
    STOP: LandingPage.Kind.DENYLIST,
}
# Asks to confirm each subscription.
CONFIRMED = "recipes"
# Gets all services.
VISITOR = "P00045"

_FIRST = {
    "nl": (
        "Anna Bram Daan Emma Femke Gijs Hanna Ilse Jan Joost Kees Lieke Lotte Maarten "
        "Noor Pieter Roos Sanne Sem Tess Thijs Willem Yara Zoë"
    ).split(),
    "en": (
        "Alice Ben Chloe David Ella Finn Grace Harry Isla Jack Kate Leo Mia Noah Olive "
        "Poppy Quinn Ruby Sam Tom Una Violet Will Zara"
    ).split(),
}
_LAST = {
    "nl": (
        "Bakker|Blom|Bos|de Boer|de Groot|de Jong|de Vries|Dekker|Hendriks|Jansen|"
        "Koning|Meijer|Mulder|Peters|Smit|van den Berg|van Dijk|Visser|Vos|Willems"
    ).split("|"),
    "en": (
        "Adams|Baker|Brown|Clarke|Davies|Evans|Green|Hall|Hughes|Jones|King|Lewis|"
        "Morris|Parker|Roberts|Smith|Taylor|Turner|Walker|Wright"
    ).split("|"),
}
_HEADER = (
    "external_id voornaam achternaam taal land e-mail email_2 mobiel telefoon "
    "postadres geen_contact geen_contact_email"
).split()
_DOMAINS = ("post.example", "mail.example", "thuis.example", "work.example")


class OtherPeople(Refused):
    """The database has people in it who are not from the demo."""


def is_loaded() -> bool:
    return Delivery.objects.filter(label=DELIVERY).exists()


def load(on_step: Callable[[str], None] = lambda text: None) -> None:
    """Load the demo in one transaction; raises OtherPeople on a database in use."""
    if Profile.objects.exists():
        raise OtherPeople(
            "This database has profiles already; the demo would mix with them. "
            "Set DATABASE_URL to an empty database."
        )
    with transaction.atomic():
        on_step(f"Importing {PEOPLE:,} people from a file")
        _import_people()
        on_step("Subscribing them to three services")
        weekly = _subscribe()
        for days in (28, 21, 14, 7):
            on_step(f"The newsletter of {days} days ago, and what came back")
            last = _past_newsletter(weekly, days)
        on_step("Opt-outs by operators, and a list for the quarantine")
        _opt_outs()
        _quarantine_list()
        on_step("Bounces and text messages, some of which wait for somebody")
        demo_feedback.load(last)
        _requests()
        _bulk_change()
        on_step("Three pages where people opt in and out themselves")
        _pages(weekly)
        deliveries.create(DELIVERY, channel=Channel.EMAIL, service=weekly)


def _pages(weekly: Service) -> None:
    for slug, kind in PAGES.items():
        page = landing_pages.create(slug, kind=kind)
        if kind == LandingPage.Kind.ACQUISITION:
            page.channels, page.extra_fields = [Channel.EMAIL], ["first_name"]
            page.save()
            page.services.set([weekly])
        elif kind == LandingPage.Kind.PREFERENCES:
            page.channels = [Channel.EMAIL, Channel.SMS, Channel.DIRECT_MAIL]
            page.save()
        landing_pages.publish(page, actor="demo")


def _ago(days: float) -> datetime:
    return timezone.now() - timedelta(days=days)


def _import_people() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "people.csv"
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, delimiter=";")
            writer.writerow(_HEADER)
            writer.writerows(_people())
        file = open_file(path)
        import_profiles(
            file,
            read_header(file.header, {}),
            Options(note="demo data", actor="demo"),
            Listeners(on_reject=lambda row, problem, outcome: None),
        )


def _people() -> Iterator[list[str]]:
    """The rows of the file; one person in a hundred is the twin of the one before."""
    chance = random.Random(20_000)  # noqa: S311  (the same people every time)
    email = first = last = language = ""
    for number in range(1, PEOPLE + 1):
        if number % 100:
            language = "nl" if chance.random() < 0.7 else "en"
            first = chance.choice(_FIRST[language])
            last = chance.choice(_LAST[language])
            name = f"{first}.{last}".lower().replace(" ", "").replace("ë", "e")
            email = f"{name}.{number}@{chance.choice(_DOMAINS)}"
        elif number % 200:
            email = email.upper()
        if number % 50 == 7:
            email = ""
        elif number % 100 == 13:
            email = email.replace("@", " at ")
        yield [
            f"P{number:05}",
            first,
            last,
            language,
            "NL" if language == "nl" else chance.choice(("GB", "IE", "NL")),
            email,
            f"{name}.{number}@old.example" if number % 20 == 3 else "",
            f"+31 6 {10_000_000 + number * 37:08}" if number % 3 == 0 else "",
            f"+31 20 {4_000_000 + number:07}" if number % 7 == 0 else "",
            f"{last}straat {number % 90 + 1}, Utrecht" if number % 4 == 0 else "",
            "ja" if number % 80 == 21 else "",
            "ja" if number % 60 == 33 else "",
        ]


def _numbered(step: int, rest: int) -> QuerySet[Profile]:
    """Every so manieth person of the file."""
    names = [f"P{n:05}" for n in range(1, PEOPLE + 1) if n % step == rest]
    return Profile.objects.filter(external_id__in=names)


def _subscribe() -> Service:
    weekly = subscriptions.create_service(
        "weekly", label="Weekly newsletter", channel=Channel.EMAIL
    )
    offers = subscriptions.create_service(
        "offers", label="Special offers", channel=Channel.EMAIL, validity_days=365
    )
    alerts = subscriptions.create_service(
        "alerts", label="Alerts by SMS", channel=Channel.SMS
    )
    everybody = Profile.objects.all()
    for service, people, days in (
        (weekly, everybody.exclude(pk__in=_numbered(9, 4).values("pk")), 120),
        (offers, _numbered(4, 1), 90),
        (offers, _numbered(40, 2), 400),
        (alerts, _numbered(3, 0), 60),
    ):
        origin = Origin(source=Source.IMPORT, note="sign-up list", at=_ago(days))
        subscriptions.subscribe_all(people, service, origin)
    subscriptions.create_service(
        CONFIRMED, label="Recipes", channel=Channel.EMAIL, double_opt_in=True
    )
    return weekly


def _requests() -> None:
    """A service with double opt-in: some have confirmed, some are still asked to."""
    recipes = subscriptions.find_service(CONFIRMED)
    confirmed = Origin(source=Source.IMPORT, note="confirmed by mail", at=_ago(40))
    subscriptions.subscribe_all(_numbered(50, 45), recipes, confirmed)
    asked = Origin(source=Source.LANDING_PAGE, at=_ago(0.1))
    for profile in _numbered(8_000, 46):
        subscriptions.request(profile, recipes, asked)


def _bulk_change() -> None:
    """What an operator has done for many people at once."""
    bulk_acts.begin(
        "unsubscribe",
        {"service": "offers", "opted_out": Scope.ANY},
        actor="marieke",
        note="who opted out of everything wants no offers either",
        details={"service": "offers"},
    )


def _past_newsletter(weekly: Service, days: int) -> Delivery:
    delivery = deliveries.create(
        f"Weekly newsletter, {days} days ago",
        channel=Channel.EMAIL,
        audience=lambda: membership.subscribers(weekly),
        service=weekly,
        contact_date=_ago(days),
    )
    analysis.analyse(delivery)
    messages.record_handover(delivery, _ago(days))
    unsubscribe = Origin(
        source=Source.ONE_CLICK, delivery_id=delivery.pk, at=_ago(days - 0.2)
    )
    subscriptions.unsubscribe_all(_numbered(280, days), weekly, unsubscribe)
    _bounces(delivery, days)
    return delivery


def _bounces(delivery: Delivery, days: int) -> None:
    """What came back: hard and soft errors, a few complaints."""
    rows = delivery.messages.order_by("profile_id").exclude(address="")
    for position, message in enumerate(rows.iterator()):
        if position % 700 == days:
            kind, reason = ErrorType.HARD, ErrorReason.USER_UNKNOWN
            text = "550 5.1.1 No such user"
        elif position % 900 == 50:
            kind, reason = ErrorType.SOFT, ErrorReason.MAILBOX_FULL
            text = "452 4.2.2 Mailbox full"
        elif position % 1600 == 80 + days:
            kind, reason = ErrorType.HARD, ErrorReason.COMPLAINT
            text = "abuse report"
        elif position % 2000 == 90 and days <= 14:  # an outage, for a bulk release
            kind, reason = ErrorType.HARD, ErrorReason.UNREACHABLE
            text = "554 Service closed by outage at work.example"
        else:
            continue
        quarantine.record(
            Channel.EMAIL,
            message.address,
            type=kind,
            reason=reason,
            at=message.sent_at + timedelta(minutes=5),
            text=text,
            message=message,
            source="demo",
        )


def _opt_outs() -> None:
    for days, step, rest, scope, source in (
        (25, 250, 11, Scope.EMAIL, Source.LANDING_PAGE),
        (18, 250, 61, Scope.EMAIL, Source.OPERATOR),
        # One of each second pair of twins: the trap of shared addresses (P4).
        (16, 200, 0, Scope.EMAIL, Source.LANDING_PAGE),
        (11, 400, 17, Scope.ANY, Source.OPERATOR),
        (6, 300, 9, Scope.SMS, Source.LANDING_PAGE),
        (3, 250, 161, Scope.EMAIL, Source.ONE_CLICK),
    ):
        actor = "marieke" if source == Source.OPERATOR else ""
        note = "asked by phone" if source == Source.OPERATOR else ""
        origin = Origin(source=source, actor=actor, note=note, at=_ago(days))
        consent.opt_out_all(_numbered(step, rest), scope, origin)
    back = Origin(source=Source.OPERATOR, actor="marieke", note="asked by mail, 12 May")
    consent.opt_in_all(_numbered(1000, 61), Scope.EMAIL, back)


def _quarantine_list() -> None:
    emails = Address.objects.filter(
        channel=Channel.EMAIL, is_valid=True, is_primary=True
    )
    for position, address in enumerate(emails.order_by("id")[500:9000:250]):
        quarantine.set_status(
            Channel.EMAIL,
            address.value,
            AddressStatus.DENYLISTED if position % 3 == 0 else AddressStatus.QUARANTINE,
            text="from the list of the old system",
            actor="marieke",
            source="demo",
        )
    numbers = Address.objects.filter(channel=Channel.SMS, is_valid=True)
    for address in numbers.order_by("id")[100:4000:400]:
        quarantine.record(
            Channel.SMS,
            address.value,
            type=ErrorType.HARD,
            reason=ErrorReason.STOP,
            at=_ago(2),
            text="STOP",
            source="demo",
        )
    released = emails.filter(quarantine_status=AddressStatus.QUARANTINE).first()
    if released:
        quarantine.set_status(
            Channel.EMAIL,
            released.value,
            AddressStatus.VALID,
            text="asked the person",
            actor="marieke",
            source="demo",
        )
