"""What a mail turned out to be."""

from dataclasses import dataclass
from functools import partial

from django.db import models
from django.utils.translation import gettext_lazy as _

from audiences.channels import Channel
from delivery.feedback.events import FeedbackEvent

SOURCE = "mail"
# What a mail says about an address.
MailEvent = partial(FeedbackEvent, channel=Channel.EMAIL, source=SOURCE)


class MailKind(models.TextChoices):
    """What a mail that came in is. A human reads UNKNOWN and UNREADABLE ones."""

    BOUNCE = "bounce", _("Delivery report")
    COMPLAINT = "complaint", _("Complaint")
    UNSUBSCRIBE = "unsubscribe", _("Unsubscribe mail")
    AUTO_REPLY = "auto_reply", _("Automatic reply")
    NOTICE = "notice", _("Report that asks for nothing")
    UNKNOWN = "unknown", _("Not recognised")
    UNREADABLE = "unreadable", _("Unreadable")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A mail's kind, the events in it, and the addresses that it was sent to."""

    kind: MailKind
    events: tuple[FeedbackEvent, ...] = ()
    recipients: tuple[str, ...] = ()
