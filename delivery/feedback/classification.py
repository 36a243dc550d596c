"""Which reason a failure has, and what it says about the address (Q2, Q3).

By the server's wording, else the enhanced status code (RFC 3463), else the class of
either code. Hard only for a permanent failure whose reason says that the address is
dead: 5.x.x by itself never is.
"""

import re
from dataclasses import dataclass

from delivery.models.quarantine import ErrorReason, ErrorType

from .wordings import (
    FILTERING_HOSTS,
    PROVIDER_STATUSES,
    STATUSES,
    WORDINGS,
)

LONGEST_WORDING = 1_500
_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)")
_REPLY = re.compile(r"(?<![\d.\w-])([45]\d\d)(?=[ \-:;>]|$)")
_SPACES = re.compile(r"\s+")
# Names that a text only quotes: they say nothing about the failure.
_QUOTED = re.compile(r"https?://\S{1,300}|\S{1,100}@\S{1,200}")
_AFTER_MESSAGE = re.compile(
    r"after end of data|after data|reply to (?:end of )?data|our (?:final )?data|"
    r">>> (?:data|\.)"
)
_RULES = [(re.compile(rule.pattern), rule) for rule in WORDINGS]


@dataclass(frozen=True)
class Verdict:
    """What a failure says. `provider`: where its wording was seen, for the table."""

    reason: ErrorReason
    type: ErrorType
    status_code: str = ""
    seen_at: str = ""

    @property
    def is_told(self) -> bool:
        """Whether anything was recognised."""
        return self.reason != ErrorReason.NOT_DEFINED


def classify(
    text: str, *, status: str = "", host: str = "", context: str = ""
) -> Verdict:
    """The verdict on one failure.

    `text` is the server's answer, `status` what the report says itself, `host` the
    server that answered, `context` the report's own words around it.
    """
    wording = _plain(text)
    code = status_of(wording) or status_of(status)
    reported = status_of(status)
    if code.endswith(".0.0") and not reported.endswith(".0.0"):
        code = reported or code
    is_temporary = _is_temporary(wording, code)
    verdict = _by_wording(wording) or _by_status(code)
    reason, type, seen_at = verdict
    if reason == ErrorReason.USER_UNKNOWN and _is_filter(wording, code, host, context):
        reason, type = ErrorReason.REFUSED, ErrorType.SOFT
    if type == ErrorType.HARD and is_temporary:
        type = ErrorType.SOFT
    return Verdict(reason, type, code, seen_at)


def status_of(text: str) -> str:
    """The first enhanced status code of a text, preferring one with a detail."""
    found = [match[0] for match in _STATUS.finditer(text[:LONGEST_WORDING])]
    return next((c for c in found if not c.endswith(".0.0")), found[0] if found else "")


def _plain(text: str) -> str:
    return _SPACES.sub(" ", text[: 4 * LONGEST_WORDING]).lower()[:LONGEST_WORDING]


def _by_wording(wording: str) -> tuple[ErrorReason, ErrorType, str] | None:
    wording = _QUOTED.sub(" ", wording)
    for pattern, rule in _RULES:
        if pattern.search(wording):
            return rule.reason, rule.type, rule.seen_at
    return None


def _by_status(code: str) -> tuple[ErrorReason, ErrorType, str]:
    if code in PROVIDER_STATUSES:
        return PROVIDER_STATUSES[code]
    kind, _dot, detail = code.partition(".")
    subject = detail.partition(".")[0]
    found = STATUSES.get(detail) or STATUSES.get(f"{subject}.0")
    if found is None or kind not in ("4", "5"):
        return ErrorReason.NOT_DEFINED, ErrorType.SOFT, ""
    return *found, "RFC 3463"


def _is_temporary(wording: str, code: str) -> bool:
    if code:
        return code.startswith("4")
    reply = _REPLY.search(wording)
    return bool(reply and reply[1].startswith("4"))


def _is_filter(wording: str, code: str, host: str, context: str) -> bool:
    """Whether "user unknown" was the answer to the message, not to the recipient."""
    if _AFTER_MESSAGE.search(wording) or _AFTER_MESSAGE.search(_plain(context)):
        return True
    return code.endswith(".2.0") and host.lower().endswith(FILTERING_HOSTS)
