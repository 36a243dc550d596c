"""Providers and dead ends for every test of a transport."""

import socket
from collections.abc import Iterator

import pytest

from . import http_server
from .http_server import Provider


@pytest.fixture
def provider() -> Iterator[Provider]:
    with http_server.running() as made:
        yield made


@pytest.fixture
def nowhere() -> Iterator[str]:
    """An address at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"
