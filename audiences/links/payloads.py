"""What personal links say: who and what they are about, by ids alone.

Opting out works for ever. A link starts messages, and shows and changes details, only
while it is fresh (EDIT_LINK_DAYS) and only where it went to an address that is the
primary one now. No row of a delivery is needed to honour a link.
"""

from dataclasses import dataclass, field

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
    """What a token says. The rest after `delivery_id` only where it leads to a page.

    `sent_on` and `sent_to` are the channel and the mark of the address that it was sent
    to; without them it can only stop messages.

    The last three are not written in a token but known of it: `is_fresh`, whether it is
    young enough to start messages and to edit; `signed_at`, when it was made, in
    seconds; `is_strong`, whether the key of now made it. A weak one shows nothing of a
    person and only stops messages.
    """

    profile_id: int
    channel: str = Channel.EMAIL
    service_id: int | None = None
    delivery_id: int | None = None
    page: str = ""
    kind: str = ""
    sent_on: str = ""
    sent_to: str = ""
    is_fresh: bool = False
    signed_at: int = field(default=0, compare=False)
    is_strong: bool = field(default=True, compare=False)


@dataclass(frozen=True)
class Undo:
    """Which events of a profile may be reversed, and which wishes.

    `wishes` are those that the act expressed, `ended` those that it ended.
    """

    profile_id: int
    event_ids: tuple[int, ...] = ()
    stopped_address: bool = False
    wishes: tuple[int, ...] = ()
    ended: tuple[int, ...] = ()


@dataclass(frozen=True)
class Confirmation:
    """Which request for a subscription is confirmed: `event_id` in the history.

    `sent_to` is the mark of the address that was asked; without it nothing is started.
    """

    profile_id: int
    service_id: int
    event_id: int
    sent_to: str = ""


@dataclass(frozen=True)
class Permission:
    """Which channel is allowed again at its address, if nothing has happened since.

    `after` is the last event about the channel or about "any" when it was asked for;
    `signed_at` is when that was, in seconds.
    """

    profile_id: int
    channel: str
    sent_to: str
    after: int
    signed_at: int = 0
