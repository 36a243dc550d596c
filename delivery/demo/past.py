"""The demo's past: newsletters, bounces, opt-outs, a list from elsewhere."""

from datetime import timedelta

from audiences import consent, membership, subscriptions
from audiences.channels import Channel, Scope
from audiences.consent import Origin, Source
from audiences.models import Address, AddressStatus, Service
from delivery import analysis, deliveries, quarantine
from delivery.models import Delivery
from delivery.models.quarantine import ErrorReason, ErrorType
from delivery.sending import handover

from .people import ago, numbered


def past_newsletter(weekly: Service, days: int) -> Delivery:
    delivery = deliveries.create(
        f"Weekly newsletter, {days} days ago",
        channel=Channel.EMAIL,
        audience=lambda: membership.subscribers(weekly),
        service=weekly,
        contact_date=ago(days),
    )
    analysis.analyse(delivery)
    handover.record_handover(delivery, ago(days))
    unsubscribe = Origin(
        source=Source.ONE_CLICK, delivery_id=delivery.pk, at=ago(days - 0.2)
    )
    subscriptions.unsubscribe_all(numbered(280, days), weekly, unsubscribe)
    bounces(delivery, days)
    return delivery


def bounces(delivery: Delivery, days: int) -> None:
    """What came back: hard and soft errors, a few complaints."""
    rows = delivery.messages.order_by("profile_id").exclude(address="")
    for position, message in enumerate(rows.iterator()):
        if position % 700 == days:
            kind, reason = ErrorType.HARD, ErrorReason.USER_UNKNOWN
            text = "550 5.1.1 No such user"
        elif position % 900 == 50:
            kind, reason = ErrorType.SOFT, ErrorReason.MAILBOX_FULL
            text = "452 4.2.2 Mailbox full"
        elif position % 1600 == 80 + days:
            kind, reason = ErrorType.HARD, ErrorReason.COMPLAINT
            text = "abuse report"
        elif position % 2000 == 90 and days <= 14:  # an outage, for a bulk release
            kind, reason = ErrorType.HARD, ErrorReason.UNREACHABLE
            text = "554 Service closed by outage at work.example"
        else:
            continue
        quarantine.record(
            Channel.EMAIL,
            message.address,
            type=kind,
            reason=reason,
            at=message.sent_at + timedelta(minutes=5),
            text=text,
            message=message,
            source="demo",
        )


def opt_outs() -> None:
    for days, step, rest, scope, source in (
        (25, 250, 11, Scope.EMAIL, Source.LANDING_PAGE),
        (18, 250, 61, Scope.EMAIL, Source.OPERATOR),
        # One of each second pair of twins: the trap of shared addresses (P4).
        (16, 200, 0, Scope.EMAIL, Source.LANDING_PAGE),
        (11, 400, 17, Scope.ANY, Source.OPERATOR),
        (6, 300, 9, Scope.SMS, Source.LANDING_PAGE),
        (3, 250, 161, Scope.EMAIL, Source.ONE_CLICK),
    ):
        actor = "marieke" if source == Source.OPERATOR else ""
        note = "asked by phone" if source == Source.OPERATOR else ""
        origin = Origin(source=source, actor=actor, note=note, at=ago(days))
        consent.opt_out_all(numbered(step, rest), scope, origin)
    back = Origin(source=Source.OPERATOR, actor="marieke", note="asked by mail, 12 May")
    consent.opt_in_all(numbered(1000, 61), Scope.EMAIL, back)


def quarantine_list() -> None:
    emails = Address.objects.filter(
        channel=Channel.EMAIL, is_valid=True, is_primary=True
    )
    for position, address in enumerate(emails.order_by("id")[500:9000:250]):
        quarantine.set_status(
            Channel.EMAIL,
            address.value,
            AddressStatus.DENYLISTED if position % 3 == 0 else AddressStatus.QUARANTINE,
            text="from the list of the old system",
            actor="marieke",
            source="demo",
        )
    numbers = Address.objects.filter(channel=Channel.SMS, is_valid=True)
    for address in numbers.order_by("id")[100:4000:400]:
        quarantine.record(
            Channel.SMS,
            address.value,
            type=ErrorType.HARD,
            reason=ErrorReason.STOP,
            at=ago(2),
            text="STOP",
            source="demo",
        )
    released = emails.filter(quarantine_status=AddressStatus.QUARANTINE).first()
    if released:
        quarantine.set_status(
            Channel.EMAIL,
            released.value,
            AddressStatus.VALID,
            text="asked the person",
            actor="marieke",
            source="demo",
        )
