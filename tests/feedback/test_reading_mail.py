"""What a mail that comes back says happened, and to whom."""

import json
from datetime import UTC, datetime

import pytest

from audiences.links import Link, unsubscribe_address
from delivery.feedback.mails.reader import read


def report(recipient, *, headers="", human="", returned="", kind="delivery-status"):
    """A report as RFC 6522 has it."""
    return (
        "From: MAILER-DAEMON@mx.example\nTo: b+token@news.example\n"
        f"Date: Fri, 1 May 2026 10:00:00 +0000\nMessage-ID: <r1@mx.example>\n{headers}"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="=b"\n\n'
        f"--=b\n\n{human}\n--=b\nContent-Type: message/{kind}\n\n"
        f"Reporting-MTA: dns; mx.example\n\n{recipient}\n--=b\n"
        f"{returned}--=b--\n"
    ).encode()


FINAL = "Final-Recipient: rfc822; a@b.example\n"
UNKNOWN = "Diagnostic-Code: smtp; 550 5.1.1 User unknown\n"


def only(raw):
    (event,) = read(raw).events
    return event


ACTIONS = [
    ("Action: failed\nStatus: 5.1.1\n", "failed"),
    ("Action: FAILED (for good)\nStatus: 5.1.1\n", "failed"),
    ("Action: delayed\nStatus: 4.4.1\n", "delayed"),
    ("Action: delivered\nStatus: 2.0.0\n", "delivered"),
    ("Action: relayed\nStatus: 2.0.0\n", None),
    ("Action: expanded\nStatus: 2.0.0\n", None),
    ("Action: whatever\nStatus: 5.1.1\n", None),
    ("Status: 5.1.1\n", "failed"),
    ("Status: 4.4.1\n", "delayed"),
]


@pytest.mark.parametrize(("fields", "kind"), ACTIONS)
def test_only_failed_is_a_failure(fields, kind):
    events = read(report(FINAL + fields)).events
    assert [event.kind for event in events] == ([kind] if kind else [])


ADDRESSES = [
    ("Final-Recipient: rfc822; a@b.example\n", "a@b.example"),
    ("Final-Recipient: rfc822;<a@b.example>\n", "a@b.example"),
    ("Final-Recipient: a@b.example\n", "a@b.example"),
    ("Final-Recipient: RFC822; A.B+c@B.example\n", "A.B+c@B.example"),
    ("Final-Recipient: utf-8; jos\\x{E9}@b.example\n", "josé@b.example"),
    ("Final-Recipient: utf-8; josé@münchen.example\n", "josé@münchen.example"),
    ("Original-Recipient: rfc822; old@b.example\nFinal-Recipient: rfc822; new@c.example\n", "old@b.example"),
    ("Original-Recipient: rfc822; a+2Btag@b.example\nFinal-Recipient: rfc822; a+tag@b.example\n", "a+tag@b.example"),
    ("Original-Recipient: rfc822; a+40b.example\nFinal-Recipient: x400; /S=a/\n", "a@b.example"),
    ("Final-Recipient: rfc822; not an address\n", None),
    ("Final-Recipient: rfc822; a@b\n", None),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "address"), ADDRESSES)
def test_the_address_is_the_one_that_we_wrote_to(fields, address):
    raw = report(
        fields + "Action: failed\nStatus: 5.1.1\n", kind="global-delivery-status"
    )
    assert [event.address for event in read(raw).events] == (
        [address] if address else []
    )


def test_a_failure_says_what_when_and_about_which_message():
    raw = report(
        f"{FINAL}Action: failed\nStatus: 5.0.0\n{UNKNOWN}"
        "Last-Attempt-Date: Fri, 1 May 2026 09:00:00 +0200\n",
        returned="Content-Type: text/rfc822-headers\n\nFrom: news@news.example\n"
        "Return-Path: <b+other@news.example>\nMessage-ID: <m1@news.example>\n",
    )
    reading = read(raw)
    (event,) = reading.events
    assert (reading.kind, event.kind) == ("bounce", "failed")
    assert (event.reason, event.type, event.status_code) == (
        "user_unknown",
        "hard",
        "5.1.1",
    )
    assert event.at == datetime(2026, 5, 1, 7, tzinfo=UTC)
    assert event.clue.message_ids == ("m1@news.example",)
    assert event.clue.return_paths == ("b+token@news.example", "b+other@news.example")
    assert "User unknown" in event.text


def test_the_same_report_by_another_way_has_the_same_number():
    first = report(FINAL + "Action: failed\nStatus: 5.1.1\n")
    again = b"Received: from elsewhere\n" + first.replace(b"\n", b"\r\n")
    other = report(FINAL + "Action: failed\nStatus: 5.1.2\n")
    assert only(first).event_id
    assert only(other).event_id != only(first).event_id
    assert only(b"Received: from elsewhere\n" + first).event_id == only(first).event_id
    assert only(again).event_id == only(first).event_id


def test_each_recipient_has_an_event_and_one_alone():
    group = FINAL + "Action: failed\nStatus: 5.1.1\n\n"
    raw = report(group + group + group.replace("a@", "c@"))
    assert [event.address for event in read(raw).events] == [
        "a@b.example",
        "c@b.example",
    ]


def complaint(kind, fields="Original-Rcpt-To: a@b.example\n"):
    return (
        "From: fbl@isp.example\nTo: abuse@news.example\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="=b"\n\n'
        "--=b\n\nA complaint.\n--=b\nContent-Type: message/feedback-report\n\n"
        f"Feedback-Type: {kind}\nVersion: 1\n{fields}\n--=b\n"
        "Content-Type: message/rfc822\n\nTo: a@b.example\nMessage-ID: <m1@news.example>\n\n"
        "Hello\n--=b--\n"
    ).encode()


@pytest.mark.parametrize(
    ("type", "kind"),
    [("abuse", "complaint"), ("Abuse", "complaint"), ("opt-out", "complaint"), ("abuse (spam)", "complaint"), ("abuse;", "complaint"), ("not-spam", "notice"), ("auth-failure", "notice"), ("virus", "notice"), ("fraud", "unknown"), ("other", "unknown"), ("miscategorized", "unknown")],
)  # fmt: skip
def test_only_abuse_and_opt_out_are_complaints(type, kind):
    reading = read(complaint(type))
    assert reading.kind == kind
    assert [(e.kind, e.address) for e in reading.events] == [
        ("complaint", "a@b.example")
    ] * (kind == "complaint")


HOTMAIL = (
    "From: staff@hotmail.example\nTo: fbl@news.example\nMessage-ID: <c1@fbl>\n{outer}"
    "Subject: complaint about message from 192.0.2.1\nContent-Type: message/rfc822\n\n"
    "{inner}Message-ID: <m1@news.example>\nFrom: news@news.example\n\nHello\n"
)


@pytest.mark.parametrize("place", ["outer", "inner"])
def test_hotmail_names_the_recipient_in_a_header_of_either_mail(place):
    places = {"outer": "", "inner": ""}
    places[place] = "X-HmXmrOriginalRecipient: a@b.example\n"
    event = only(HOTMAIL.format(**places).encode())
    assert (event.kind, event.address) == ("complaint", "a@b.example")
    assert event.clue.message_ids == ("m1@news.example",)


SENDER = "b+sender@news.example"
SAYS_SENDER = {
    "a complaint": complaint("abuse", f"Original-Mail-From: <{SENDER}>\n"),
    "a bounce": report(
        f"X-Postfix-Sender: rfc822; {SENDER}\n\n{FINAL}Action: failed\n"
    ),
}


@pytest.mark.parametrize("raw", SAYS_SENDER.values(), ids=SAYS_SENDER)
def test_a_field_may_name_the_return_path(raw):
    assert SENDER in only(raw).clue.return_paths


def test_a_complaint_that_names_nobody_is_about_the_one_recipient():
    event = only(complaint("abuse", fields=""))
    assert event.address == "a@b.example"
    assert event.clue.message_ids == ("m1@news.example",)
    two = complaint("abuse", fields="").replace(
        b"To: a@b.example\n", b"To: a@b.example, c@b.example\n"
    )
    assert only(two).address == ""


HIDDEN = [
    "Original-Rcpt-To: [redacted]\n",
    "Original-Rcpt-To: <>\n",
    "Original-Rcpt-To: undisclosed-recipients:;\n",
    "",
]


@pytest.mark.parametrize("fields", HIDDEN)
def test_a_complaint_that_hides_its_recipient_is_one(fields):
    raw = complaint("abuse", fields=fields).replace(b"To: a@b.example\n", b"To: x\n")
    event = only(raw)
    assert (event.kind, event.address) == ("complaint", "")
    assert event.clue.message_ids == ("m1@news.example",)


def test_a_complaint_without_a_type_is_for_a_human():
    assert read(complaint("")).kind == "unknown"


AUTO_REPLIES = [
    "Return-Path: <>\nSubject: Out of office: undeliverable until Monday\n",
    "Auto-Submitted: auto-replied\nSubject: Re: News\n",
    "Precedence: auto_reply\nSubject: Re: News\n",
    "X-Autoreply: yes\nSubject: Re: News\n",
    "Subject: Out of office: back on Monday\n",
    "Subject: Automatisch antwoord: News\n",
]


@pytest.mark.parametrize("headers", AUTO_REPLIES)
def test_automatic_replies_say_nothing(headers):
    raw = f"From: a@b.example\nTo: news@news.example\n{headers}\nI am away. Unknown user x@y.example\n"
    reading = read(raw.encode())
    assert (reading.kind, reading.events) == ("auto_reply", ())


BOUNCE = report(FINAL + "Action: failed\nStatus: 5.1.1\n")
PASSED_ON = [
    # As a part, and as text.
    b"Content-Type: message/rfc822\n\n" + BOUNCE,
    b"\nLook, this could not be delivered:\n\n"
    + FINAL.encode()
    + b"Action: failed\nStatus: 5.1.1\n",
]


@pytest.mark.parametrize("rest", PASSED_ON)
def test_a_bounce_that_a_human_passes_on_is_for_a_human(rest):
    reading = read(b"From: c@d.example\nSubject: Fwd: Undelivered mail\n" + rest)
    assert (reading.kind, reading.events) == ("unknown", ())


def test_what_is_late_has_no_type():
    event = only(
        report(FINAL + "Action: delayed\nDiagnostic-Code: smtp; user unknown\n")
    )
    assert (event.kind, event.type) == ("delayed", "ignored")


def test_a_letter_of_a_human_says_nothing():
    raw = b"From: a@b.example\nTo: news@news.example\nSubject: Question\n\nMy mail to c@d.example was not delivered, why?\n"
    reading = read(raw)
    assert (reading.kind, reading.events) == ("unknown", ())
    assert reading.recipients == ("news@news.example",)


@pytest.mark.parametrize("headers", ["", "Auto-Submitted: auto-replied\n"])
def test_a_mail_to_an_unsubscribe_address_unsubscribes(settings, headers):
    settings.UNSUBSCRIBE_MAILBOX = "stop@news.example"
    ours = unsubscribe_address(Link(7))
    raw = f"From: a@b.example\nTo: <{ours.upper()}>\nSubject: \n{headers}\n".encode()
    reading = read(raw)
    (event,) = reading.events
    assert (reading.kind, event.kind) == ("unsubscribe", "unsubscribe")
    assert event.clue.return_paths[0].lower() == ours
    # A forged token proves nothing.
    assert (
        read(
            raw.replace(ours.upper().encode(), b"stop+7.e.0.0.aaaa@news.example")
        ).events
        == ()
    )


WISHES = [
    "Unsubscribe", "Re: unsubscribe", "Please unsubscribe me", "STOP", "Remove me from your list",
    "Afmelden nieuwsbrief", "Graag uitschrijven", "Bitte abmelden", "Abmelden vom Newsletter",
    "Désinscription",
]  # fmt: skip
OTHER_SUBJECTS = [
    "Stop the press",
    "How do I unsubscribe?",
    "Unsubscribe rates in 2026",
]


def letter(subject, to="news@news.example", headers=""):
    mail = f"From: a@b.example\nTo: {to}\nSubject: {subject}\n{headers}\nHello\n"
    return read(mail.encode())


@pytest.mark.parametrize("subject", WISHES)
def test_a_subject_that_asks_to_stop_is_a_wish(subject):
    (event,) = letter(subject).events
    assert (event.kind, event.address) == ("unsubscribe", "a@b.example")


@pytest.mark.parametrize("subject", OTHER_SUBJECTS)
def test_a_subject_about_something_else_is_none(subject):
    assert letter(subject).events == ()


def test_who_writes_to_the_mailbox_for_wishes_has_one(settings):
    settings.UNSUBSCRIBE_MAILBOX = "stop@news.example"
    assert letter("Hello", "stop@news.example").kind == "unsubscribe"
    away = "Auto-Submitted: auto-replied\n"
    assert letter("Away", "stop@news.example", away).kind == "auto_reply"


SES = {
    "notificationType": "Bounce",
    "mail": {"messageId": "s1", "commonHeaders": {"messageId": "<m1@news.example>"}},
    "bounce": {
        "bounceType": "Permanent",
        "bouncedRecipients": [
            {"emailAddress": "a@b.example", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 user unknown"}
        ],
    },
}  # fmt: skip


@pytest.mark.parametrize(
    "notice", [SES, {"Type": "Notification", "Message": json.dumps(SES)}]
)
def test_a_notice_of_amazon_by_mail_is_read(notice):
    raw = (
        b"From: no-reply@sns.example\nSubject: AWS Notification Message\n\n"
        + json.dumps(notice).encode()
    )
    event = only(raw)
    assert (event.address, event.reason, event.type) == (
        "a@b.example",
        "user_unknown",
        "hard",
    )
    assert event.clue.provider_id == "s1"
    assert event.clue.message_ids == ("m1@news.example",)


@pytest.mark.parametrize("named", ["[]", '[{"emailAddress": "[redacted]"}]'])
def test_a_notice_of_amazon_that_hides_its_recipient_has_a_number(named):
    notice = (
        '{"notificationType": "Complaint", "mail": {"messageId": "s1"},'
        f' "complaint": {{"complainedRecipients": {named}}}}}'
    )
    event = only(f"From: no-reply@sns.example\nSubject: x\n\n{notice}\n".encode())
    assert (event.kind, event.address) == ("complaint", "")
    assert event.clue.provider_id == "s1"


TEXTS = [
    # qmail
    ("<a@b.example>:\nSorry, no mailbox here by that name. (#5.1.1)\n", "user_unknown", "hard"),
    # Exim
    ("The following address(es) failed:\n\n  a@b.example\n    SMTP error from remote mail server after RCPT TO:<a@b.example>:\n    550 no such user\n", "user_unknown", "hard"),
    ("The following address(es) failed:\n\n  a@b.example\n    SMTP error from remote mail server after end of data:\n    550 user unknown\n", "refused", "soft"),
    ("The following address(es) failed:\n\n  a@b.example\n    retry timeout exceeded\n", "unreachable", "soft"),
    # sendmail
    ("550 5.2.2 <a@b.example>... Mailbox full\n", "mailbox_full", "soft"),
    ("Your message to a@b.example could not be delivered: blocked by spam filter\n", "refused", "ignored"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "reason", "type"), TEXTS)
def test_bounces_of_no_standard_are_read(text, reason, type):
    raw = (
        "From: Mail Delivery System <mailer-daemon@mx.example>\nTo: news@news.example\n"
        f"Subject: Undelivered mail\n\nYour message could not be delivered.\n{text}\n"
        "----- Original message -----\nFrom: news@news.example\nMessage-ID: <m1@news.example>\nTo: a@b.example\n"
    )
    event = only(raw.encode())
    assert (event.address, event.reason, event.type) == ("a@b.example", reason, type)
    assert event.clue.message_ids == ("m1@news.example",)


RETURNED = "Content-Type: message/rfc822\n\n"
NAMES_OF_THE_MESSAGE = {
    "the returned message": {
        "returned": f"--=b\n{RETURNED}Message-ID: <m1@us>\nTo: a@b.example\n\nHello\n"
    },
    "a returned message without brackets": {
        "returned": f"--=b\n{RETURNED}Message-ID: m1@us.example\nSubject: x\n\nHello\n"
    },
    "an answer's header": {"headers": "In-Reply-To: <m1@us>\n"},
    "references": {"headers": "References: <m0@us> <m1@us>\n"},
    "a header of the reporter": {"headers": "X-Original-Message-ID: <m1@us>\n"},
    "the words of the reporter": {"human": "Not delivered.\nMessage-ID: <m1@us>\n"},
    "the headers of a part": {
        "returned": "--=b\nReceived: from x by y\nMessage-Id: <m1@us>\n\nHello\n"
    },
    "a report within a report": {
        "returned": f"--=b\n{RETURNED}Message-ID: <r0@mx>\n{RETURNED}"
        "Message-ID: <m1@us>\n\nHello\n"
    },
}


@pytest.mark.parametrize(
    "where", NAMES_OF_THE_MESSAGE.values(), ids=NAMES_OF_THE_MESSAGE
)
def test_the_number_of_our_message_is_found_wherever_it_stands(where):
    event = only(report(FINAL + "Action: failed\nStatus: 5.1.1\n" + UNKNOWN, **where))
    named = event.clue.message_ids
    assert {"m1@us", "m1@us.example"} & set(named)
    # The report's own number is no proof of anything.
    assert "r1@mx.example" not in named


def test_an_unsubscribe_mail_that_answers_our_message_names_it():
    raw = (
        b"From: a@b.example\nTo: news@news.example\nSubject: unsubscribe\n"
        b"In-Reply-To: <m1@news.example>\n\n"
    )
    assert only(raw).clue.message_ids == ("m1@news.example",)


RECEIPT = (
    b"From: a@b.example\nTo: news@news.example\nSubject: Read: News\n"
    b"Content-Type: multipart/report; report-type=disposition-notification;"
    b' boundary="=b"\n\n--=b\n\nYour message was displayed.\n--=b\n'
    b"Content-Type: message/disposition-notification\n\n"
    b"Final-Recipient: rfc822; a@b.example\nOriginal-Message-ID: <m1@news.example>\n"
    b"Disposition: manual-action/MDN-sent-manually; displayed\n--=b--\n"
)


@pytest.mark.parametrize("what", [b"displayed", b"deleted"])
def test_a_receipt_that_a_mail_was_shown_or_not_asks_for_nothing(what):
    reading = read(RECEIPT.replace(b"displayed", what))
    assert (reading.kind, reading.events) == ("notice", ())


GOOD_NEWS = [
    ("Successful Mail Delivery Report", "Your message was successfully delivered to\n<a@b.example>"),
    ("Delivery Status Notification (Relay)", "Your message has been successfully relayed to\na@b.example\nbut notifications may not be generated by the destination."),
]  # fmt: skip
BAD_NEWS = "Your message to <a@b.example> could not be delivered successfully."


@pytest.mark.parametrize(("subject", "text"), GOOD_NEWS)
def test_a_letter_with_good_news_is_no_failure(subject, text):
    letter = "From: MAILER-DAEMON@mx.example\nSubject: {}\n\n{}\n".format
    assert read(letter(subject, text).encode()).kind == "notice"
    assert only(letter("Delivery report", BAD_NEWS).encode()).kind == "failed"
