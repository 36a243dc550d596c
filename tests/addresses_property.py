"""The short ways of reading addresses never differ from the libraries.

`python -m tests.addresses_property 1000000` tries as many odd texts; the tests try
fewer. The same number gives the same texts.
"""

import os
import random
import sys
from collections.abc import Iterator

import django
import phonenumbers
from django.apps import apps
from email_validator import EmailNotValidError, validate_email

if not apps.ready:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "campaign.settings")
    django.setup()
from audiences.addresses import keys, plain

REGIONS = (
    *("NL", "NL", "NL", "BE", "DE", "FR", "GB", "US", "IT", "ES", "AT", "CH", "LU"),
    *("", "SE", "AU", "RU", "ZA", "BR", "MX", "AR", "XX"),
)
ENDS = (
    *(".nl", ".example", ".com", "", ".xn--p1ai", ".local", ".test", ".onion", "."),
    *(".invalid", ".a", ".é", ".arpa", ".c0m", ".museum", ".-nl", ".nl-"),
)
LETTERS = "abZ09.-_XxéſK\u00adß"


def numbers(count: int, chance: random.Random) -> Iterator[tuple[str, str]]:
    """Texts like numbers, with the region that they are read in."""
    codes = list(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)
    for _number in range(count):
        digits = "".join(chance.choices("0123456789", k=chance.randint(4, 13)))
        begin = chance.choice(
            [
                "0",
                "0",
                "06",
                "+31",
                "+316",
                "+310",
                "",
                "00",
                f"+{chance.choice(codes)}",
            ]
        )
        text = begin + digits
        for _change in range(chance.choice([0, 0, 1, 2])):
            place = chance.randint(0, len(text))
            text = text[:place] + chance.choice(" - .()/x+'٣") + text[place:]
        yield text, chance.choice(REGIONS)


MARKS = (
    "@",
    "@",
    "@",
    ";",
    ";ext=",
    ";isub=",
    "/",
    "\\",
    " x",
    "#",
    "tel:",
    "a",
    "-",
    ".",
)


def with_marks(text: str, chance: random.Random) -> str:
    """A text like a number with parts of an email address and of other things in it."""
    for _change in range(chance.choice([0, 1, 2, 3])):
        place = chance.choice([0, len(text), chance.randint(0, len(text))])
        more = chance.choice([*MARKS, "@mail.example", "info@", "ann", "@x.nl/"])
        text = text[:place] + more + text[place:]
    return text


def domains(count: int, chance: random.Random) -> Iterator[str]:
    for _number in range(count):
        length = chance.choice([1, 3, 8, 12, 64, 130])
        yield "".join(chance.choices(LETTERS, k=length)) + chance.choice(ENDS)


def e164(text: str, region: str) -> str:
    """As phonenumbers reads it; empty when it is no number of the numbering plan."""
    try:
        number = phonenumbers.parse(text, region or None)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_valid_number(number):
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def ascii_domain(domain: str) -> str:
    """As email-validator reads it; empty when it is no domain of an address."""
    try:
        found = validate_email(
            f"a@{domain}",
            check_deliverability=False,
            allow_quoted_local=True,
            test_environment=True,
        )
    except EmailNotValidError:
        return ""
    return (found.ascii_domain or "").lower()


SIGNS = "abZ019.-_+!#$%&'*/=?^`{|}~ <>()\"eE"


def emails(count: int, chance: random.Random) -> Iterator[str]:
    """Texts like email addresses, which may be numbers or words of a list as well."""
    for domain in domains(count, chance):
        local = "".join(chance.choices(SIGNS, k=chance.randint(1, 9)))
        text = (
            f"{chance.choice(['', '', '06', '+316', 'n/a', 'x' * 60])}{local}@{domain}"
        )
        yield text if chance.random() < 0.9 else text.upper()


Said = tuple[str, object, object]


def _of_numbers(count: int, chance: random.Random) -> Iterator[Said]:
    for text, region in numbers(count, chance):
        if short := plain.plain_number(text, region):
            yield f"number {text!r} in {region!r}", short, e164(text, region)
        spoilt = with_marks(text, chance)
        if plain.is_no_number(spoilt):
            yield f"no number {spoilt!r} in {region!r}", "", e164(spoilt, region)


def _of_emails(count: int, chance: random.Random) -> Iterator[Said]:
    for domain in domains(count, chance):
        if short := plain.plain_domain(domain):
            yield f"domain {domain!r}", short, ascii_domain(domain)
    for text in emails(count, chance):
        if found := keys.plain_readings(text):
            yield f"email {text!r}", found, keys.each_reading(text)


def differences(count: int, seed: int = 1) -> tuple[list[str], int]:
    """Where a short way says another thing, and how often one said anything."""
    chance = random.Random(seed)
    said = [*_of_numbers(count // 2, chance), *_of_emails(count // 2, chance)]
    wrong = [f"{what}: {short}" for what, short, full in said if short != full]
    return wrong, len(said)


if __name__ == "__main__":
    found, answered = differences(int(sys.argv[1]))
    print(f"{len(found)} differences; a short way answered {answered:,} times")
    print("\n".join(found[:20]))
    sys.exit(bool(found))
