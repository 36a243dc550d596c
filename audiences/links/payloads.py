"""What personal links say: who and what they are about, by ids alone.

Opting out works for ever; opting in and changing details only while a link is fresh
(EDIT_LINK_DAYS). No row of a delivery is needed to honour a link.
"""

from dataclasses import dataclass

from audiences.channels import Channel

# How tokens write a channel. Never change a letter: links work for ever.
LETTERS: dict[str, str] = {
    Channel.EMAIL: "e",
    Channel.SMS: "s",
    Channel.PHONE: "p",
    Channel.DIRECT_MAIL: "d",
    Channel.PUSH: "u",
    Channel.FAX: "f",
}
CHANNELS = {letter: channel for channel, letter in LETTERS.items()}


@dataclass(frozen=True)
class Link:
    """What a token says. `page` and `kind` only where it leads to a landing page.

    The rest is not written in a token but known of it: `is_fresh`, whether it may still
    opt in and edit, and `signed_at`, when it was made, in seconds.
    """

    profile_id: int
    channel: str = Channel.EMAIL
    service_id: int | None = None
    delivery_id: int | None = None
    page: str = ""
    kind: str = ""
    is_fresh: bool = False
    signed_at: int = 0


@dataclass(frozen=True)
class Undo:
    """Which events of a profile may be reversed."""

    profile_id: int
    event_ids: tuple[int, ...]
    stopped_address: bool = False


@dataclass(frozen=True)
class Confirmation:
    """Which request for a subscription is confirmed: `event_id` in the history."""

    profile_id: int
    service_id: int
    event_id: int
