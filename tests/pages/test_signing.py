"""One module signs and reads: it alone knows the keys, and what each is used for."""

import re
import time
from pathlib import Path
from typing import Any

import pytest

from audiences.links import BadLink, mail_addresses, signing
from audiences.links.signing import LONGEST_TOKEN, Purpose

CODE = Path(signing.__file__).parents[2]


def test_no_other_module_reads_the_secret_key() -> None:
    found = {
        path.relative_to(CODE).as_posix()
        for app in ("audiences", "delivery")
        for path in (CODE / app).rglob("*.py")
        if re.search(r"SECRET_KEY|salted_hmac|Signer\(", path.read_text("utf-8"))
    }
    assert found == {
        "audiences/console/allowances.py",  # a digest of who is counted
        "audiences/links/prepared.py",  # the same tokens, for many
        "audiences/links/signing.py",
    }


def test_each_purpose_has_a_salt_of_its_own() -> None:
    tokens = {signing.sign_undated(purpose, [1]): purpose for purpose in Purpose}
    assert len(tokens) == len(Purpose)
    for token, made_for in tokens.items():
        assert signing.read_undated(made_for, token) == [1]
        for other in set(Purpose) - {made_for}:
            with pytest.raises(BadLink):
                signing.read_undated(other, token)


def test_the_first_key_signs_and_every_key_reads(settings: Any) -> None:
    old = signing.sign(Purpose.PAGE, [7])
    hashed = signing.keyed_hash(Purpose.CAP, "somebody")
    before, settings.SECRET_KEY = settings.SECRET_KEY, "a key that came later"
    settings.SECRET_KEY_FALLBACKS = [before]
    read = signing.read(Purpose.PAGE, old)
    assert (read.facts, read.by_key_of_now) == ([7], False)
    new = signing.read(Purpose.PAGE, signing.sign(Purpose.PAGE, [7]))
    assert (new.facts, new.by_key_of_now) == ([7], True)
    with pytest.raises(BadLink):
        signing.read_to_start(Purpose.PAGE, old)
    assert signing.keyed_hash(Purpose.CAP, "somebody") != hashed
    assert signing.keyed_hash(Purpose.CAP, "somebody", before) == hashed


def test_a_token_that_is_too_long_is_not_read() -> None:
    with pytest.raises(BadLink):
        signing.read(Purpose.PAGE, signing.sign(Purpose.PAGE, ["x" * LONGEST_TOKEN]))


def test_a_token_says_when_it_was_signed_or_as_of_when() -> None:
    now = time.time()
    assert abs(signing.read(Purpose.PAGE, signing.sign(Purpose.PAGE, [7])).at - now) < 5
    of_then = signing.sign(Purpose.UNDO, [7], at=1_700_000_000)
    assert signing.read(Purpose.UNDO, of_then).at == 1_700_000_000


def test_a_tag_of_a_mail_address_has_as_many_parts_as_it_was_signed_with() -> None:
    tag = mail_addresses.tag(Purpose.MAIL, "a", "b")
    address = f"<Bounces+old+{tag}@Example.org>"
    found = mail_addresses.tag_of(address)
    assert mail_addresses.read_tag(Purpose.MAIL, found.upper(), 2) == ["a", "b"]
    for count in (1, 3):
        with pytest.raises(BadLink):
            mail_addresses.read_tag(Purpose.MAIL, tag, count)


@pytest.mark.parametrize(
    ("mailbox", "address"),
    [
        ("bounces@example.org", "bounces+tag@example.org"),
        ("", ""),
        ("b" * 61 + "@example.org", ""),
    ],
)
def test_a_mailbox_takes_a_tag_where_it_fits(mailbox: str, address: str) -> None:
    assert mail_addresses.tagged(mailbox, "tag") == address
