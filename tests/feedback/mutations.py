"""Mails spoiled at random, and mails made to break a reader."""

import random

_PIECES = [
    b"\r\n", b"\n\n", b"\0", b"\xff\xfe", b"--", b"Content-Type: message/rfc822\n\n",
    b"Content-Type: multipart/mixed; boundary=x\n\n--x\n", b"=?utf-8?B?!!!?=",
    b"Content-Type: text/plain; charset=punycode\n", b"<>", b"@", b"@" * 500, b"<" * 500,
    b"a" * 5_000, b" " * 5_000, b"Final-Recipient: rfc822;", b"Action: failed\n",
    b"Content-Transfer-Encoding: base64\n", b"\\x{110000}", b"+3D", b"(" * 300,
    b"a@b." * 300, b"From: \n", b"Date: 99 Xyz 99999 99:99:99 +9999\n",
]  # fmt: skip


def mutated(raw: bytes, dice: random.Random) -> bytes:
    """A mail with a few bytes, lines or blocks changed."""
    data = bytearray(raw)
    for _time in range(dice.randint(1, 8)):
        at = dice.randrange(len(data) + 1)
        end = min(len(data), at + dice.choice([1, 1, 10, 100, 1_000]))
        match dice.randrange(6):
            case 0:
                data[at:end] = b""
            case 1:
                data[at:at] = dice.choice(_PIECES)
            case 2:
                data[at:end] = bytes(dice.randrange(256) for _ in range(end - at))
            case 3:
                data[at:at] = data[at:end] * dice.randint(1, 20)
            case 4:
                del data[at:]
            case 5:
                lines = bytes(data).split(b"\n")
                dice.shuffle(lines)
                data = bytearray(b"\n".join(lines))
    return bytes(data)


_HEAD = b"From: MAILER-DAEMON@x.example\nSubject: Undelivered Mail\nMIME-Version: 1.0\n"
_REPORT = b"This mail could not be delivered to\n"


def _nested_parts(depth: int) -> bytes:
    parts = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n)
        for n in range(depth)
    )
    return _HEAD + parts


BOMBS = {
    "parts within parts": _nested_parts(20_000),
    "messages within messages": _HEAD + b"Content-Type: message/rfc822\n\n" * 100_000,
    "a hundred thousand headers": _HEAD + b"X-A: b\n" * 100_000 + b"\n" + _REPORT,
    "a header of a megabyte": _HEAD + b"X-A: " + b"a" * 1_000_000 + b"\n\n" + _REPORT,
    "a header folded endlessly": _HEAD + b"X-A: a\n" + b" b\n" * 300_000 + b"\n",
    "a hundred thousand parts": _HEAD
    + b"Content-Type: multipart/report; boundary=x\n\n"
    + b"--x\n\na\n" * 100_000,
    "empty boundaries": _HEAD
    + b"Content-Type: multipart/report; boundary=x\n\n"
    + b"--x\n" * 200_000,
    "thirty megabytes of base64": _HEAD
    + b"Content-Transfer-Encoding: base64\n\n"
    + b"QUFB" * 7_500_000,
    "a line of a megabyte": _HEAD + b"\n" + b"a" * 1_000_000,
    "at signs": _HEAD + b"\n" + b"a@" * 200_000,
    "dots": _HEAD + b"\n" + _REPORT + b"a@" + b"b." * 200_000,
    "words before no address": _HEAD
    + b"\n"
    + (b"address recipient user " * 40 + b"\n") * 500,
    "addresses": _HEAD
    + b"\n"
    + b"".join(b"<a%d@b.example>: 550 user unknown\n" % n for n in range(50_000)),
    "addresses in a line": _HEAD + b"\n" + _REPORT + b"to a@b.example " * 20_000,
    "brackets": _HEAD + b"\n" + b"<" * 300_000,
    "unclosed tags": _HEAD + b"Content-Type: text/html\n\n" + b"<a <b <style " * 50_000,
    "spaces": _HEAD + b"\n" + b" " * 300_000,
    "empty lines": _HEAD + b"\n" + b"\n" * 300_000,
    "signs of a quote": _HEAD + b"\n" + (b"> " * 40 + b"---- \n") * 5_000,
    "recipients": _HEAD
    + b"Content-Type: message/delivery-status\n\n"
    + b"Final-Recipient: rfc822;a@b.example\nAction: failed\n\n" * 50_000,
    "deep JSON": _HEAD + b"\n" + b'{"notificationType":' + b"[" * 200_000,
    "encoded words": _HEAD.replace(b"Undelivered", b"=?utf-8?Q?a?= " * 20_000) + b"\n",
    "a status of words": _HEAD
    + b"Content-Type: message/delivery-status\n\nFinal-Recipient: rfc822;a@b.example\n"
    + b"Action: failed\nDiagnostic-Code: smtp; "
    + b"user address is the account of a mailbox " * 20_000,
}
