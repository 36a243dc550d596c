"""What a mail that follows no standard is, by its sender, subject and opening."""

import re

from delivery.feedback.mails.mime import Part, readable

_SENDERS = re.compile(
    r"mailer-?daemon|post_?master|mail ?delivery|delivery (?:sub)?system|mail ?daemon|"
    r"mail administrator|mailsystem|system administrator|mailer@|mmdf|antispam|"
    r"mdaemon|_gateways?@|^\s*<>",
    re.IGNORECASE,
)
# The address, not a name that anybody can put before it.
_MAILERS = re.compile(
    r"(?:^|[<\s\"'])(?:mailer-?daemon|post_?master|mail-?daemon|mdaemon|mmdf|mailer|"
    r"[\w.-]*(?:mta|mail(?:er|system|gateway)))(?:@|[\s>\"']|$)",
    re.IGNORECASE,
)
_HEADINGS = re.compile(
    r"\W{0,3}(?:non-?delivery|undeliver|delivery (?:status|failure|error|notification)|"
    r"returned mail|failure notice|mail delivery|mail could not)",
    re.IGNORECASE,
)
_MACHINES = re.compile(r"no-?reply|notification|system|admin|automat", re.IGNORECASE)
_SUBJECTS = re.compile(
    r"undeliver|non[- ]?deliver|not deliver|returned mail|mail (?:system )?error|"
    r"delivery (?:status|failure|error|notification|problem|report|has|unsuccess)|"
    r"fail(?:ure|ed)|returning|could ?n[o']t be (?:delivered|sent)|returned to sender|"
    r"unable to deliver|mail delivery|message (?:status|delayed)|bounce|"
    r"unzustellbar|non remis|onbestelbaar|no entregado|недостав|warning: could not|"
    r"error sending|permanent|user unknown|delivery delayed|rejected|nondelivery",
    re.IGNORECASE,
)
# What a human replies to or forwards.
_PASSED_ON = re.compile(r"\s{0,5}(?:re|fwd?|aw|wg|antw|tr|rv)\s?:", re.IGNORECASE)
_OPENINGS = re.compile(
    r"\b(?:(?:could|can|was|were|did|wasn't|couldn't|been|be) ?"
    r"(?:not|n't|unable) ?(?:be |to |able to )?"
    r"(?:un)?(?:deliver|reach|returned)|deliver\w* (?:\w+ ){0,5}fail|"
    r"fail\w* (?:\w+ ){0,5}deliver|"
    r"undeliver|no such user|unknown user|user unknown|unable to deliver|"
    r"returned to (?:you|sender)|permanent (?:fatal )?error|transcript of session|"
    r"not been delivered|unknown (?:or|local)|delivery (?:error|attempt))",
    re.IGNORECASE,
)
_DELAYS = re.compile(
    r"\b(?:delay(?:ed)?\b|warning message only|"
    r"will (?:be retried|retry|keep trying|continue)|"
    r"not been able to deliver .{0,80}yet|still (?:trying|being)|do not need to resend|"
    r"no action is required|could not send message for past|not yet been delivered)",
    re.IGNORECASE,
)
_GIVEN_UP = re.compile(
    r"giv(?:en|ing) up|permanent|failed|could not be delivered|undeliverable",
    re.IGNORECASE,
)
_SUCCEEDED = re.compile(
    r"\b(?:success|delivery status notification \((?:success|relay)\)|"
    r"(?:was|were|been) (?:relayed|delivered to))",
    re.IGNORECASE,
)
_FAILED = re.compile(
    r"fail|undeliver|not (?:yet )?(?:be |been )?(?:deliver|sent|reach)|n't|error|"
    r"reject|refus|unknown|unable|unsuccess|[45]\d\d[ -]|retry|delay",
    re.IGNORECASE,
)
_AUTO_REPLIES = re.compile(
    r"(?:re: ?)?(?:out of (?:the )?office|automatic reply|auto(?:matic)?[- ]?(?:reply|"
    r"response|responder|matisch)|autoreply|auto: |away from (?:my|the)|on (?:vacation|"
    r"holiday|leave)|vacation|afwezig|automatisch antwoord|abwesen|"
    r"automatische antwort|"
    r"absen(?:ce|t)|r.ponse automatique|respuesta autom|risposta autom|"
    r"thank you for (?:your|contacting)|i am (?:currently )?(?:out|away)|ooo\b)",
    re.IGNORECASE,
)
_DISPOSITION = re.compile(
    r"^Disposition:[^;]*;\s*([\w-]+)", re.IGNORECASE | re.MULTILINE
)
_SHOWN = {"displayed", "dispatched", "processed"}
# A filter that rejects writes "deleted" too, with a letter that says so.
_UNREAD = {"deleted", "denied"}
# A bounce says early on what it is.
_MOST_WORDS = 4_000
_PRECEDENCES = {"auto_reply", "auto-reply", "autoreply"}
_HEADERS = ("x-autoreply", "x-autorespond", "x-autoresponder", "x-autoreply-from",
            "x-auto-reply", "x-mail-autoreply")  # fmt: skip


def looks_like_bounce(mail: Part, words: str, *, returns: bool = False) -> bool:
    """Whether a mailer wrote it, by its sender with its subject or opening words.

    `returns`: it holds the message that it is about. Anybody else's letter must return
    one, or have the heading of a bounce and nothing of an answer or a newsletter.
    """
    if _says_so(mail):
        return True
    heading = readable(mail.get("subject"))
    by_mailer = is_from_mailer(mail) or has_mailers_address(mail)
    if _PASSED_ON.match(heading) and not by_mailer:
        return False
    subject = bool(_SUBJECTS.search(heading)) and not _PASSED_ON.match(heading)
    opening = bool(_OPENINGS.search(" ".join(words[:2_000].split())))
    returns = returns or any(p.content_type == "message/rfc822" for p in mail.walk())
    if by_mailer:
        return subject or opening or returns
    if not opening or any(mail.all("in-reply-to", "list-unsubscribe")):
        return False
    by_machine = bool(_MACHINES.search(mail.get("from")))
    return bool(_HEADINGS.match(heading)) or (returns and (subject or by_machine))


def has_mailers_address(mail: Part) -> bool:
    """Whether the address of the sender is one that mail systems use."""
    sender = mail.get("from").strip()
    return (
        not sender
        or bool(_MAILERS.search(sender))
        or bool(_MAILERS.search(mail.get("return-path")))
        or mail.get("return-path").strip() == "<>"
    )


def is_from_mailer(mail: Part) -> bool:
    """Whether the mail system itself wrote it, and not a person's auto-responder."""
    return _says_so(mail) or bool(_SENDERS.search(mail.get("from")))


def _says_so(mail: Part) -> bool:
    kind = mail.parameters.get("report-type", "").lower()
    return bool(mail.get("x-failed-recipients")) or kind == "delivery-status"


def is_delay(mail: Part, words: str) -> bool:
    """Whether a bounce says that the mail is still on its way."""
    if _DELAYS.search(readable(mail.get("subject"))):
        return True
    words = words[:_MOST_WORDS]
    return bool(_DELAYS.search(words)) and not _GIVEN_UP.search(words)


def is_good_news(mail: Part, words: str) -> bool:
    """Whether a letter tells that a mail was delivered or passed on, and no more."""
    said = f"{readable(mail.get('subject'))}\n{words[:_MOST_WORDS]}"
    return bool(_SUCCEEDED.search(said)) and not _FAILED.search(said)


def is_auto_reply(mail: Part) -> bool:
    """Whether a machine answered for a person (RFC 3834), by the mail's headers.

    Such a reply says nothing about the address.
    """
    submitted = mail.get("auto-submitted").lower().partition(";")[0].strip()
    return (
        submitted.startswith("auto-replied")
        or mail.get("precedence").strip().lower() in _PRECEDENCES
        or any(mail.all(*_HEADERS))
        or bool(_AUTO_REPLIES.match(readable(mail.get("subject")).strip()))
    )


def is_receipt(mail: Part, *, or_unread: bool = False) -> bool:
    """Whether it says that a message was shown, or passed on (RFC 8098)."""
    meant = _SHOWN | _UNREAD if or_unread else _SHOWN
    found = [
        _DISPOSITION.search(part.text())
        for part in mail.own()
        if part.content_type == "message/disposition-notification"
    ]
    return any(match[1].lower() in meant for match in found if match)
