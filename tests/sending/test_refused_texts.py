"""What a provider of SMS refuses counts against the number by the provider's codes."""

import json
from typing import Any

import pytest

from audiences.models import Address
from delivery import analysis, deliveries
from delivery.models import Dispatch
from delivery.sending import sendings, worker
from tests.people import person
from tests.transports import http_server

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_code_of_twilio_decides_about_the_number(settings: Any) -> None:
    settings.SMS_GATEWAY = "delivery.transports.twilio.TwilioGateway"
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_FROM = "AC1", "+31970000000"
    settings.TWILIO_AUTH_TOKENS, settings.SEND_CONNECTIONS = ["t"], 1
    codes = [21211, 21610, 21606, 29999]
    people = [person(sms=f"+3161234567{n}") for n in range(len(codes))]
    delivery = deliveries.create("Sale", channel="sms", content="Sale STOP")
    analysis.analyse(delivery)
    with http_server.running() as provider:
        settings.TWILIO_URL = provider.url
        provider.says = [
            (400, json.dumps({"code": code, "message": "User unknown"}))
            for code in codes
        ]
        worker.send(sendings.begin(delivery, actor="test", wakes=False), waits=False)
    refused = Dispatch.objects.filter(delivery=delivery, status="refused")
    assert sorted(row.code for row in refused) == sorted(map(str, codes))
    statuses = dict(Address.objects.values_list("profile_id", "quarantine_status"))
    assert [statuses[one.pk] for one in people] == [
        "quarantine",
        "denylisted",
        "valid",
        "erroneous",
    ]
