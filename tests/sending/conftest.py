"""A prepared delivery by email, and a mail server on this machine that takes it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from audiences.models import Profile
from delivery import analysis, deliveries
from delivery.models import Delivery
from tests.people import person
from tests.transports import smtp_server
from tests.transports.smtp_server import Sink

CONTENT = "Hello {{ first_name }}, see {{ unsubscribe_link }}"


@pytest.fixture
def sink(settings: Any) -> Iterator[Sink]:
    with smtp_server.running() as made:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", made.port
        settings.EMAIL_TIMEOUT = 2
        settings.SEND_CONNECTIONS = 1
        yield made


@pytest.fixture
def people(db: None) -> list[Profile]:
    return [person(first_name=f"P{n}", email=f"p{n}@example.com") for n in range(1, 11)]


@pytest.fixture
def prepared(people: list[Profile]) -> Delivery:
    return made("Spring sale")


def made(label: str, **facts: Any) -> Delivery:
    delivery = deliveries.create(
        label, channel="email", subject="Sale", content=CONTENT, **facts
    )
    analysis.analyse(delivery)
    return delivery


def recipients_of(sink: Sink) -> list[str]:
    return sorted(to for _sender, to, _mail in sink.mails)


Between = Callable[[], None]
