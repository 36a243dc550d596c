"""Messages about subscriptions into the outbox: to ask, and to tell what was done.

They go at once, and are counted for each address and day.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from audiences import outbox
from audiences.consent import Source
from audiences.models import Address, OutboxMail, Service
from audiences.outbox import caps
from audiences.sql.many import among
from audiences.subscriptions.messages import Confirms, channel_of
from audiences.suppression.restriction import restricted_among

# Whose acts are answered by a message: those of the person.
OF_THE_PERSON = (Source.LANDING_PAGE, Source.ONE_CLICK, Source.MAIL, Source.API)


def addresses_for(
    wanted: Iterable[tuple[int, Service]],
) -> dict[tuple[int, str], Address]:
    """`address_for` of many, by profile and channel; one statement."""
    pairs = {(profile_id, channel_of(service)) for profile_id, service in wanted}
    rows = Address.objects.filter(
        among("profile_id", sorted({profile_id for profile_id, _channel in pairs})),
        channel__in=sorted({channel for _profile_id, channel in pairs}),
        is_primary=True,
        is_valid=True,
    )
    return {(row.profile_id, row.channel): row for row in rows}


@dataclass(frozen=True, slots=True)
class Request:
    """What a person is to confirm: the event of the wish, which may be an earlier one.

    `asked_by` is the source of the present wish.
    """

    profile_id: int
    service: Service
    event_id: int
    language: str
    asked_by: str

    @property
    def context(self) -> dict[str, Any]:
        return {
            "profile": self.profile_id,
            "service": self.service.pk,
            "event": self.event_id,
            "asked_by": self.asked_by,
        }


def ask(requests: Sequence[Request]) -> list[bool]:
    """Ask to confirm requests; false of each that the caps forbid today.

    A button that is pressed twice asks once. Without an address nobody can be asked.
    As many statements for a thousand as for one.
    """
    places = addresses_for((one.profile_id, one.service) for one in requests)
    to = [places.get((one.profile_id, channel_of(one.service))) for one in requests]
    there = sorted({address.key for address in to if address})
    known = outbox.on_their_way(OutboxMail.Kind.REQUEST, there) if there else []
    # Those that say the same are one; of those that are new the caps decide.
    mails: dict[tuple[object, ...], OutboxMail] = {}
    for one, address in zip(requests, to, strict=True):
        if address:
            mail = _mail("request", address, one.language, one.context)
            mails.setdefault(_said(mail.key, mail.context), mail)
    for key, context in known:
        mails.pop(_said(key, context), None)
    subjects = [
        (
            caps.subject_of(mail.channel, mail.key),
            f"service:{mail.context['service']}",
        )
        for mail in mails.values()
    ]
    allowed = dict(zip(mails, caps.allow_addresses(subjects), strict=True))
    outbox.put_all([mails[said] for said, is_allowed in allowed.items() if is_allowed])
    return [
        address is None or allowed.get(_said(address.key, one.context), True)
        for one, address in zip(requests, to, strict=True)
    ]


def _said(key: str, context: dict[str, Any]) -> tuple[object, ...]:
    """What a message says, and to whom."""
    return key, *sorted(context.items())


@dataclass(frozen=True, slots=True)
class Notice:
    """What a person did, and where; the service may have a message for it."""

    way: str
    profile_id: int
    service: Service
    source: str


def tell(notices: Iterable[Notice]) -> None:
    """Tell people of what they did, where the service has a message for it.

    As many statements for a thousand as for one.
    """
    wanted = [
        one
        for one in notices
        if one.source in OF_THE_PERSON
        and getattr(one.service, f"{one.way}_message") != Confirms.NONE
    ]
    if not wanted:
        return
    held = restricted_among({one.profile_id for one in wanted})
    places = addresses_for((one.profile_id, one.service) for one in wanted)
    to = [
        (one, address)
        for one in wanted
        if one.profile_id not in held
        and (address := places.get((one.profile_id, channel_of(one.service))))
    ]
    # What follows an act has a cap of its own, beside that of what can be asked for.
    subjects = [f"notice:{caps.subject_of(a.channel, a.key)}" for _one, a in to]
    allowed = caps.allow_addresses([(subject, "") for subject in subjects])
    outbox.put_all(
        [
            _mail(
                *(one.way, address, ""),
                {"profile": one.profile_id, "service": one.service.pk},
            )
            for (one, address), is_allowed in zip(to, allowed, strict=True)
            if is_allowed
        ]
    )


def tell_by_id(way: str, profile_id: int, service_id: int, source: str) -> None:
    """`tell` for a caller who has not read the service."""
    if source not in OF_THE_PERSON:
        return
    if service := Service.objects.filter(pk=service_id).first():
        tell([Notice(way, profile_id, service, source)])


def _mail(
    way: str, address: Address, language: str, context: dict[str, Any]
) -> OutboxMail:
    return OutboxMail(
        kind=OutboxMail.Kind(way),
        channel=address.channel,
        found_by=address.channel,
        to=address.value,
        key=address.key,
        language=language,
        context=context,
    )
