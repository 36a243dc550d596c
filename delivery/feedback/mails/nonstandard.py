"""Bounces that follow no standard: the addresses that they name as failed.

Found by how mailers write to humans. Addresses that begin a line, or that a known
sentence names, count before any others; those of the sender, of postmasters and of the
reporter never do.
"""

import logging
import re
from dataclasses import dataclass, field, replace
from email import message_from_bytes, policy
from email.errors import MessageError

from flufl.bounce import scan_message

from delivery.feedback.events import EventKind, FeedbackEvent
from delivery.feedback.mails import addresses, signs
from delivery.feedback.mails.classification import Verdict, classify
from delivery.feedback.mails.dsn import LONGEST_EVIDENCE, MOST_RECIPIENTS, Surroundings
from delivery.feedback.mails.mime import Part
from delivery.feedback.mails.reading import MailEvent
from delivery.feedback.mails.returned import Returned
from delivery.models.quarantine import ErrorType

_LONGEST_LINE = 1_000
_MOST_LINES = 400
# flufl.bounce gets small, flat mails only: it has no limits of its own.
_LARGEST_FOR_FLUFL = 32 * 1024
_MOST_LINES_FOR_FLUFL = 1_000
_NESTS = re.compile(rb"content-type:\s{0,100}m", re.IGNORECASE)
_MOST_NESTS_FOR_FLUFL = 8
# Its log names what it stumbles over, with addresses.
logging.getLogger("flufl.bounce").disabled = True

_A = addresses.ADDRESS
# An address that begins a line, or a line of a session: what follows is the reason.
_LINES = re.compile(
    rf"^[ \t>*|\-]{{0,20}}(?:[45]\d\d[ -](?:[45]\.\d{{1,3}}\.\d{{1,3}} )?)?"
    rf"[\"'(]?<?(?:mailto:|smtp:|rfc822;)?({_A})>?[\"')]?"
    rf"(?![ \t]*(?:wrote|writes|schrieb|schreef|a .crit)\b)"
    rf"(?:[ \t]{{0,4}}<(?:mailto:|smtp:)?({_A})>)?",
    re.IGNORECASE,
)
# A line of a session: an answer, a command, or its partner.
_ANSWER = re.compile(
    r"^[ \t]*(?:[245]\d\d[ -]|<<<|>>>|\.{3} ?while|while talking)", re.IGNORECASE
)
# Sentences that name the address that failed.
_SENTENCES = re.compile(
    rf"(?:mail|message|e-?mail|letter|deliver\w*|"
    rf"deliver (?:it|(?:\w+ )?(?:mail|message))|"
    rf"sent|send|address(?:ed)?|recipient\w*|user\w*|rcpt|account|mailbox|failed|"
    rf"attempts|unknown|address was|party|undeliverable|following)"
    rf"(?:\(s\)|\(es\))?(?: (?:was|were|is|not|did|could|the|has|been|of|following|"
    rf"your|at|host|local|mail|e-?mail))* ?"
    rf"(?:to|for|address|recipient|name|user|userid)?(?: the)?"
    rf"(?: (?:address|recipient|user|mailbox|account|following|party|mail|"
    rf"e-?mail)){{0,3}}"
    rf"(?:\(s\)|s|\(es\))?[ \t]*[:=-]?[ \t]*[\"'(<\[]{{0,2}}"
    rf"(?:mailto:|smtp:|rfc822;)?({_A})",
    re.IGNORECASE,
)
# Signs that the addresses of a line mean nothing: contacts, senders, message numbers.
_OTHER_TALK = re.compile(
    r"contact|forward (?:this|it|the)|send (?:mail|e-?mail|a message|it) to|reply to|"
    r"(?:mail|e-?mail) (?:me|us|the)|help|assistance|question|abuse|"
    r"^[ \t>*]*(?:from|sender|reply-to|message-?id|return-path|mail from|cc|"
    r">>> mail|received|x-[\w-]+|references|in-reply-to|subject)\b.{0,3}[:<]|"
    r"mail from\b|"
    r"sender address|of sender\b|envelope-from|postmaster@|from[: ]{1,2}<",
    re.IGNORECASE,
)
_NOBODY = re.compile(
    r"(?:mailer-?daemon|post_?master|nobody|no-?reply|abuse|hostmaster|support|"
    r"help|helpdesk|bounces?)@",
    re.IGNORECASE,
)


@dataclass
class Failed:
    """An address that a bounce names, and the lines that say why."""

    address: str
    lines: list[str] = field(default_factory=list)

    @property
    def words(self) -> str:
        return "\n".join(self.lines)


def failed_recipients(mail: Part) -> tuple[str, ...]:
    """X-Failed-Recipients, as Exim and Gmail write it."""
    return tuple(addresses.of_header(*mail.all("x-failed-recipients")))


def events_of(
    raw: bytes, mail: Part, around: Surroundings, returned: Returned
) -> list[FeedbackEvent]:
    """An event for each address that the bounce names."""
    is_delay = signs.is_delay(mail, around.words)
    failed = _named(mail, around, returned) or _by_flufl(
        raw, mail, around.words, returned
    )
    if not failed and len(returned.recipients) == 1:
        # It returns a message to a single person and names nobody else.
        failed = [Failed(returned.recipients[0])]
    if not failed and around.may_prove:
        # It names nobody; the number of the message says who it is about.
        failed = [Failed("")]
    failed = failed[:MOST_RECIPIENTS]
    is_sure = bool(returned.headers) or signs.has_mailers_address(mail)
    verdicts = [_capped(one, is_sure) for one in _verdicts(failed, around)]
    return [
        MailEvent(
            kind=EventKind.DELAYED if is_delay else EventKind.FAILED,
            address=one.address,
            type=verdict.type,
            reason=verdict.reason,
            status_code=verdict.status_code,
            text=(one.words or around.words).strip()[:LONGEST_EVIDENCE],
            at=around.at,
            clue=around.clue,
            is_formal=False,
        )
        for one, verdict in zip(failed, verdicts, strict=True)
    ]


def _capped(verdict: Verdict, is_sure: bool) -> Verdict:
    """A letter that returns nothing, from no mailer's address, proves no dead one."""
    if is_sure or verdict.type != ErrorType.HARD:
        return verdict
    return replace(verdict, type=ErrorType.SOFT)


def _verdicts(failed: list[Failed], around: Surroundings) -> list[Verdict]:
    """By the lines about each address; if none says anything, by the whole text."""
    whole = around.words if len(failed) == 1 else ""
    verdicts = [classify(one.words, context=whole or one.words) for one in failed]
    if any(verdict.is_told for verdict in verdicts):
        return verdicts
    return [classify(around.words, context=whole) for _one in failed]


def _named(mail: Part, around: Surroundings, returned: Returned) -> list[Failed]:
    """The failed addresses in the bounce's own words, by the surest sign."""
    names = _Names(_never(mail, returned))
    for address in around.failed:
        names.add("listed", address)
    for line in around.words.splitlines()[:_MOST_LINES]:
        names.read(line[:_LONGEST_LINE])
    return names.failed()


_SIGNS = ("listed", "begun", "told", "any", "own")


def _people(names: dict[str, Failed]) -> set[str]:
    return {name.rpartition("@")[0] for name in names}


class _Names:
    """The addresses that a bounce names, by the sign that they failed."""

    def __init__(self, never: set[str]) -> None:
        self.never = never
        self.found: dict[str, dict[str, Failed]] = {sign: {} for sign in _SIGNS}
        self._now: list[Failed] = []
        self._is_answered = False

    def add(self, sign: str, address: str) -> str:
        """Add an address; returns it in lower case, empty if it can't have failed."""
        name = addresses.clean(address)
        if not name or _NOBODY.match(name):
            return ""
        if name.lower() in self.never:
            # People may write to themselves; this counts if nobody else is named.
            if sign == "begun":
                self.found["own"].setdefault(name.lower(), Failed(name))
            return ""
        self.found[sign].setdefault(name.lower(), Failed(name))
        return name.lower()

    def read(self, line: str) -> None:
        """Take the addresses of a line; the text that follows says why."""
        added = {
            name
            for sign, found in _addresses_of(line).items()
            for address in found
            if (name := self.add(sign, address))
        }
        answers = bool(_ANSWER.match(line))
        if added:
            self._now = [
                place[name]
                for place in self.found.values()
                for name in added
                if name in place
            ]
            self._is_answered = answers
        elif answers and self._is_answered:
            # A session's next answer belongs to the address that follows.
            self._now = []
        for failed in self._now:
            if len(failed.lines) < 20:
                failed.lines.append(line)

    def failed(self) -> list[Failed]:
        listed, begun, told, found, own = (self.found[sign] for sign in _SIGNS)
        if _people(listed) == _people(begun):
            # The same person at the domain that the text names.
            listed = begun
        for place in (listed, begun, told):
            if place:
                return list(place.values())
        for place in (found, own):
            if len(place) == 1:
                return list(place.values())
        return []


def _addresses_of(line: str) -> dict[str, list[str]]:
    """The addresses of a line: those that begin it, in a known sentence, and any."""
    if "@" not in line or _OTHER_TALK.search(line):
        return {"begun": [], "told": [], "any": []}
    begins = _LINES.match(line)
    return {
        # With a name before it, the address is the one between brackets.
        "begun": [begins[2] or begins[1]] if begins else [],
        "told": [match[1] for match in _SENTENCES.finditer(line)],
        "any": addresses.found_in(line),
    }


def _never(mail: Part, returned: Returned) -> set[str]:
    """The writer and the receiver of the bounce, and the sender: they didn't fail."""
    wrote = mail.all("from", "sender", "reply-to", "to", "cc", "delivered-to")
    own = {address.lower() for address in addresses.of_header(*wrote)}
    return (own | returned.senders) - {a.lower() for a in returned.recipients}


def _by_flufl(raw: bytes, mail: Part, words: str, returned: Returned) -> list[Failed]:
    """What flufl.bounce finds, guarded: it raises on odd mails and returns junk."""
    if len(raw) > _LARGEST_FOR_FLUFL or raw.count(b"\n") > _MOST_LINES_FOR_FLUFL:
        return []
    if len(_NESTS.findall(raw)) > _MOST_NESTS_FOR_FLUFL or not mail.get("from"):
        return []
    try:
        message = message_from_bytes(raw, policy=policy.compat32)
        found = [str(address, "utf-8", "replace") for address in scan_message(message)]
    except (
        IndexError, ValueError, LookupError, TypeError, AttributeError, KeyError,
        AssertionError, RecursionError, MessageError,
    ):  # fmt: skip
        return []
    names = _Names(_never(mail, returned))
    for address in sorted(found):
        if address.lower() in words.lower():
            names.add("told", address)
    return names.failed()
