"""Demo data: 20,000 invented people; every rule applies to some of them.

The same people and counts every time; dates are relative to the present. Everything
goes in through the import and the writers that real data goes through. All addresses
end in .example (RFC 2606) and the numbers are made up.
"""

import csv
import tempfile
from collections.abc import Callable
from pathlib import Path

from django.db import transaction

from audiences import (
    consent,
    landing_pages,
    ledger,
    membership,
    organisation,
    subscriptions,
)
from audiences.channels import Channel, Scope
from audiences.consent import Origin, Source
from audiences.files import open_file
from audiences.imports.engine import Import
from audiences.imports.people import PeopleImporter
from audiences.imports.people_options import Options
from audiences.models import Address, AddressStatus, LandingPage, Profile, Service
from audiences.refusals import Refused
from audiences.selections import bulk_acts
from delivery import analysis, deliveries, quarantine
from delivery.composing import writing
from delivery.demo.people import HEADER, PEOPLE, ago, numbered, people
from delivery.models import Delivery
from delivery.models.quarantine import ErrorReason, ErrorType
from delivery.sending import handover

from . import feedback

DELIVERY = "Weekly newsletter, next edition"
# What people read as the names of the services.
WEEKLY = {"nl": "Weeknieuws", "de": "Wochenpost"}
OFFERS = {"nl": "Aanbiedingen", "de": "Sonderangebote"}
ALERTS = {"nl": "Sms-meldingen", "de": "SMS-Hinweise"}
SENDER = "Riverside Library <news@library.example>"
ORGANISATION = {
    "name": "Riverside Library",
    "postal_address": "Quay Street 1\n3511 AB Utrecht",
    "privacy_url": "https://library.example/privacy",
    "contact": "help@library.example",
    "brand_colour": "#0b5563",
    "text_on_brand": "#ffffff",
    "background_colour": "#eef4f5",
}
CONTENT = """\
Hello {{ first_name|there }},

Three things are new this week: a recipe for soup, a walk along the river, and the
opening hours of the library.

[Choose what you get]({{ preferences_link }}) or
[unsubscribe]({{ unsubscribe_link }}).
"""
IN_DUTCH = """\
Hallo {{ first_name|daar }},

Drie dingen zijn nieuw deze week: een recept voor soep, een wandeling langs de rivier en
de openingstijden van de bibliotheek.

[Kies wat je krijgt]({{ preferences_link }}) of
[meld je af]({{ unsubscribe_link }}).
"""
# Published pages, each in every language. One is for visitors without a link.
SIGN_UP, PREFERENCES, STOP = "welcome", "preferences", "stop-everything"
PAGES = {
    SIGN_UP: LandingPage.Kind.ACQUISITION,
    PREFERENCES: LandingPage.Kind.PREFERENCES,
    STOP: LandingPage.Kind.DENYLIST,
}
# Each subscription must be confirmed.
CONFIRMED = "recipes"


class OtherPeople(Refused):
    """The database holds people who are not from the demo."""


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
        organisation.change(**ORGANISATION)
        on_step(f"Importing {PEOPLE:,} people from a file")
        _import_people()
        on_step("Subscribing them to three services")
        weekly = _subscribe()
        for days in (28, 21, 14, 7):
            on_step(f"The newsletter of {days} days ago, and what came back")
            last = past_newsletter(weekly, days)
        on_step("Opt-outs by operators, and a list for the quarantine")
        opt_outs()
        quarantine_list()
        on_step("Bounces and text messages, some of which wait for somebody")
        feedback.load(last)
        _requests()
        _bulk_change()
        on_step("Three pages where people opt in and out themselves")
        _pages(weekly)
        made = deliveries.create(
            DELIVERY,
            channel=Channel.EMAIL,
            service=weekly,
            subject="What is new this week, {{ first_name|friend }}",
            content=CONTENT,
        )
        writing.set_content(
            made,
            language="nl",
            subject="Nieuw deze week, {{ first_name|lezer }}",
            content=IN_DUTCH,
        )
        # The demo makes up a past, which nobody recorded at the time.
        ledger.introduce()


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


def _import_people() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "people.csv"
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, delimiter=";")
            writer.writerow(HEADER)
            writer.writerows(people())
        file = open_file(path)
        how = Options(note="demo data", actor="demo")
        Import(file=file, importer=PeopleImporter(file, how)).run()


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
    for service, names in ((weekly, WEEKLY), (offers, OFFERS), (alerts, ALERTS)):
        service.texts = {code: {"label": name} for code, name in names.items()}
        service.save(update_fields=["texts"])
    everybody = Profile.objects.all()
    for service, persons, days in (
        (weekly, everybody.exclude(pk__in=numbered(9, 4).values("pk")), 120),
        (offers, numbered(4, 1), 90),
        (offers, numbered(40, 2), 400),
        (alerts, numbered(3, 0), 60),
    ):
        origin = Origin(source=Source.IMPORT, note="sign-up list", at=ago(days))
        subscriptions.subscribe_all(persons, service, origin)
    subscriptions.create_service(
        CONFIRMED, label="Recipes", channel=Channel.EMAIL, double_opt_in=True
    )
    return weekly


def _requests() -> None:
    """A service with double opt-in: some people have confirmed, some have yet to."""
    recipes = subscriptions.find_service(CONFIRMED)
    confirmed = Origin(source=Source.IMPORT, note="confirmed by mail", at=ago(40))
    subscriptions.subscribe_all(numbered(50, 45), recipes, confirmed)
    asked = Origin(source=Source.LANDING_PAGE, at=ago(0.1))
    for profile in numbered(8_000, 46):
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


# ------------------------------------------------------------------ the past
def past_newsletter(weekly: Service, days: int) -> Delivery:
    delivery = deliveries.create(
        f"Weekly newsletter, {days} days ago",
        channel=Channel.EMAIL,
        audience=lambda: membership.subscribers(weekly),
        service=weekly,
        contact_date=ago(days),
    )
    analysis.analyse(delivery)
    handover.record_handover(delivery, ago(days))
    unsubscribe = Origin(
        source=Source.ONE_CLICK, delivery_id=delivery.pk, at=ago(days - 0.2)
    )
    subscriptions.unsubscribe_all(numbered(280, days), weekly, unsubscribe)
    feedback.reports(delivery, days)
    return delivery


def opt_outs() -> None:
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
        origin = Origin(source=source, actor=actor, note=note, at=ago(days))
        consent.opt_out_all(numbered(step, rest), scope, origin)
    back = Origin(source=Source.OPERATOR, actor="marieke", note="asked by mail, 12 May")
    consent.opt_in_all(numbered(1000, 61), Scope.EMAIL, back)


def quarantine_list() -> None:
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
            at=ago(2),
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
