"""Names and rows of the people of the demo."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from audiences.models import Profile

PEOPLE = 20_000


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


HEADER = (
    "external_id voornaam achternaam taal land e-mail email_2 mobiel telefoon "
    "postadres geen_contact geen_contact_email"
).split()


_DOMAINS = ("post.example", "mail.example", "thuis.example", "work.example")


def people() -> Iterator[list[str]]:
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


def ago(days: float) -> datetime:
    return timezone.now() - timedelta(days=days)


def numbered(step: int, rest: int) -> QuerySet[Profile]:
    """Every n-th person of the file."""
    names = [f"P{n:05}" for n in range(1, PEOPLE + 1) if n % step == rest]
    return Profile.objects.filter(external_id__in=names)
