"""The reason for a failure, and what it says about the address (Q2, Q3).

By the server's wording, else the enhanced status code (RFC 3463), else the class of
either code. It is hard only if the failure is permanent and its reason means that the
address is dead; 5.x.x alone never is.

The wordings and codes are in wordings.toml. Wordings come first: a server's text says
more than its code (many answer 5.1.1 for spam, or 5.7.1 for an unknown user). Only a
dead address is hard: user unknown, invalid domain, an account that ended. A disabled
account can come back, and is soft. A block of the sender's reputation, content, policy
or relaying says nothing about the address at all, and is ignored.
"""

import functools
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from delivery.models.quarantine import ErrorReason, ErrorType

LONGEST_WORDING = 1_500
_STATUS = re.compile(r"[245](?<![\d.].)\.\d{1,3}\.\d{1,3}(?![\d.]*\d)")
_REPLY = re.compile(r"([45])(?<![.\w-].)\d\d(?=[ \-:;>]|$)")
_TRY_AGAIN = re.compile(r"try again\W*$|try again later|temporary (?:error|fail)")
# Names that a text only quotes: they say nothing about the failure.
_LINK = re.compile(r"https?://\S{1,300}")
# But a link to a block list says that the sender is on it.
_BLOCK_LINK = re.compile(
    r"spamhaus|spamcop|barracuda|sorbs\.|uceprotect|abuseat|senderscore|senderbase|"
    r"talosintelligence|cloudmark|mailspike|backscatterer|invaluement|ipcheck|"
    r"(?:sur|uri|dns|\b)bl(?:\b|check)|rbl|(?:block|black)-?list|delist|reputation|"
    r"unsolicited|spamauditor|[?&]i=ip\b"
)
# What reporters write around a server's answer, whatever that is.
_PREAMBLES = re.compile(
    r"\b(?:delivery (?:to the following \w+(?:\(s\))? |has )?(?:has )?(?:been )?"
    r"(?:permanently )?failed(?: permanently)?|"
    r"(?<!unable to )(?<!not )(?<!cannot )(?:please )?(?:double-?)?"
    r"(?:check|verify)(?:ing)? (?:(?!sender)\S+ ){0,4}?"
    r"(?:recipient|e-?mail|mail|address)(?:\S* ?(?:e-?mail|address(?:es)?)){0,2}"
    r"(?: for [^.]{0,60}| and [^.]{0,80})?|"
    r"(?:your|the|this|a|following) (?:\w+ ){0,3}message\b[^.:]{0,80} (?:could ?n.t|"
    r"could not|cannot|can.t|was ?n.t|was not|were not|has not been) (?:be )?"
    r"(?:delivered|sent)|this is a permanent error|address not found \W|"
    r"because the address couldn.t be found(?:, or is unable to receive mail)?|"
    r"check for typos or unnecessary spaces and try again|"
    r"google tried to deliver your message, but it was rejected by the (?:recipient|"
    r"server for the recipient) domain|"
    r"following (?:address|recipient)(?:es|s|\(es\)|\(s\))?"
    r"(?: failed| had (?:\w+ ){1,3}errors?| could ?n.t be reached|"
    r" could not be reached)?)"
)
# What Gmail's own words say of a report without any answer of a server.
_NOT_FOUND = re.compile(r"\baddress not found \W|because the address couldn.t be found")
_QUOTES_ANSWER = re.compile(r"the response (?:from the remote server )?was")
_ADDRESS = re.compile(r"<?[^\s<>:\"',;()]{0,64}@[^\s<>:\"',;()]{1,200}>?")
# What may stand before a text; wordings begin with a word.
_NO_WORD = " @:;.,<>()[]#-\"'"
# Cisco's gateway puts this before the answer that it got.
_PREFIX = re.compile(r"5\.1\.0 - unknown address error (?=[45]\d\d[- ])")
_AFTER_MESSAGE = re.compile(
    r"after end of data|after data|reply to (?:end of )?data|our (?:final )?data|"
    r"(?:for (?:text|data) command|command data)"
)
_OF_DEAD_ACCOUNTS = (ErrorReason.USER_UNKNOWN, ErrorReason.ACCOUNT_DISABLED)
_TO_RECIPIENT = re.compile(r"after rcpt to|reply to rcpt to|our rcpt to")
# The command itself says nothing: in "RCPT TO:<...>: host unknown" no recipient is.
_COMMAND = re.compile(r"\brcpt to\b(?: command)?:?|after i sent the recipient")
# A reason, what it says about the address, and who words it so.
_Found = tuple[ErrorReason, ErrorType, str]
_Wordings = list[tuple[re.Pattern[str], _Found]]
_FILE = Path(__file__).with_name("wordings.toml")
_TABLES: dict[str, Any] = tomllib.loads(_FILE.read_text(encoding="utf-8"))


def _wordings(rows: list[dict[str, Any]]) -> _Wordings:
    found = []
    for row in rows:
        pattern = "".join(row["pattern"])
        for name, part in _TABLES["parts"].items():
            pattern = pattern.replace(f"%{name}%", "".join(part))
        meaning = ErrorReason(row["reason"]), ErrorType(row["type"]), row["seen_at"]
        found.append((re.compile(rf"\b(?:{pattern})"), meaning))
    return found


_FIRST_WORDINGS = _wordings(_TABLES["wordings"])
_LAST_WORDINGS = _wordings(_TABLES["last_wordings"])


def _statuses(rows: dict[str, list[str]]) -> dict[str, _Found]:
    return {
        code: (ErrorReason(reason), ErrorType(type), (*seen_at, "RFC 3463")[0])
        for code, (reason, type, *seen_at) in rows.items()
    }


STATUSES = _statuses(_TABLES["statuses"])
PROVIDER_STATUSES = _statuses(_TABLES["provider_statuses"])


@dataclass(frozen=True)
class Verdict:
    """What a failure means. `seen_at` says who words it so, for the table."""

    reason: ErrorReason
    type: ErrorType
    status_code: str = ""
    seen_at: str = ""

    @property
    def is_told(self) -> bool:
        """Whether anything was recognised."""
        return self.reason != ErrorReason.NOT_DEFINED


def classify(text: str, *, status: str = "", context: str = "") -> Verdict:
    """The verdict on one failure.

    `text` is the server's answer, `status` the code in the report itself, `context` the
    report's own words around it.
    """
    wording = _PREAMBLES.sub(" ", _plain(text))
    code = status_of(wording) or status_of(status)
    reported = status_of(status)
    if code.endswith(".0.0") and not reported.endswith(".0.0"):
        code = reported or code
    is_temporary = _is_temporary(wording, code)
    reason, type, seen_at = _of(wording, code)
    if reason == ErrorReason.NOT_DEFINED and _is_not_found(context):
        reason, type, seen_at = ErrorReason.USER_UNKNOWN, ErrorType.HARD, "Gmail"
    if reason in _OF_DEAD_ACCOUNTS and _is_filter(wording, code, context):
        type = ErrorType.SOFT
        if reason == ErrorReason.USER_UNKNOWN:
            reason = ErrorReason.REFUSED
    if type == ErrorType.HARD and is_temporary:
        type = ErrorType.SOFT
    return Verdict(reason, type, code, seen_at)


def status_of(text: str) -> str:
    """The first enhanced status code of a text, preferring one with a detail."""
    found = [match[0] for match in _STATUS.finditer(text[:LONGEST_WORDING])]
    return next((c for c in found if not c.endswith(".0.0")), found[0] if found else "")


def _plain(text: str) -> str:
    return " ".join(text[: 4 * LONGEST_WORDING].lower().split())[:LONGEST_WORDING]


def _of(wording: str, code: str) -> _Found:
    """By wording, else the code's detail, the last wordings, or the code's class."""
    wording = _COMMAND.sub(" ", _PREFIX.sub(" ", wording))
    wording = _ADDRESS.sub(" @ ", _LINK.sub(_word_of, wording))
    return _meaning(wording.lstrip(_NO_WORD), code)


# Without the addresses, the answers to one delivery are a few, told many times.
@functools.lru_cache(maxsize=1_000)
def _meaning(wording: str, code: str) -> _Found:
    return (
        _by_wording(wording, _FIRST_WORDINGS)
        or _by_detail(code)
        or _by_wording(wording, _LAST_WORDINGS)
        or _by_subject(code)
    )


def _word_of(link: re.Match[str]) -> str:
    """What a link adds to a text."""
    return " block list " if _BLOCK_LINK.search(link[0]) else " "


def _by_wording(text: str, wordings: _Wordings) -> _Found | None:
    return next((found for one, found in wordings if one.search(text)), None)


def _by_detail(code: str) -> _Found | None:
    if code in PROVIDER_STATUSES:
        return PROVIDER_STATUSES[code]
    kind, _dot, detail = code.partition(".")
    found = STATUSES.get(detail) if kind in ("4", "5") else None
    if found is None or found[0] == ErrorReason.NOT_DEFINED:
        return None
    return found


def _by_subject(code: str) -> _Found:
    """Unknown details fall back to the class and subject (RFC 3463, section 2)."""
    found = STATUSES.get(f"{code[2:].partition('.')[0]}.0")
    if found is None or code[:1] not in ("4", "5"):
        return ErrorReason.NOT_DEFINED, ErrorType.SOFT, ""
    return found


def _is_temporary(wording: str, code: str) -> bool:
    if code and not code.endswith(".0.0"):
        return code.startswith("4")
    # A code that says nothing more is the reporter's, the reply that of the server.
    if _TRY_AGAIN.search(wording):
        return True
    reply = _REPLY.search(wording)
    return (reply[1] if reply else code[:1]) == "4"


def _is_not_found(context: str) -> bool:
    """Whether the reporter found no address, and quotes no server that answered."""
    said = _plain(context)
    return bool(_NOT_FOUND.search(said)) and not _QUOTES_ANSWER.search(said)


def _is_filter(wording: str, code: str, context: str) -> bool:
    """Whether "user unknown" was the answer to the message, not to the recipient.

    A recipient's filter answers so after the message, or with another status; a dead
    address is refused at once, with a status of its own.
    """
    if code[1:4] == ".1.":
        return False
    if _AFTER_MESSAGE.search(wording) or _AFTER_MESSAGE.search(_plain(context)):
        return True
    if _TO_RECIPIENT.search(wording):
        return False
    return code.endswith(".2.0") or code[1:4] == ".7."
