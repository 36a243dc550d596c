"""Handing an SMS over: to Twilio, to any provider by HTTP, to one's own gateway."""

import base64
import json
from typing import Any

import pytest
from django.core.checks import run_checks

from audiences.sms import Refused
from delivery.transports import Kind, NoTransport, Outgoing, Uncertain, transport_for
from delivery.transports.http_sms import HttpGateway
from delivery.transports.http_sms.answers import meaning_of, read_rules

from .http_server import CUT, Provider

SMS = Outgoing(7, "+31612345670", 'Hi "Ann" & Bob <3 é 李 {{ text }}\nsecond line')


def handed_over(message: Outgoing = SMS) -> Any:
    transport = transport_for("sms")
    try:
        return transport.hand_over(message)
    finally:
        transport.close()


# ---------------------------------------------------------------- Twilio
@pytest.fixture
def twilio(settings: Any, provider: Provider) -> Provider:
    settings.SMS_GATEWAY = "delivery.transports.twilio.TwilioGateway"
    settings.TWILIO_URL = provider.url
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_FROM = "AC1", "+31970000000"
    settings.TWILIO_AUTH_TOKENS = ["new", "old"]
    settings.BASE_URL = "https://news.example.org"
    provider.says = [(201, '{"sid": "SM123", "status": "queued"}')]
    return provider


def test_twilio_is_told_whom_and_what(twilio: Provider) -> None:
    result = handed_over()
    assert (result.kind, result.provider_id) == (Kind.TAKEN, "SM123")
    [call] = twilio.calls
    assert (call.method, call.path) == (
        "POST",
        "/2010-04-01/Accounts/AC1/Messages.json",
    )
    assert call.form == {
        "To": "+31612345670",
        "From": "+31970000000",
        "Body": SMS.body,
        "StatusCallback": "https://news.example.org/hooks/twilio/status",
    }
    secret = base64.b64encode(b"AC1:new").decode()
    assert call.headers["authorization"] == f"Basic {secret}"


def test_a_messaging_service_of_twilio_sends(twilio: Provider, settings: Any) -> None:
    settings.TWILIO_FROM = "MG77"
    handed_over()
    assert twilio.calls[0].form["MessagingServiceSid"] == "MG77"
    assert "From" not in twilio.calls[0].form


TWILIO = [
    (400, '{"code": 21211, "message": "Invalid To"}', Kind.REFUSED, "21211"),
    (400, '{"code": 21610, "message": "Unsubscribed"}', Kind.REFUSED, "21610"),
    (400, "no json", Kind.REFUSED, "400"),
    (401, '{"code": 20003, "message": "Authenticate"}', Kind.LATER, "20003"),
    (400, '{"code": 21611, "message": "Queue full"}', Kind.LATER, "21611"),
    (429, '{"code": 20429, "message": "Too many"}', Kind.LATER, "20429"),
    (503, "busy", Kind.LATER, "503"),
    (500, "oops", None, ""),
    (502, "", None, ""),
    (CUT, "", None, ""),
]


@pytest.mark.parametrize(("status", "body", "kind", "code"), TWILIO)
def test_an_answer_of_twilio_is_understood(
    twilio: Provider, status: int, body: str, kind: Kind | None, code: str
) -> None:
    twilio.says = [(status, body)]
    if kind is None:
        with pytest.raises(Uncertain):
            handed_over()
    else:
        result = handed_over()
        assert (result.kind, result.code) == (kind, code)
    assert len(twilio.calls) == 1, "nothing is sent twice"


def test_twilio_that_is_not_there_means_later(
    twilio: Provider, settings: Any, nowhere: str
) -> None:
    settings.TWILIO_URL = nowhere
    assert handed_over().kind == Kind.LATER


def test_a_missing_setting_of_twilio_is_found_at_the_start(
    twilio: Provider, settings: Any
) -> None:
    settings.TWILIO_FROM = ""
    found = [check for check in run_checks() if check.id == "campaign.E024"]
    assert ["TWILIO_FROM is not set." in check.msg for check in found] == [True]
    assert handed_over().kind == Kind.LATER


# ---------------------------------------------------------------- any provider
@pytest.fixture
def http(settings: Any, provider: Provider) -> Provider:
    settings.SMS_GATEWAY = "delivery.transports.http_sms.HttpGateway"
    settings.SMS_HTTP_METHOD, settings.SMS_HTTP_URL = "POST", f"{provider.url}/send"
    settings.SMS_HTTP_HEADERS = "Content-Type: application/json | X-Key: k"
    settings.SMS_HTTP_BODY = '{"to": "{{ number }}", "text": "{{ text }}"}'
    settings.SMS_HTTP_ID = r'"id": *"([^"]+)"'
    provider.says = [(200, '{"id": "m-1", "ok": true}')]
    return provider


def test_a_json_body_stays_json_whatever_the_text(http: Provider) -> None:
    result = handed_over()
    assert (result.kind, result.provider_id) == (Kind.TAKEN, "m-1")
    [call] = http.calls
    assert json.loads(call.body) == {"to": SMS.address, "text": SMS.body}
    assert call.headers["x-key"] == "k"


def test_a_form_stays_a_form(http: Provider, settings: Any) -> None:
    settings.SMS_HTTP_HEADERS = "Content-Type: application/x-www-form-urlencoded"
    settings.SMS_HTTP_BODY = "msisdn={{ digits }}&message={{ text }}&x=1"
    handed_over()
    assert http.calls[0].form == {
        "msisdn": "31612345670",
        "message": SMS.body,
        "x": "1",
    }


def test_xml_stays_xml(http: Provider, settings: Any) -> None:
    settings.SMS_HTTP_HEADERS = "Content-Type: text/xml"
    settings.SMS_HTTP_BODY = "<sms to='{{ number }}'>{{ text }}</sms>"
    handed_over()
    body = http.calls[0].body.decode()
    assert "Hi &quot;Ann&quot; &amp; Bob &lt;3" in body


def test_all_can_stand_in_the_address(http: Provider, settings: Any) -> None:
    settings.SMS_HTTP_METHOD, settings.SMS_HTTP_BODY = "GET", ""
    settings.SMS_HTTP_URL = http.url + "/send?to={{ number }}&text={{ text }}"
    settings.SMS_HTTP_HEADERS = ""
    handed_over()
    [call] = http.calls
    assert call.method == "GET"
    assert "to=%2B31612345670&text=Hi%20%22Ann%22%20%26%20Bob%20%3C3" in call.path


RULES: list[tuple[dict[str, str], int, str, Kind | None]] = [
    ({}, 200, "", Kind.TAKEN),
    ({}, 202, "", Kind.TAKEN),
    ({}, 400, "", Kind.REFUSED),
    ({}, 429, "", Kind.LATER),
    ({}, 401, "", Kind.LATER),
    ({}, 500, "", None),
    ({}, 302, "", None),
    ({}, CUT, "", None),
    ({"REFUSED": "200 ERR; 4xx"}, 200, "ERR 12", Kind.REFUSED),
    ({"REFUSED": "200 ERR; 4xx"}, 200, "OK", Kind.TAKEN),
    ({"REFUSED": "2xx error", "LATER": "200 error 99"}, 200, "error 99", Kind.LATER),
    ({"LATER": "500"}, 500, "", Kind.LATER),
    ({"TAKEN": "200 OK"}, 200, "what", None),
    ({"TAKEN": "201"}, 200, "", None),
]


@pytest.mark.parametrize(("rules", "status", "body", "kind"), RULES)
def test_the_closest_rule_says_what_an_answer_means(
    http: Provider,
    settings: Any,
    rules: dict[str, str],
    status: int,
    body: str,
    kind: Kind | None,
) -> None:
    for name, text in rules.items():
        setattr(settings, f"SMS_HTTP_{name}", text)
    http.says = [(status, body)]
    if kind is None:
        with pytest.raises(Uncertain):
            handed_over()
    else:
        assert handed_over().kind == kind
    assert len(http.calls) == 1, "nothing is sent twice, no redirect is followed"


def test_a_status_comes_before_a_class_and_words_before_none() -> None:
    rules = read_rules({Kind.TAKEN: "2xx", Kind.LATER: "202", Kind.REFUSED: "2xx no"})
    assert meaning_of(rules, 202, "no") == Kind.REFUSED
    assert meaning_of(rules, 202, "") == Kind.LATER
    assert meaning_of(rules, 200, "") == Kind.TAKEN


def test_a_provider_that_is_not_there_means_later(
    http: Provider, settings: Any, nowhere: str
) -> None:
    settings.SMS_HTTP_URL = nowhere
    assert handed_over().kind == Kind.LATER


def test_connections_are_kept(http: Provider) -> None:
    transport = transport_for("sms")
    for _number in range(5):
        assert transport.hand_over(SMS).kind == Kind.TAKEN
    transport.close()
    assert len(http.calls) == 5
    assert len(http.connections) == 1


WRONG = [
    ({"URL": "ftp://x.example"}, "SMS_HTTP_URL"),
    ({"METHOD": "DELETE"}, "SMS_HTTP_METHOD"),
    ({"BODY": "{{ number }} {{ text }} {{ name }}"}, "{{ name }} is no place"),
    ({"BODY": "{{ number }}"}, "lack {{ number }} or {{ text }}"),
    ({"HEADERS": "X-Key"}, "without a colon"),
    ({"TAKEN": "ok"}, "'ok' is not a rule"),
    ({"ID": "("}, "SMS_HTTP_ID is not a pattern"),
    ({"ID": "x"}, "no group"),
]


@pytest.mark.parametrize(("given", "said"), WRONG)
def test_a_wrong_setting_is_found_at_the_start(
    http: Provider, settings: Any, given: dict[str, str], said: str
) -> None:
    assert HttpGateway.problems() == []
    for name, value in given.items():
        setattr(settings, f"SMS_HTTP_{name}", value)
    found = [check.msg for check in run_checks() if check.id == "campaign.E024"]
    assert any(said in message for message in found), found
    assert handed_over().kind == Kind.LATER
    assert http.calls == []


# ---------------------------------------------------------------- one's own
class Own:
    raises: Exception | None = None
    sent: list[tuple[str, str]] = []

    def send(self, number: str, text: str) -> None:
        if Own.raises:
            raise Own.raises
        Own.sent.append((number, text))


OWN = [
    (None, Kind.TAKEN),
    (Refused("no such number"), Kind.REFUSED),
    (Refused("busy", passing=True), Kind.LATER),
    (ValueError("who knows"), None),
]


@pytest.mark.parametrize(("raises", "kind"), OWN)
def test_a_gateway_of_ones_own_goes_on_working(
    settings: Any,
    raises: Exception | None,
    kind: Kind | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.SMS_GATEWAY = f"{__name__}.Own"
    Own.raises, Own.sent = raises, []
    if kind is None:
        with pytest.raises(Uncertain):
            handed_over()
        assert "who knows" not in caplog.text, "an error may hold a number"
    else:
        assert handed_over().kind == kind
    assert Own.sent == ([(SMS.address, SMS.body)] if raises is None else [])


def test_the_default_prints(settings: Any, capsys: pytest.CaptureFixture[str]) -> None:
    settings.SMS_GATEWAY = "audiences.sms.ConsoleGateway"
    assert handed_over().kind == Kind.TAKEN
    assert "SMS to +31612345670:" in capsys.readouterr().out


def test_a_gateway_that_is_not_there_is_named(settings: Any) -> None:
    settings.SMS_GATEWAY = "nothing.Here"
    with pytest.raises(NoTransport, match="SMS_GATEWAY"):
        transport_for("sms")


@pytest.mark.parametrize("channel", ["direct_mail", "phone", "fax"])
def test_other_channels_leave_as_a_file(channel: str) -> None:
    with pytest.raises(NoTransport, match="leaves as a file"):
        transport_for(channel)
