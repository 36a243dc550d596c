"""The names of what happens. They are public: other programs choose by them."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from audiences.models import ConsentEvent

Kind = ConsentEvent.Kind


class Event(models.TextChoices):
    """What a program can be told."""

    OPTED_OUT = "consent.opted_out", _("Somebody opted out")
    OPTED_IN = "consent.opted_in", _("Somebody opted in")
    SUBSCRIBED = "subscription.subscribed", _("Somebody subscribed")
    UNSUBSCRIBED = "subscription.unsubscribed", _("Somebody unsubscribed")
    EXPIRED = "subscription.expired", _("A subscription expired")
    QUARANTINED = "address.quarantined", _("An address was quarantined")
    RELEASED = "address.released", _("An address was released")
    ERASED = "profile.erased", _("Somebody was erased")
    PREPARED = "delivery.prepared", _("A delivery was prepared")
    SENT = "delivery.sent", _("A delivery was sent")
    FAILED = "message.failed", _("A message failed")
    COMPLAINED = "message.complained", _("Somebody complained of a message")


# What the steps of the consent history are called; a mere request is none of them.
OF_KIND: dict[str, Event] = {
    Kind.OPT_OUT: Event.OPTED_OUT,
    Kind.OPT_IN: Event.OPTED_IN,
    Kind.SUBSCRIBE: Event.SUBSCRIBED,
    Kind.CONFIRM: Event.SUBSCRIBED,
    Kind.UNSUBSCRIBE: Event.UNSUBSCRIBED,
    Kind.EXPIRE: Event.EXPIRED,
    Kind.ERASE: Event.ERASED,
}
