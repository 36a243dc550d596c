"""Delivery status notifications: RFC 3464, RFC 6522, RFC 6533.

Each recipient is a group of fields. Only the action `failed` is a failure; `delayed`
and `delivered` are reported as such; `relayed` and `expanded` say nothing.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from delivery.feedback import return_path
from delivery.feedback.events import EventKind, FeedbackEvent, MessageClue
from delivery.feedback.mails import addresses
from delivery.feedback.mails.classification import Verdict, classify
from delivery.feedback.mails.mime import Part, header_fields
from delivery.feedback.mails.reading import MailEvent
from delivery.models.quarantine import ErrorType

MOST_RECIPIENTS = 200
LONGEST_EVIDENCE = 1_000
STATUS_TYPES = {
    "message/delivery-status",
    "message/global-delivery-status",
    "message/delivery-statuses",
    "text/delivery-status",
}
_ACTIONS = {
    "failed": EventKind.FAILED,
    "failure": EventKind.FAILED,
    "delayed": EventKind.DELAYED,
    "delivered": EventKind.DELIVERED,
}
# On its way, or it would arrive; nothing follows.
_GOOD_NEWS = {"relayed", "expanded", "deliverable", "delivered"}
_RECIPIENT_FIELDS = ("final-recipient", "original-recipient")
_SAYS_SOMETHING = re.compile(r"[^\W\d_]{4,}")

Fields = dict[str, str]


@dataclass(frozen=True)
class Surroundings:
    """What a report says outside the group of one recipient."""

    clue: MessageClue
    # The report in its own words, without the returned message.
    words: str = ""
    failed: tuple[str, ...] = ()
    # The recipients of the returned message.
    sent_to: tuple[str, ...] = ()
    at: datetime | None = None

    @property
    def may_prove(self) -> bool:
        """Whether the clue can say which message it is about, without an address."""
        return bool(
            self.clue.message_ids
            or self.clue.provider_id
            or any(map(return_path.read, self.clue.return_paths))
        )


@dataclass(frozen=True)
class Told:
    """What the groups of a report tell. `is_complete`: nothing was left out that may
    have been bad news."""

    events: list[FeedbackEvent]
    is_complete: bool


NOTHING_TOLD = Told([], is_complete=False)


def status_text(mail: Part, *, is_bounce: bool) -> str:
    """The fields of a delivery report, or empty; in plain text only for bounces."""
    # Lists and gateways forward a report as a part, as humans do.
    for part in mail.walk() if is_bounce else mail.own():
        if part.content_type in STATUS_TYPES:
            # Some mailers put the fields into parts of their own.
            return part.text() or "\n\n".join(p.text() for p in part.parts)
    if not is_bounce:
        return ""
    for part in mail.own():
        if not part.parts and part.content_type == "text/plain":
            text = part.text()
            lower = text.lower()
            start = lower.find("\nfinal-recipient:")
            if start >= 0 and "\naction:" in lower:
                return text[lower.rfind("\n\n", 0, start) + 1 :]
    return ""


def events_of(status: str, around: Surroundings) -> Told | None:
    """An event for each recipient; None when the text has no groups of recipients."""
    groups = _groups(status)
    if not groups:
        return None
    found, is_complete = [], True
    for group in groups:
        kind = _kind(group)
        if kind is None:
            is_complete &= _action(group) in _GOOD_NEWS
            continue
        address = _address(group, around, is_alone=len(groups) == 1)
        if address or around.may_prove:
            found.append(
                _event(group, kind, address, around, is_alone=len(groups) == 1)
            )
        is_complete &= bool(address)
    return Told(found, is_complete)


def _groups(status: str) -> list[Fields]:
    """The recipients' groups, rejoined where mailers split them.

    Some put an empty line into a group, or Action and Status before the recipient.
    """
    groups: list[Fields] = []
    loose: Fields = {}
    text = status.replace("\r\n", "\n").replace("\r", "\n")
    for block in text.split("\n\n")[: 4 * MOST_RECIPIENTS]:
        for group in _split_run_on(header_fields(block)):
            if any(name in group for name in _RECIPIENT_FIELDS):
                groups.append({**loose, **group})
                loose = {}
            elif "reporting-mta" in group or "arrival-date" in group:
                continue
            elif groups and not group.keys() & groups[-1].keys():
                groups[-1].update(group)
            elif group.keys() & {"action", "status", "x-actual-recipient"}:
                loose = group
    return groups[:MOST_RECIPIENTS]


def _split_run_on(fields: list[tuple[str, str]]) -> list[Fields]:
    """One group, or several without an empty line between. The first value counts."""
    groups: list[Fields] = [{}]
    for name, value in fields:
        if name == "final-recipient" and name in groups[-1]:
            groups.append({})
        if value and not groups[-1].get(name):
            groups[-1][name] = value
    return groups


def _event(
    group: Fields,
    kind: EventKind,
    address: str,
    around: Surroundings,
    *,
    is_alone: bool,
) -> FeedbackEvent:
    diagnostic = group.get("diagnostic-code", "")
    status = group.get("status", "")
    # The code's comment says more than the code, where there is one.
    comment = status.partition("(")[2]
    # Exchange puts the next server's answer here.
    more = group.get("x-supplementary-info", "")
    answer = f"{diagnostic.partition(';')[2] or diagnostic} {more} {comment}".strip()
    verdict = classify(answer, status=status, context=around.words)
    if is_alone and not verdict.is_told and around.words:
        verdict = _by_words(answer, status, around.words) or verdict
    return MailEvent(
        kind=kind,
        address=address,
        type=verdict.type,
        reason=verdict.reason,
        status_code=verdict.status_code,
        text=(f"{diagnostic} {more}".strip() or status or around.words.strip())[
            :LONGEST_EVIDENCE
        ],
        at=date(group.get("last-attempt-date", "")) or around.at,
        clue=around.clue,
    )


def _by_words(answer: str, status: str, words: str) -> Verdict | None:
    """The report's own words name the reason where its fields don't.

    But where they quote a server that says something, those words are a guess at what
    it means, and prove no dead address.
    """
    verdict = classify(f"{answer} {words}", status=status, context=words)
    if verdict.type == ErrorType.HARD and _SAYS_SOMETHING.search(answer):
        return None
    return verdict


def _action(group: Fields) -> str:
    words = group.get("action", "").lower().split()
    return words[0].strip(";,(") if words else ""


def _kind(group: Fields) -> EventKind | None:
    if action := _action(group):
        return _ACTIONS.get(action)
    # RFC 3464 requires the action. Without it the class of the status decides.
    status = group.get("status", "").strip()[:1]
    return {"2": EventKind.DELIVERED, "4": EventKind.DELAYED}.get(
        status, EventKind.FAILED
    )


def _address(group: Fields, around: Surroundings, *, is_alone: bool) -> str:
    """The address that we wrote to, if the report has two: the one in the returned
    message, else the original one.
    """
    final = addresses.typed(group.get("final-recipient", ""))
    original = addresses.typed(group.get("original-recipient", ""))
    if final and addresses.from_xtext(original) == final:
        return final
    found = original or final
    sent_to = {address.lower() for address in around.sent_to}
    if final.lower() in sent_to and original.lower() not in sent_to:
        found = final
    if not found and is_alone and len(around.failed) == 1:
        found = around.failed[0]
    return found or addresses.typed(group.get("x-actual-recipient", ""))


def date(value: str) -> datetime | None:
    """A moment as mail writes it (RFC 5322, 3.3), in UTC if no zone is given (-0000);
    None if there is none.
    """
    try:
        found = parsedate_to_datetime(value[:100])
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
