"""A block of the sender is no dead address, whatever is written around it."""

import pytest

from delivery.feedback.mails.classification import classify
from delivery.feedback.mails.reader import read

from .preambles import DATA, PREAMBLES, REPORTS


def answers(name: str) -> list[str]:
    lines = (DATA / "answers" / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


def hard(name: str, report: str) -> list[str]:
    """The answers whose report calls any address dead."""
    return [
        answer
        for answer in answers(name)
        if any(event.type == "hard" for event in read(REPORTS[report](answer)).events)
    ]


def misread(name: str, report: str, type: str) -> list[str]:
    """The answers whose report is not read as the one failure, of this type."""
    found = []
    for answer in answers(name):
        events = read(REPORTS[report](answer)).events
        if [(e.address, e.type.value) for e in events] != [("a@b.example", type)]:
            found.append(answer)
    return found


@pytest.mark.parametrize("answer", answers("blocks"))
def test_a_block_is_never_hard(answer: str) -> None:
    assert classify(answer).type != "hard"


@pytest.mark.parametrize("report", REPORTS)
def test_a_block_is_never_hard_in_any_report(report: str) -> None:
    assert len(answers("blocks")) >= 500
    assert hard("blocks", report) == []


@pytest.mark.parametrize("report", REPORTS)
def test_a_dead_mailbox_is_hard_in_every_report(report: str) -> None:
    assert misread("dead", report, "hard") == []


@pytest.mark.parametrize("report", REPORTS)
def test_a_full_mailbox_is_soft_in_every_report(report: str) -> None:
    assert misread("full", report, "soft") == []


@pytest.mark.parametrize("answer", answers("full"))
def test_a_full_mailbox_is_known_as_one(answer: str) -> None:
    assert classify(answer).reason == "mailbox_full"


@pytest.mark.parametrize("report", REPORTS)
def test_what_may_pass_is_never_hard_in_any_report(report: str) -> None:
    assert hard("passing", report) == []


SAYS_NOTHING = [
    "Delivery to the following recipients failed.",
    "Delivery to the following recipient failed permanently:",
    "Please check the recipient's e-mail address and try to resend the message.",
    "Verify the recipient's address for typos and send the mail again.",
    "Your message couldn't be delivered to the following recipients:",
    "This is a permanent error; I've given up. Sorry it didn't work out.",
]


@pytest.mark.parametrize("words", SAYS_NOTHING)
def test_the_words_of_the_report_are_no_answer(words: str) -> None:
    verdict = classify(words)
    assert (verdict.reason, verdict.type) == ("not_defined", "soft")


SOFT = [
    "Host or domain name not found. Name service error for name=b.example type=MX: Malformed or unexpected name server reply",
    "DNS Error: DNS type 'mx' lookup of b.example responded with code SERVFAIL",
    "451 4.4.3 DNS server failure: malformed answer for b.example",
]  # fmt: skip


@pytest.mark.parametrize("answer", SOFT)
def test_a_malformed_answer_of_the_name_servers_is_soft(answer: str) -> None:
    assert classify(answer).type == "soft"


def test_the_next_servers_answer_is_read() -> None:
    """Exchange puts it into X-Supplementary-Info."""
    raw = PREAMBLES["Exchange"]("550 5.0.0").replace(
        b"Diagnostic-Code: smtp;550 5.0.0\n",
        b"Diagnostic-Code: smtp;550 5.0.0\nX-Supplementary-Info: <mx.b.example #5.1.1 "
        b"smtp;550 5.1.1 <a@b.example>: User unknown>\n",
    )
    (event,) = read(raw).events
    assert (event.reason, event.type) == ("user_unknown", "hard")
