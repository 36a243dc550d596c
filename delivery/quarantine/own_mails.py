"""Which mails and text messages of our own go to an address, by its entry.

The table of docs/quarantine.md: nothing goes where somebody wants nothing sent, and
where errors forbid it only what the owner has just asked for.
"""

from audiences.models import AddressStatus

from .entries import entry_of, gather
from .status import fold

# Why nothing is sent; codes of `OutboxMail.Result`.
DENYLISTED, QUARANTINED = "denylisted", "quarantined"


def why_not(channel: str, key: str, *, is_asked_for: bool) -> str:
    """Why a mail of our own must not go to an address; empty when it may.

    `is_asked_for`: the owner has just asked for it on a page. An address that an
    operator put into quarantine gets nothing, whatever errors came before or since.
    """
    entry = entry_of(channel, key)
    if entry is None or entry.status in (AddressStatus.VALID, AddressStatus.ERRONEOUS):
        return ""
    if entry.status == AddressStatus.DENYLISTED:
        return DENYLISTED
    is_decided = fold(*gather([entry])[channel, key]).is_decided
    return "" if is_asked_for and not is_decided else QUARANTINED
