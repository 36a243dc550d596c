"""A server's answer as seven mail systems report it, and more in tests/data/reports."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

DATA = Path(__file__).resolve().parents[1] / "data"

_HEAD = (
    "From: {sender}\nTo: bounces@news.example\nSubject: {subject}\n"
    "Date: Fri, 1 May 2026 10:00:00 +0000\nMessage-ID: <r1@mx.example>\n"
    "MIME-Version: 1.0\n"
)
_RETURNED = (
    "From: News <news@news.example>\nTo: a@b.example\nMessage-ID: <m1@news.example>\n"
    "Subject: News\n"
)
DAEMON = "Mail Delivery System <MAILER-DAEMON@mx.example>"


def _letter(sender: str, subject: str, text: str) -> bytes:
    return (_HEAD.format(sender=sender, subject=subject) + "\n" + text).encode()


def _report(sender: str, subject: str, human: str, fields: str) -> bytes:
    head = _HEAD.format(sender=sender, subject=subject)
    return (
        f"{head}Content-Type: multipart/report; report-type=delivery-status;"
        f' boundary="=b"\n\n--=b\nContent-Type: text/plain\n\n{human}\n\n'
        "--=b\nContent-Type: message/delivery-status\n\n"
        f"Reporting-MTA: dns; mx.example\n\n{fields}\n"
        f"--=b\nContent-Type: text/rfc822-headers\n\n{_RETURNED}\n--=b--\n"
    ).encode()


def _group(answer: str, status: str, kind: str = "smtp") -> str:
    return (
        "Final-Recipient: rfc822; a@b.example\nAction: failed\n"
        f"Status: {status}\nDiagnostic-Code: {kind};{answer}\n"
    )


def _postfix(answer: str) -> bytes:
    human = (
        "This is the mail system at host mx.example.\n\nI'm sorry to have to inform "
        "you that your message could not\nbe delivered to one or more recipients. "
        "It's attached below.\n\nFor further assistance, please send mail to "
        "postmaster.\n\n<a@b.example>: host mx.b.example[203.0.113.9] said: "
        f"{answer} (in reply to RCPT TO command)"
    )
    subject = "Undelivered Mail Returned to Sender"
    return _report(DAEMON, subject, human, _group(f" {answer}", "5.0.0"))


def _exim(answer: str) -> bytes:
    text = (
        "This message was created automatically by mail delivery software.\n\nA message "
        "that you sent could not be delivered to one or more of its\nrecipients. This is "
        "a permanent error. The following address(es) failed:\n\n  a@b.example\n    host "
        "mx.b.example [203.0.113.9]\n    SMTP error from remote mail server after RCPT "
        f"TO:<a@b.example>:\n    {answer}\n\n------ This is a copy of the message, "
        f"including all the headers. ------\n\n{_RETURNED}\n"
    )
    return _letter(DAEMON, "Mail delivery failed: returning message to sender", text)


def _exchange(answer: str) -> bytes:
    human = (
        "Delivery to the following recipients failed.\n\na@b.example\nYour message "
        "couldn't be delivered. Please check the recipient's e-mail address and try to "
        "resend the message. If the problem continues, please contact your helpdesk.\n"
    )
    return _report(
        "Microsoft Outlook <postmaster@mx.example>",
        "Undeliverable: News",
        human,
        _group(answer, "5.0.0"),
    )


def _qmail(answer: str) -> bytes:
    text = (
        "Hi. This is the qmail-send program at mx.example.\nI'm afraid I wasn't able to "
        "deliver your message to the following addresses.\nThis is a permanent error; "
        "I've given up. Sorry it didn't work out.\n\n<a@b.example>:\n203.0.113.9 failed "
        f"after I sent the recipient.\nRemote host said: {answer}\n\n--- Below this line "
        f"is a copy of the message.\n\nReturn-Path: <b@news.example>\n{_RETURNED}\n"
    )
    return _letter("MAILER-DAEMON@mx.example", "failure notice", text)


def _sendmail(answer: str) -> bytes:
    human = (
        "The original message was received at Fri, 1 May 2026 10:00:00 GMT\nfrom "
        "localhost [127.0.0.1]\n\n   ----- The following addresses had permanent fatal "
        f"errors -----\n<a@b.example>\n    (reason: {answer})\n\n   ----- Transcript of "
        "session follows -----\n... while talking to mx.b.example.:\n>>> RCPT To:"
        f"<a@b.example>\n<<< {answer}\n"
    )
    return _report(
        "Mail Delivery Subsystem <MAILER-DAEMON@mx.example>",
        "Returned mail: see transcript for details",
        human,
        _group(f" {answer}", "5.0.0", "SMTP"),
    )


def _gmail(answer: str) -> bytes:
    human = (
        "** Message not delivered **\n\nYour message couldn't be delivered to "
        "a@b.example because the remote server is misconfigured. See the technical "
        f"details below for more information.\n\nThe response was:\n\n{answer}\n"
    )
    return _report(
        "Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
        "Delivery Status Notification (Failure)",
        human,
        _group(f" {answer}", "5.0.0"),
    )


def _ses(answer: str) -> bytes:
    human = (
        "An error occurred while trying to deliver the mail to the following recipients:"
        "\na@b.example\n"
    )
    return _report(
        "MAILER-DAEMON@amazonses.com",
        "Delivery Status Notification (Failure)",
        human,
        _group(f" {answer}", "5.0.0"),
    )


PREAMBLES: dict[str, Callable[[str], bytes]] = {
    "Postfix": _postfix,
    "Exim": _exim,
    "Exchange": _exchange,
    "qmail": _qmail,
    "sendmail": _sendmail,
    "Gmail": _gmail,
    "Amazon SES": _ses,
}


def _filled_in(report: bytes, answer: str) -> bytes:
    return report.replace(b"{answer}", answer.encode())


# The seven, and those of the files.
REPORTS: dict[str, Callable[[str], bytes]] = PREAMBLES | {
    path.stem: partial(_filled_in, path.read_bytes())
    for path in sorted((DATA / "reports").glob("*.eml"))
}
