"""The evidence of the quarantine: errors and actions as logs, and a timeline (Q6)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy as _

from audiences.console.lists import OfAddresses, ReadOnlyLog
from audiences.wording.sentences import within_a_sentence
from delivery.admin.deliveries.messages import link_to_message
from delivery.models import AddressError, QuarantineAction, QuarantineEntry

Kind = QuarantineAction.Kind
SHOWN = 100


@dataclass(frozen=True)
class TimelineStep:
    """One thing that happened to an address."""

    at: datetime
    what: str
    is_error: bool
    detail: str
    text: str
    who: str
    delivery: Any = None


def timeline(entry: QuarantineEntry) -> tuple[list[TimelineStep], bool]:
    """The newest steps of an entry's address, and whether there are more."""
    about = {"channel": entry.channel, "key": entry.key}
    errors = AddressError.objects.filter(**about).select_related("message__delivery")
    actions = QuarantineAction.objects.filter(**about)
    steps = [
        *(_error(error) for error in errors[: SHOWN + 1]),
        *(_action(action) for action in actions[: SHOWN + 1]),
    ]
    # An error and a decision of the same moment: the error came first.
    steps.sort(key=lambda step: (step.at, not step.is_error), reverse=True)
    return steps[:SHOWN], len(steps) > SHOWN


def _error(error: AddressError) -> TimelineStep:
    return TimelineStep(
        error.at,
        gettext("Error: {type}").format(
            type=within_a_sentence(error.get_type_display())
        ),
        True,
        error.get_reason_display(),
        error.text,
        error.source,
        error.message.delivery if error.message else None,
    )


def _action(action: QuarantineAction) -> TimelineStep:
    status = action.get_status_display()
    words = {
        Kind.SET: gettext("Set to {status}"),
        Kind.RAISE: gettext("Raised to {status} by a list"),
        Kind.DISCOUNT: gettext("Released: the errors of an outage do not count"),
        Kind.SUCCESS: gettext("A message was delivered"),
        Kind.START: gettext("START: the person wants messages again"),
        Kind.HOLD: gettext("Held until somebody decides"),
        Kind.DECIDE: gettext("Hold ended"),
        Kind.UNDO: gettext("The quarantine was undone"),
    }
    detail = (
        action.get_reason_display() if action.kind in (Kind.SET, Kind.RAISE) else ""
    )
    return TimelineStep(
        action.at,
        words[Kind(action.kind)].format(status=status),
        False,
        detail,
        action.text,
        action.actor or action.source,
    )


@admin.register(AddressError)
class AddressErrorAdmin(OfAddresses, ReadOnlyLog):
    texts_in = ("text",)
    list_display = ("at", "key", "channel", "type", "reason", "text", "source")
    list_filter = ("channel", "type", "reason")
    list_select_related = ("message__delivery",)
    fields = (
        *("at", "channel", "key", "message_link", "type", "reason", "text"),
        *("source", "event_id"),
    )
    readonly_fields = ("message_link",)

    @admin.display(description=_("message"))
    def message_link(self, error: AddressError) -> str | SafeString:
        return link_to_message(error.message)


@admin.register(QuarantineAction)
class QuarantineActionAdmin(OfAddresses, ReadOnlyLog):
    texts_in = ("text",)
    list_display = ("at", "key", "channel", "kind", "status", "reason", "actor", "text")
    list_filter = ("channel", "kind", "status")
    # The order of the history's index would need the key: newest rows by their id.
    ordering = ("-id",)
