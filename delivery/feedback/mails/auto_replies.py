"""Automatic replies (RFC 3834): they say nothing about the address."""

import re

from delivery.feedback.mails.mime import Part, readable

_SUBJECT = re.compile(
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


def is_auto_reply(mail: Part) -> bool:
    """Whether a machine answered for a person, by the mail's headers."""
    submitted = mail.get("auto-submitted").lower().partition(";")[0].strip()
    return (
        submitted.startswith("auto-replied")
        or mail.get("precedence").strip().lower() in _PRECEDENCES
        or any(mail.all(*_HEADERS))
        or bool(_SUBJECT.match(readable(mail.get("subject")).strip()))
    )
