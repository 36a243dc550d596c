"""What providers of email report, in their own formats: what it does to the address."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from anymail.signals import tracking
from django.utils import timezone

from delivery.feedback.mails.provider_reports import ROWS
from delivery.hooks.email_providers import PROVIDERS
from delivery.models import AddressError, InboundItem, Message, MessageEvent
from tests.feedback.reports import sent, status

from . import calls, sns_topic
from .calls import Call, by_password

pytestmark = pytest.mark.django_db
ADDRESS = "ann@shop.example"
NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)


@pytest.fixture(autouse=True)
def message(monkeypatch: pytest.MonkeyPatch) -> Message:
    sns_topic.serve(monkeypatch)
    return sent(
        ADDRESS,
        at=timezone.now() - timedelta(hours=3),
        provider_id="provider-number-1",
        message_id="<m1@news.example>",
    )


def postmark(type_: str, details: str = "", **more: Any) -> Call:
    return by_password(
        "postmark",
        {
            "RecordType": "Bounce",
            "ID": 4323372036854775807,
            "Type": type_,
            "MessageID": "provider-number-1",
            "Details": details,
            "Email": ADDRESS,
            "BouncedAt": NOW.isoformat(),
            **more,
        },
    )


def ses(kind: str, subtype: str, diagnostic: str = "") -> Call:
    return sns_topic.notification(
        {
            "notificationType": "Bounce",
            "bounce": {
                "bounceType": kind,
                "bounceSubType": subtype,
                "bouncedRecipients": [
                    {"emailAddress": ADDRESS, "diagnosticCode": diagnostic}
                ],
                "timestamp": NOW.isoformat(),
            },
            "mail": {"messageId": "provider-number-1", "destination": [ADDRESS]},
        }
    )


def ses_complaint(kind: str = "abuse") -> Call:
    return sns_topic.notification(
        {
            "eventType": "Complaint",
            "complaint": {
                "complainedRecipients": [{"emailAddress": ADDRESS}],
                "complaintFeedbackType": kind,
            },
            "mail": {"messageId": "provider-number-1", "destination": [ADDRESS]},
        }
    )


def sendgrid(event: str, **more: Any) -> Call:
    return calls.sendgrid(
        [
            {
                "event": event,
                "email": ADDRESS,
                "timestamp": 1_790_000_000,
                "sg_event_id": "e1",
                "smtp-id": "<m1@news.example>",
                **more,
            }
        ]
    )


def mailgun(event: str, **more: Any) -> Call:
    return calls.mailgun(
        {
            "id": "e1",
            "event": event,
            "recipient": ADDRESS,
            "timestamp": 1_790_000_000.5,
            "message": {"headers": {"message-id": "m1@news.example"}},
            **more,
        }
    )


def brevo(event: str, reason: str = "") -> Call:
    return by_password(
        "brevo",
        {
            "event": event,
            "email": ADDRESS,
            "ts_epoch": 1_790_000_000_000,
            "message-id": "<m1@news.example>",
            "reason": reason,
        },
    )


def mailjet(event: str, **more: Any) -> Call:
    return by_password(
        "mailjet",
        [
            {
                "event": event,
                "time": 1_790_000_000,
                "email": ADDRESS,
                "MessageID": "provider-number-1",
                **more,
            }
        ],
    )


def sparkpost(type_: str, bounce_class: str = "", reason: str = "") -> Call:
    return by_password(
        "sparkpost",
        [
            {
                "msys": {
                    "message_event": {
                        "type": type_,
                        "bounce_class": bounce_class,
                        "raw_rcpt_to": ADDRESS,
                        "raw_reason": reason,
                        "timestamp": "1790000000",
                        "event_id": "e1",
                        "transmission_id": "provider-number-1",
                    }
                }
            }
        ],
    )


def resend(type_: str, kind: str = "", text: str = "", subtype: str = "") -> Call:
    return calls.resend(
        {
            "type": type_,
            "created_at": "2026-11-20T10:00:00Z",
            "data": {
                "email_id": "provider-number-1",
                "to": [ADDRESS],
                "bounce": {"type": kind, "subType": subtype, "message": text},
            },
        }
    )


FULL = "452 4.2.2 The email account that you tried to reach is over quota"
GONE = "550 5.1.1 The email account that you tried to reach does not exist"
BLOCK = "550 5.7.1 blocked, see https://dnsbl.example: poor reputation of your IP"
CASES: list[tuple[str, Call, str]] = [
    ("postmark hard", postmark("HardBounce", GONE), "quarantine"),
    ("postmark soft", postmark("SoftBounce"), "erroneous"),
    ("postmark full", postmark("HardBounce", FULL), "erroneous"),
    ("postmark block", postmark("Blocked", BLOCK), "none"),
    ("postmark spam filter", postmark("SpamNotification"), "none"),
    ("postmark delay", postmark("Transient"), "none"),
    ("postmark complaint", postmark("SpamComplaint", RecordType="SpamComplaint"), "denylisted"),
    ("ses general", ses("Permanent", "General", GONE), "quarantine"),
    ("ses full", ses("Transient", "MailboxFull"), "erroneous"),
    ("ses content", ses("Transient", "ContentRejected"), "none"),
    ("ses reputation", ses("Permanent", "General", BLOCK), "none"),
    ("ses complaint", ses_complaint(), "denylisted"),
    ("ses not spam", ses_complaint("not-spam"), "none"),
    ("sendgrid bounce", sendgrid("bounce", type="bounce", reason=GONE), "quarantine"),
    ("sendgrid blocked", sendgrid("bounce", type="blocked", reason=BLOCK), "none"),
    ("sendgrid reputation", sendgrid("bounce", type="bounce", bounce_classification="Reputation"), "none"),
    ("sendgrid complaint", sendgrid("spamreport"), "denylisted"),
    ("sendgrid dropped", sendgrid("dropped", reason="Bounced Address"), "quarantine"),
    ("sendgrid open", sendgrid("open"), "none"),
    ("mailgun failed", mailgun("failed", severity="permanent", reason="bounce",
                               **{"delivery-status": {"message": GONE}}), "quarantine"),
    ("mailgun later", mailgun("failed", severity="temporary"), "none"),
    ("mailgun complaint", mailgun("complained"), "denylisted"),
    ("brevo hard", brevo("hard_bounce", GONE), "quarantine"),
    ("brevo soft", brevo("soft_bounce"), "erroneous"),
    ("brevo blocked", brevo("blocked"), "none"),
    ("brevo spam", brevo("spam"), "denylisted"),
    ("mailjet unknown", mailjet("bounce", error="user unknown"), "quarantine"),
    ("mailjet quotes a block", mailjet("bounce", error="user unknown", comment=BLOCK), "none"),
    ("mailjet full", mailjet("bounce", error="quota exceeded"), "erroneous"),
    ("mailjet blocked", mailjet("blocked", error="preblocked"), "none"),
    ("mailjet spam", mailjet("spam"), "denylisted"),
    ("sparkpost invalid", sparkpost("bounce", "10"), "quarantine"),
    ("sparkpost full", sparkpost("bounce", "22"), "erroneous"),
    ("sparkpost block", sparkpost("bounce", "51", BLOCK), "none"),
    ("sparkpost complaint", sparkpost("spam_complaint"), "denylisted"),
    ("resend hard", resend("email.bounced", "Permanent", "hard bounce message"), "quarantine"),
    ("resend prose is no answer", resend("email.bounced", "Permanent", "Rejected: this recipient's provider may treat it as spam; check your sender reputation"), "quarantine"),
    ("resend prose makes nothing hard", resend("email.bounced", "Undetermined", "The recipient's address does not exist, perhaps"), "erroneous"),
    ("an answer that says nothing", ses("Permanent", "General", "smtp; 554 5.0.0 denied"), "erroneous"),
    ("resend soft", resend("email.bounced", "Transient", "inbox was full"), "erroneous"),
    ("resend content", resend("email.bounced", "Transient", subtype="ContentRejected"), "none"),
    ("resend complaint", resend("email.complained"), "denylisted"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("call", "expected"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_a_report_does_to_the_address_what_it_says(
    call: Call, expected: str, settings: Any
) -> None:
    # The calls were signed when the tests were collected, which may be a while ago.
    settings.WEBHOOK_FRESH_SECONDS = 86_400
    assert call.post().status_code == 200
    assert status(ADDRESS) == expected, InboundItem.objects.get().note
    assert InboundItem.objects.get().state in ("applied", "ignored")


@pytest.mark.parametrize("hidden", ["", "[redacted]", None])
def test_a_complaint_that_hides_its_recipient_counts_for_the_message(
    hidden: str | None,
) -> None:
    complaint = {"RecordType": "SpamComplaint", "Email": hidden}
    postmark("SpamComplaint", **complaint).post()
    assert status(ADDRESS) == "denylisted"
    assert InboundItem.objects.get().state == "applied"


def test_a_complaint_about_nobody_and_no_message_of_ours_waits() -> None:
    complaint = {"RecordType": "SpamComplaint", "Email": "", "MessageID": "other"}
    postmark("SpamComplaint", **complaint).post()
    assert InboundItem.objects.get().state == "unmatched"


def test_a_report_about_a_message_that_we_did_not_send_changes_nothing() -> None:
    postmark("HardBounce", GONE, Email="b@shop.example", MessageID="other").post()
    assert InboundItem.objects.get().state == "unmatched"
    assert not AddressError.objects.exists()


def test_a_delivered_report_makes_an_erroneous_address_valid() -> None:
    brevo("soft_bounce").post()
    assert status(ADDRESS) == "erroneous"
    delivered = {
        "event": "delivered",
        "email": ADDRESS,
        "ts_epoch": int((timezone.now() + timedelta(seconds=5)).timestamp() * 1000),
        "message-id": "<m1@news.example>",
    }
    by_password("brevo", delivered).post()
    assert status(ADDRESS) == "valid"


def test_the_same_event_under_another_token_of_mailgun_counts_once() -> None:
    event = {
        "id": "e1", "event": "failed", "severity": "permanent", "recipient": ADDRESS,
        "timestamp": 1_790_000_000.5,
        "message": {"headers": {"message-id": "m1@news.example"}},
    }  # fmt: skip
    calls.mailgun(event, token="a" * 50).post()
    calls.mailgun(event, token="b" * 50).post()
    assert InboundItem.objects.count() == 2
    assert MessageEvent.objects.count() == AddressError.objects.count() == 1


def test_one_call_may_report_about_many() -> None:
    sent("bob@shop.example", at=timezone.now() - timedelta(hours=3))
    events = [
        {"event": "bounce", "type": "bounce", "email": address,
         "timestamp": int(timezone.now().timestamp()), "sg_event_id": address, "reason": GONE}
        for address in (ADDRESS, "bob@shop.example")
    ]  # fmt: skip
    calls.sendgrid(events).post()
    assert status(ADDRESS) == status("bob@shop.example") == "quarantine"


def test_others_may_listen_to_anymails_signal() -> None:
    heard = []

    def listen(sender: object, event: Any, esp_name: str, **kwargs: Any) -> None:
        heard.append((esp_name, event.event_type, event.recipient))

    tracking.connect(listen)
    try:
        brevo("hard_bounce").post()
    finally:
        tracking.disconnect(listen)
    assert heard == [("brevo", "bounced", ADDRESS)]


def passed_on(mail: str) -> InboundItem:
    call = by_password("postmark", {"RawEmail": mail, "MessageID": "1"})
    call.path = call.path.replace("tracking", "inbound")
    assert call.post().status_code == 200
    return InboundItem.objects.get()


BOUNCE_MAIL = f"""From: MAILER-DAEMON@shop.example
To: bounces@news.example
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

It failed.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; shop.example

Final-Recipient: rfc822; {ADDRESS}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; {GONE}
--b
Content-Type: text/rfc822-headers

Message-ID: NUMBER
--b--
"""


def test_a_bounce_that_a_provider_passes_on_counts_like_one_of_a_mailbox() -> None:
    item = passed_on(BOUNCE_MAIL.replace("NUMBER", "<m1@news.example>"))
    assert (item.state, item.is_verified) == ("applied", False)
    assert status(ADDRESS) == "quarantine"


def test_the_provider_does_not_vouch_for_what_a_mail_says() -> None:
    item = passed_on(BOUNCE_MAIL.replace("NUMBER", "<forged@evil.example>"))
    assert item.state == "unmatched"
    assert status(ADDRESS) == "none"


def test_every_row_of_the_table_is_of_a_provider_that_has_a_hook() -> None:
    assert {row.provider for row in ROWS} == {provider.name for provider in PROVIDERS}
    assert len({(row.provider, row.field, row.value) for row in ROWS}) == len(ROWS)
