"""What a mail that follows no standard is, by its sender, subject and opening."""

import re

from delivery.feedback.mails.mime import Part, readable

_SENDERS = re.compile(
    r"mailer-?daemon|post_?master|mail ?delivery|delivery (?:sub)?system|mail ?daemon|"
    r"mail administrator|mailsystem|system administrator|mailer@|mmdf|antispam|"
    r"<>|bounce",
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
    r"(?:could|can|was|were|did|wasn't|couldn't|been|be) ?"
    r"(?:not|n't|unable) ?(?:be |to |able to )?"
    r"(?:un)?(?:deliver|reach|returned)|deliver\w* (?:\w+ ){0,5}fail|"
    r"fail\w* (?:\w+ ){0,5}deliver|"
    r"undeliver|no such user|unknown user|user unknown|unable to deliver|"
    r"returned to (?:you|sender)|permanent (?:fatal )?error|transcript of session|"
    r"not been delivered|unknown (?:or|local)|delivery (?:error|attempt)",
    re.IGNORECASE,
)
_DELAYS = re.compile(
    r"\bdelay(?:ed)?\b|warning message only|"
    r"will (?:be retried|retry|keep trying|continue)|"
    r"not been able to deliver .{0,80}yet|still (?:trying|being)|do not need to resend|"
    r"no action is required|could not send message for past|not yet been delivered",
    re.IGNORECASE,
)
_GIVEN_UP = re.compile(
    r"giv(?:en|ing) up|permanent|failed|could not be delivered|undeliverable",
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
_PRECEDENCES = {"auto_reply", "auto-reply", "autoreply"}
_HEADERS = ("x-autoreply", "x-autorespond", "x-autoresponder", "x-autoreply-from",
            "x-auto-reply", "x-mail-autoreply")  # fmt: skip


def looks_like_bounce(mail: Part, words: str) -> bool:
    """Whether a mailer wrote it, by its sender with its subject or opening words."""
    sender = f"{mail.get('from')} {mail.get('return-path')}"
    from_mailer = bool(_SENDERS.search(sender)) or not mail.get("from").strip()
    heading = readable(mail.get("subject"))
    subject = bool(_SUBJECTS.search(heading)) and not _PASSED_ON.match(heading)
    opening = bool(_OPENINGS.search(" ".join(words[:2_000].split())))
    returns = any(part.content_type == "message/rfc822" for part in mail.walk())
    if _says_so(mail):
        return True
    if from_mailer:
        return subject or opening or returns
    return opening and (subject or (returns and bool(_MACHINES.search(sender))))


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
    return bool(_DELAYS.search(words)) and not _GIVEN_UP.search(words)


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
