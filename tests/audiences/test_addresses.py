"""Addresses: one key for all notations, the value as given, one primary a channel."""

import csv
from pathlib import Path
from typing import Any

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given, strategies as st

from audiences import addresses
from audiences.addresses import InvalidAddress, accept, keys, normalise
from audiences.addresses.cleaning import cleaned
from audiences.channels import AddressKind, Channel
from audiences.models import Address
from tests.factories import ProfileFactory

with (Path(__file__).parent / "data" / "phone_cases.csv").open(encoding="utf-8") as f:
    PHONE_CASES = list(csv.DictReader(f))


@pytest.mark.parametrize("channel", [Channel.SMS, Channel.PHONE, Channel.FAX])
@pytest.mark.parametrize("case", PHONE_CASES, ids=lambda case: repr(case["input"]))
def test_numbers_are_judged_by_the_numbering_plan(
    case: dict[str, str], channel: Channel, settings: Any
) -> None:
    settings.PHONE_REGION = case["default_region"]
    found = accept(channel, case["input"])
    assert found.is_valid == (case["is_valid"] == "1"), found.reason
    assert found.value == case["input"].strip().removeprefix("'")
    if found.is_valid:
        assert found.key == case["e164"]


def test_number_without_country_needs_a_region(settings: Any) -> None:
    settings.PHONE_REGION = ""
    with pytest.raises(InvalidAddress, match="PHONE_REGION"):
        normalise(Channel.SMS, "0612345678")


@pytest.mark.parametrize("text", ["3,16E+10", "3.16123E+10", "31612345678,0", "6e8"])
def test_number_changed_by_a_spreadsheet_is_no_number(text: str, settings: Any) -> None:
    settings.PHONE_REGION = "NL"
    with pytest.raises(InvalidAddress, match="spreadsheet"):
        normalise(Channel.SMS, text)


@pytest.mark.parametrize(
    ("channel", "one", "other"),
    [
        ("email", "Jan.Jansen@Example.ORG", "jan.jansen@example.org"),
        ("email", "  jan@x.example\t", "jan@x.example"),
        ("email", "jan@MÜNCHEN.example", "jan@xn--mnchen-3ya.example"),
        ("email", "jan@mu\u0308nchen.example", "jan@münchen.example"),
        ("email", "jo\u0308rg@x.example", "j\u00f6rg@x.example"),
        ("email", "JÖRG@x.example", "jörg@x.example"),
        ("email", '"jan"@x.example', "jan@x.example"),
        ("email", '"Jan Jansen"@x.example', '"jan jansen"@X.example'),
        ("sms", "+31 6 12345678", "tel:+31-6-12345678"),
        ("fax", "+31 (0)20 123 4567", "+31201234567"),
        ("direct_mail", "Dam 1\r\n1012 AB  Amsterdam", "dam 1 1012 ab amsterdam"),
        ("direct_mail", "Caf\u00e9 1", "Cafe\u0301 1"),
        ("push", " abcDEF ", "abcDEF"),
    ],
)
def test_notations_of_one_address_have_one_key(
    channel: str, one: str, other: str
) -> None:
    assert normalise(channel, one).key == normalise(channel, other).key
    assert normalise(channel, one).value == one.strip()


@pytest.mark.parametrize(
    ("channel", "one", "other"),
    [
        ("email", "jan@x.example", "jan@y.example"),
        ("email", "jan+news@x.example", "jan@x.example"),
        ("email", "j.an@x.example", "jan@x.example"),
        ("push", "abc", "ABC"),
        ("sms", "+31612345678", "+31612345679"),
        ("direct_mail", "Dam 1", "Dam 11"),
        ("direct_mail", "a" * 1900 + "1", "a" * 1900 + "2"),
    ],
)
def test_different_addresses_have_different_keys(
    channel: str, one: str, other: str
) -> None:
    assert normalise(channel, one).key != normalise(channel, other).key


@pytest.mark.parametrize(
    ("channel", "text"),
    [
        ("email", ""),
        ("email", "   "),
        ("email", "jan"),
        ("email", "jan@"),
        ("email", "@x.example"),
        ("email", "jan@localhost"),
        ("email", "jan jansen@x.example"),
        ("email", "Jan <jan@x.example> Jansen"),
        ("email", "<jan>"),
        ("email", "a@" + "b" * 990 + ".example"),
        ("direct_mail", "a" * 2001),
        ("push", "a" * 1001),
        ("email", "jan@x.example, piet@x.example"),
        ("email", "jan..jansen@x.example"),
        ("email", ".jan@x.example"),
        ("email", "jan@-x.example"),
        ("email", "jan@x..example"),
        ("email", "jan@[127.0.0.1]"),
        ("email", "a@" + "b" * 64 + ".example"),
        ("email", "a" * 64 + "@" + ".".join(["b" * 60] * 4) + ".example"),
        ("email", "jan\x00@x.example"),
        ("push", "two words"),
        ("push", "a\x00b"),
        ("sms", "call me"),
        ("direct_mail", "Dam\x001"),
        ("direct_mail", "Dam \udc80"),
    ],
)
def test_what_cannot_be_an_address_is_refused_with_the_reason(
    channel: str, text: str
) -> None:
    with pytest.raises(InvalidAddress) as refusal:
        normalise(channel, text)
    assert str(refusal.value)


def test_invalid_text_is_kept_with_its_casefolded_text_as_key() -> None:
    kept = accept("email", "  Jan AT Example ")
    assert (kept.value, kept.key, kept.is_valid) == (
        "Jan AT Example",
        "jan at example",
        False,
    )


PLAIN = st.text("aZ09.-_+!'@é \"", max_size=12)


@pytest.mark.parametrize(
    ("channel", "text", "meant"),
    [
        *(
            ("email", text, "jan@x.example")
            for text in (
                *("mailto:jan@x.example", "MAILTO:jan@x.example?subject=Hoi"),
                *("Jan <jan@x.example>", '"Jansen, Jan" <jan@x.example>'),
                *("<jan@x.example>", "jan@x.example.", "jan@x.example,"),
                *("jan@x.example;", "'jan@x.example", "'Jan' <jan@x.example>"),
                *("\ufeffjan@x.example", "jan\u200b@x.example", "jan@x.example\xa0"),
                *("\u202ajan@x.example\u202c", "jan@x.exam\xadple", " jan@x.example "),
                *('"jan@x.example"', "“jan@x.example”", "(jan@x.example)"),
                *("Jan <mailto:jan@x.example>", "mailto:jan%40x.example"),
                "E-mail: jan@x.example",
            )
        ),
        ("sms", "\u202a+31 6 12 34 56 70\u202c", "+31 6 12 34 56 70"),
        ("sms", "'+31612345670", "+31612345670"),
        ("sms", "Jan <+31612345670>;", "+31612345670"),
        ("direct_mail", "'s-Gravenhage 1", "'s-Gravenhage 1"),
        ("direct_mail", "'t Zand 1.", "'t Zand 1."),
        ("direct_mail", "'12 Main Street", "12 Main Street"),
        ("push", "'-tok", "-tok"),
        ("push", "@tok\u200b", "@tok"),
        ("push", "tok.", "tok."),
    ],
)
def test_what_stands_around_an_address_is_cleaned_away(
    channel: str, text: str, meant: str
) -> None:
    assert accept(channel, text).value == meant


@pytest.mark.parametrize(
    ("channel", "text", "keys_of"),
    [
        ("email", "a@x.example", ["a@x.example"]),
        ("email", "a@x.example; b@x.example", ["a@x.example", "b@x.example"]),
        ("email", "a@x.example,b@x.example;", ["a@x.example", "b@x.example"]),
        ("email", "a@x.example / b@x.example", ["a@x.example", "b@x.example"]),
        ("email", "a@x.example b@x.example", ["a@x.example", "b@x.example"]),
        ("email", "a@x.example\nA@x.example", ["a@x.example"]),
        ("email", "nope@; b@x.example", ["b@x.example", "nope@"]),
        (
            "email",
            '"Jansen, Jan" <a@x.example>, Vos, An <b@x.example>',
            ["a@x.example", "b@x.example"],
        ),
        ("sms", "+31612345678 / +31612345679", ["+31612345678", "+31612345679"]),
        ("sms", "+31612345678, +31612345679", ["+31612345678", "+31612345679"]),
        ("direct_mail", "Dam 1; Amsterdam", ["dam 1; amsterdam"]),
    ],
)
def test_several_addresses_in_one_text_are_taken_apart(
    channel: str, text: str, keys_of: list[str]
) -> None:
    assert [given.key for given in keys.normalise_all(channel, text)] == keys_of


@given(PLAIN, st.sampled_from(["x.example", "MÜ.example", "-x.example", "x", "x.Test"]))
def test_the_quick_way_agrees_with_the_validator(local: str, domain: str) -> None:
    text = f"{local}@{domain}".strip()
    meant = cleaned(AddressKind.EMAIL, text)
    try:
        address = validate_email(
            meant,
            check_deliverability=False,
            allow_quoted_local=True,
            test_environment=True,
        )
    except EmailNotValidError:
        assert not accept("email", text).is_valid
    else:
        expected = f"{address.local_part.casefold()}@{address.ascii_domain}"
        assert accept("email", text).key == expected


def state(profile: Any) -> dict[str, bool]:
    rows = Address.objects.filter(profile=profile)
    return dict(rows.values_list("key", "is_primary"))


@pytest.mark.django_db
def test_first_address_is_primary_and_a_later_one_only_when_asked() -> None:
    profile = ProfileFactory()
    addresses.attach(profile, "email", "a@x.example")
    addresses.attach(profile, "email", "b@x.example")
    assert state(profile) == {"a@x.example": True, "b@x.example": False}
    addresses.attach(profile, "email", "c@x.example", primary=True)
    assert [key for key, primary in state(profile).items() if primary] == [
        "c@x.example"
    ]
    addresses.attach(profile, "sms", "+31612345678")
    assert state(profile)["+31612345678"]


@pytest.mark.django_db
def test_the_same_address_again_takes_the_new_spelling_and_stays_one_row() -> None:
    profile = ProfileFactory(email="jan@x.example")
    address = addresses.attach(profile, "email", "Jan@X.example")
    assert (address.value, address.is_primary) == ("Jan@X.example", True)
    assert profile.addresses.count() == 1


@pytest.mark.django_db
def test_make_primary_moves_it_and_again_changes_nothing() -> None:
    profile = ProfileFactory(email="a@x.example")
    second = addresses.attach(profile, "email", "b@x.example")
    for _ in range(2):
        addresses.make_primary(second)
        assert state(profile) == {"a@x.example": False, "b@x.example": True}


@pytest.mark.django_db
def test_detaching_the_primary_makes_the_oldest_other_one_primary() -> None:
    profile = ProfileFactory(email="a@x.example", sms="+31612345678")
    for letter in "bc":
        addresses.attach(profile, "email", f"{letter}@x.example")
    first = profile.addresses.get(key="a@x.example")
    addresses.detach(first)
    assert state(profile) == {
        "b@x.example": True,
        "c@x.example": False,
        "+31612345678": True,
    }
    addresses.detach(first)  # gone already: nothing happens
    assert len(state(profile)) == 3


@pytest.mark.django_db
def test_an_address_taken_and_given_again_is_attached() -> None:
    profile = ProfileFactory(email="a@x.example")
    book = addresses.books([profile.pk])[profile.pk]
    book.take(profile.addresses.get())
    book.give("email", normalise("email", "A@x.example"), primary=True)
    addresses.save([book])
    assert profile.addresses.get().value == "A@x.example"


@pytest.mark.django_db
def test_refused_address_leaves_the_profile_as_it_was() -> None:
    profile = ProfileFactory(email="a@x.example")
    with pytest.raises(InvalidAddress):
        addresses.attach(profile, "email", "nonsense", primary=True)
    assert state(profile) == {"a@x.example": True}


@pytest.mark.django_db
@pytest.mark.parametrize("length", [500, 501, 2_000])
def test_very_long_addresses_are_kept_whole(length: int) -> None:
    text = "Straße " * (length // 7)
    address = addresses.attach(ProfileFactory(), "direct_mail", text)
    assert address.value == text.strip()
    assert len(address.key) <= keys.LONGEST_KEY


@pytest.mark.django_db
def test_sharing_lists_other_profiles_by_key_but_never_invalid_ones() -> None:
    one = ProfileFactory(email="jan@x.example")
    two = ProfileFactory(email="own@x.example")
    addresses.attach(two, "email", "JAN@x.example")
    ProfileFactory(push="jan@x.example")
    book = addresses.AddressBook(one.pk)
    other = addresses.AddressBook(two.pk)
    for each in (book, other):
        each.give("sms", accept("sms", "unknown"), primary=True)
    addresses.save([book, other])
    assert [a.profile_id for a in addresses.sharing(one)] == [two.pk]
    assert not addresses.sharing(ProfileFactory()).exists()


@pytest.mark.django_db
@pytest.mark.parametrize("count", [10, 1000])
def test_statements_do_not_grow_with_the_number_of_books(
    count: int, django_assert_num_queries: Any
) -> None:
    from tests.factories import many_profiles

    books = [addresses.AddressBook(p.pk) for p in many_profiles(count)]
    for number, book in enumerate(books):
        book.give("email", accept("email", f"p{number}@x.example"), primary=True)
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        addresses.save(books)
    assert len(queries) < 15
    assert Address.objects.count() == count
