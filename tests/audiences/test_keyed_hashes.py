"""A keyed hash is the one that everybody makes: HMAC-SHA-256."""

import hmac

import pytest
from hypothesis import given, strategies as st

from audiences.masking import keyed


@given(st.binary(max_size=64), st.lists(st.binary(max_size=200), max_size=5))
def test_each_text_has_the_hash_of_the_standard(key: bytes, texts: list[bytes]) -> None:
    hashed = keyed(key)
    for text in texts:
        assert hashed(text).hexdigest() == hmac.new(key, text, "sha256").hexdigest()
        assert hashed(text).digest() == hmac.digest(key, text, "sha256")


def test_a_key_that_is_longer_than_a_block_is_refused() -> None:
    with pytest.raises(ValueError, match="longer"):
        keyed(b"k" * 65)
