"""What `delivery` has about people: how it is found, shown and erased.

What arrived and what was handed over `handover.forget_person` empties, the listener of
`profile_erased`; here is the rest.
"""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from audiences import suppression
from audiences.models import AddressStatus, Profile
from audiences.privacy import retained
from audiences.privacy.people import Person, former_addresses
from audiences.privacy.places import Facts, Place, impersonal, register
from audiences.suppression import Entry, Reason
from delivery.models import (
    AddressError,
    Analysis,
    Approval,
    ContentVariant,
    Delivery,
    Dispatch,
    InboundClue,
    InboundItem,
    InboundMention,
    Message,
    MessageEvent,
    Outcome,
    OutcomeWarning,
    PreparationRequest,
    QuarantineAction,
    QuarantineEntry,
    Sending,
    TypologyRule,
)

_MOST_SHOWN = 20_000


@retained.activity("messages")
def _written_to(since: datetime) -> Q:
    """Whoever a message was handed over to, or who said something about one."""
    sent = Message.objects.filter(profile=OuterRef("pk"), sent_at__gte=since)
    return Q(Exists(sent))


def _messages(person: Person) -> QuerySet[Message]:
    return Message.objects.filter(profile=person.pk).select_related("delivery")


def _events(person: Person) -> QuerySet[MessageEvent]:
    """What became of their messages, and what they said without naming one."""
    return MessageEvent.objects.filter(
        Q(message__in=Message.objects.filter(profile=person.pk).values("pk"))
        | Q(pk__in=_by_address(MessageEvent)(person).values("pk"))
    )


def _outcomes(person: Person) -> Iterator[Facts]:
    rows = Outcome.objects.filter(
        delivery__in=Delivery.objects.values("pk"), profile=person.pk
    )
    for row in rows.select_related("delivery", "rule"):
        yield {"delivery": row.delivery, "address": row.address, "rule": row.rule}


def _dispatches(person: Person) -> QuerySet[Dispatch]:
    return Dispatch.objects.filter(
        delivery__in=Delivery.objects.values("pk"), profile=person.pk
    ).select_related("delivery")


def _by_address(model: Any) -> Any:
    """Rows of a model by the addresses that nobody else has."""
    return lambda person: model.objects.filter(person.has_key(only_own=True))


def _errors(person: Person) -> QuerySet[AddressError]:
    return AddressError.objects.filter(
        Q(message__in=Message.objects.filter(profile=person.pk).values("pk"))
        | Q(pk__in=_by_address(AddressError)(person).values("pk"))
    )


def _items(person: Person) -> QuerySet[InboundItem]:
    """What arrived about the person: it names an address, or is about a message.

    What names nobody (it could not be read) is searched itself.
    """
    named = InboundMention.objects.filter(person.has_key())
    unnamed = InboundItem.objects.filter(mentions__isnull=True, size__gt=0)
    found = [
        item.pk
        for item in unnamed.exclude(raw=b"").iterator()
        if person.traces.are_in(bytes(item.raw).decode("utf-8", "replace"))
    ]
    return InboundItem.objects.filter(
        Q(pk__in=named.values("item"))
        | Q(pk__in=_events(person).values("item"))
        | Q(pk__in=found)
    )


def _arrived(person: Person) -> Iterator[Facts]:
    for item in _items(person)[:_MOST_SHOWN]:
        yield {
            "source": item.source,
            "received_at": item.received_at,
            "state": item.get_state_display(),
            "raw": bytes(item.raw).decode("utf-8", "replace"),
        }


def _forget_items(person: Person) -> None:
    """Empty them, and take the person's own number for them away."""
    for item in list(_items(person).defer("raw")):
        number = item.external_id
        if person.traces.are_in(number):
            number = hashlib.sha256(f"{item.pk}".encode()).hexdigest()
        note = person.traces.without(item.note)
        InboundItem.objects.filter(pk=item.pk).update(
            raw=b"", size=0, external_id=number, note=note
        )
    InboundMention.objects.filter(person.has_key()).delete()
    keys = [key for _channel, key in person.about]
    InboundClue.objects.filter(value__in=keys).delete()


def _forget_entries(person: Person) -> None:
    """What kept messages from an address goes on as a keyed hash.

    The profile's own copies say it of present addresses; former ones have none.
    """
    blocked = {
        AddressStatus.DENYLISTED: Reason.DENYLISTED,
        AddressStatus.QUARANTINE: Reason.QUARANTINED,
    }
    entries = _by_address(QuarantineEntry)(person)
    suppression.suppress(
        Entry(entry.channel, entry.key, entry.channel, blocked[entry.status])
        for entry in entries.filter(status__in=blocked).order_by("channel", "key")
    )
    entries.delete()


def _forget_errors(person: Person) -> None:
    """Their messages stay counted; what a server said about them goes."""
    _by_address(AddressError)(person).delete()
    _errors(person).update(text="", key="")


def _former(profile: Profile) -> Iterable[tuple[str, str]]:
    sent = Message.objects.filter(profile=profile).exclude(address="")
    yield from sent.values_list("channel", "address").distinct()
    outcomes = Outcome.objects.filter(
        delivery__in=Delivery.objects.values("pk"), profile=profile
    ).exclude(address="")
    for channel, address in outcomes.values_list("delivery__channel", "address"):
        yield channel, address or ""
    told = MessageEvent.objects.filter(
        message__in=Message.objects.filter(profile=profile).values("pk"),
        key__isnull=False,
    )
    for channel, key in told.values_list("channel", "key").distinct():
        yield channel, key or ""


former_addresses("messages and analyses", _former)
register(
    Place(
        model=Message,
        find=_messages,
        show=(
            *("delivery", "channel", "address", "sent_at"),
            *("message_id", "provider_id"),
        ),
        texts=("message_id", "provider_id"),
        stays=_("that a message of a delivery was handed over, and when"),
    ),
    Place(
        model=MessageEvent,
        find=_events,
        show=("message", "kind", "at", "key", "type", "reason", "text", "source"),
        erase=lambda person: _events(person).update(key=None, text=None, domain=None),
        texts=("text",),
        emptied=True,
        stays=_("that a message failed, arrived or drew a complaint, and when"),
    ),
    Place(
        model=Outcome,
        facts=_outcomes,
        stays=_("how many an analysis counted, and for which cause"),
    ),
    Place(
        model=OutcomeWarning,
        find=lambda person: OutcomeWarning.objects.filter(
            delivery__in=Delivery.objects.values("pk"), profile=person.pk
        ),
        show=("delivery", "code"),
    ),
    Place(
        model=Dispatch,
        find=_dispatches,
        show=("delivery", "status", "code", "text", "at"),
        erase=lambda person: _dispatches(person).update(text=""),
    ),
    Place(
        model=QuarantineEntry,
        find=_by_address(QuarantineEntry),
        show=(
            *("channel", "key", "status", "reason", "error_count"),
            *("first_error_at", "last_error_at", "text"),
        ),
        erase=_forget_entries,
        texts=("text",),
    ),
    Place(
        model=QuarantineAction,
        find=_by_address(QuarantineAction),
        show=("channel", "key", "at", "kind", "status", "reason", "text", "actor"),
        erase=lambda person: _by_address(QuarantineAction)(person).delete(),
        texts=("text",),
    ),
    Place(
        model=AddressError,
        find=_errors,
        show=("channel", "key", "at", "type", "reason", "text", "source"),
        erase=_forget_errors,
        texts=("text", "event_id"),
    ),
    Place(
        model=InboundItem,
        find=_items,
        facts=_arrived,
        erase=_forget_items,
        texts=("note",),
        stays=_("that something arrived, and what was done with it"),
    ),
    Place(
        model=InboundMention,
        find=lambda person: InboundMention.objects.filter(person.has_key()),
        show=("channel", "key"),
        heading=_("addresses that are named in what arrived"),
    ),
    Place(model=InboundClue, texts=("value",)),
    Place(
        model=Delivery,
        texts=(
            *("label", "purpose_note", "subject", "preheader", "content", "headers"),
        ),
    ),
    Place(model=ContentVariant, texts=("subject", "preheader", "content")),
    Place(model=Analysis, texts=("definition", "findings", "error")),
    Place(model=PreparationRequest, texts=("refusal",)),
    Place(model=Approval, texts=("approved",)),
    Place(model=Sending, texts=("reason", "error")),
    Place(model=TypologyRule, texts=("label", "inactive_note", "condition")),
)
impersonal(
    {
        "delivery.AnalysisChunk": "counts",
        "delivery.HookCount": "counts",
        "delivery.Keyword": "words that the organisation has chosen",
        "delivery.MailboxPosition": "the organisation's own mailbox",
        "delivery.Seed": "the organisation's own addresses",
        "delivery.Sender": "the organisation's own addresses",
        "delivery.Typology": "names of sets of rules",
        "delivery.UsedHookToken": "digests of one-time tokens",
    }
)
