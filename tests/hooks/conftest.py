"""A site on which every provider has its secret."""

from collections.abc import Iterator

import pytest
from django.test import override_settings

from .calls import SECRETS


@pytest.fixture(autouse=True)
def _with_secrets() -> Iterator[None]:
    with override_settings(**SECRETS):
        yield
