"""Writing the list: who is suppressed, and what lifts it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _, gettext_noop

from audiences.channels import ANY, FLAGS, Scope
from audiences.files.cleaning import says_something
from audiences.models import Address, AddressStatus, Profile, Suppression
from audiences.refusals import Refused, Sentence
from audiences.sql.many import among
from audiences.sql.retries import retried

from . import asking, copies, keys, traces
from .keys import Name

Reason = Suppression.Reason
Lift = Suppression.Lift
# A channel, or any, and what for.
Why = tuple[str, str]


class ErasedFor(models.TextChoices):
    """Why a person is erased: it decides what is suppressed. The codes are public."""

    OWN_WISH = "own_wish", _("At the person's own wish")
    RETENTION = "retention", _("No longer kept")


@dataclass(frozen=True)
class Entry:
    """An address to suppress, on its own channel or (`scope`) on any."""

    channel: str
    key: str
    scope: str
    reason: str

    @property
    def name(self) -> Name:
        return self.channel, self.key


def suppress_person(
    profile: Profile,
    reason: str = ErasedFor.OWN_WISH,
    *,
    former: Iterable[Name] = (),
) -> int:
    """Suppress the addresses of a person who is being erased; returns how many rows.

    At their own wish: all of them, on any channel. At the end of retention: those that
    were opted out (as far as they were), in quarantine or on the denylist. `former` are
    addresses that the person had before, and that nobody has now; whether one of them
    is in quarantine its owner says. The caller has locked the profile and is in the
    transaction that erases it. Raises NoKey.
    """
    keys.newest()
    entries = [
        Entry(address.channel, address.key, scope, why)
        for address in profile.addresses.order_by("channel", "key")
        for scope, why in _reasons(profile, address, reason)
    ]
    entries += [
        Entry(channel, key, scope, why)
        for channel, key in sorted(former)
        for scope, why in _of_channel(profile, channel, reason)
    ]
    return suppress(entries)


def _of_channel(profile: Profile, channel: str, reason: str) -> Iterator[Why]:
    """On which channels to suppress any address of a channel, and what for."""
    if reason == ErasedFor.OWN_WISH:
        yield ANY, Reason.ERASED
        return
    for scope in (ANY, channel):
        if getattr(profile, FLAGS[Scope(scope)]):
            yield scope, Reason.OPTED_OUT


def _reasons(profile: Profile, address: Address, reason: str) -> Iterator[Why]:
    yield from _of_channel(profile, address.channel, reason)
    if reason == ErasedFor.OWN_WISH:
        return
    if address.quarantine_status == AddressStatus.DENYLISTED:
        yield address.channel, Reason.DENYLISTED
    if address.quarantine_status == AddressStatus.QUARANTINE:
        yield address.channel, Reason.QUARANTINED


class BadNote(Refused):
    """The note of an act by hand says nothing, or has the address in it."""


def suppress_by_hand(entry: Entry, *, actor: str = "", note: str) -> bool:
    """Put an address on the list, as somebody decides who says why; whether it is new.

    Raises NoKey, and BadNote without a note or for one with the address in it.
    """
    if not says_something(note):
        raise BadNote(Sentence(gettext_noop("A note must say why it is suppressed.")))
    return bool(suppress([entry], actor=actor, note=note))


@retried
def suppress(
    entries: Iterable[Entry],
    *,
    since: datetime | None = None,
    actor: str = "",
    note: str = "",
) -> int:
    """Put addresses on the list and mark whoever has them; returns how many are new.

    What is there already, on the same channel or on any, stays as it is. Raises NoKey,
    and BadNote when the note has the address in it: nothing here may be readable.
    """
    newest, each = keys.newest(), list(entries)
    refuse_readable(note, [entry.name for entry in each])
    held = _held([entry.name for entry in each])
    rows = {}
    # The widest first: nothing is added to "any channel".
    for entry in sorted(each, key=lambda entry: entry.scope != ANY):
        digest = newest.digest(*entry.name)
        if not {ANY, entry.scope} & held.setdefault(digest, set()):
            held[digest].add(entry.scope)
            rows[digest, entry.scope] = Suppression(
                channel=entry.scope,
                digest=digest,
                key_id=newest.id,
                reason=entry.reason,
                since=since or timezone.now(),
                actor=actor,
                note=note,
            )
    in_order = [rows[name] for name in sorted(rows)]
    Suppression.objects.bulk_create(in_order, ignore_conflicts=True)
    copies.copy(keys.everywhere(entry.name for entry in each))
    return len(rows)


def _held(names: list[Name]) -> dict[str, set[str]]:
    """On which channels addresses are on the list, by the hash of the newest key."""
    newest, digests = keys.newest(), keys.digests_of(names)
    held: dict[str, set[str]] = {}
    for row in asking.active().filter(among("digest", digests)):
        digest = newest.digest(*digests[row.digest])
        held.setdefault(digest, set()).add(row.channel)
    return held


@retried
def lift(
    channel: str, key: str, by: str, *, actor: str = "", note: str = ""
) -> list[Suppression]:
    """Lift what holds an address on a channel; returns the rows that are lifted.

    What was suppressed on any channel stays so on the others on which the same number
    can be reached: who confirms by SMS has said nothing about being called. Only for
    the person's own proven act (`by` confirmed), and for the protection officer, who
    says why (`note`); raises BadNote without a note.
    """
    if by == Lift.OFFICER and not says_something(note):
        raise BadNote(Sentence(gettext_noop("A note must say why it is lifted.")))
    refuse_readable(note, [(channel, key)])
    about = asking.rows_about(channel, key)
    if not about:
        return []
    rows = Suppression.objects.filter(pk__in=[row.pk for row in about])
    rows.update(
        lifted_at=timezone.now(), lifted_by=by, lift_actor=actor, lift_note=note
    )
    for row in about:
        if row.channel == ANY:
            others = keys.siblings(channel) - {channel}
            suppress(
                [Entry(other, key, other, row.reason) for other in sorted(others)],
                since=row.since,
                actor=row.actor,
            )
    copies.copy(keys.everywhere([(channel, key)]))
    return about


def refuse_readable(note: str, names: Iterable[Name]) -> None:
    """Refuse a note with one of the addresses in any spelling; raises BadNote."""
    said = "".join(note.casefold().split())
    for channel, key in names:
        is_there = key and "".join(key.casefold().split()) in said
        if is_there or traces.of_address(channel, key, key).are_in(note):
            raise BadNote(
                Sentence(
                    gettext_noop(
                        "The note has the address in it. Nothing about a suppressed "
                        "address may be readable: say it without the address."
                    )
                )
            )
