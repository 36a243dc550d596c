"""What `delivery` adds to a person's timeline: messages, exclusions, failures."""

from collections.abc import Iterable
from datetime import timedelta

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from audiences.admin.people import timeline
from audiences.admin.people.timeline import Entry, Look, Strand
from audiences.console.masking import shown, shown_text
from audiences.models import BulkAct, BulkActPerson
from audiences.sql.many import among
from delivery.admin.quarantine.people import undo_address
from delivery.models import (
    AddressError,
    Analysis,
    Delivery,
    Message,
    Outcome,
    QuarantineAction,
    TypologyRule,
)

ActionKind = QuarantineAction.Kind

# How far back the exclusions of a person are looked for.
REMEMBERED = timedelta(days=366)


def _messages(look: Look, strand: Strand) -> Iterable[Entry]:
    rows = Message.objects.filter(profile=look.profile).select_related("delivery")
    for row in look.newest(rows, strand, "sent_at"):
        yield Entry(
            row.sent_at,
            row.pk,
            _("Got “{delivery}”").format(delivery=row.delivery),
            meta=[
                (str(row.get_channel_display()), ""),
                (
                    shown(look.request, row.channel, row.address),
                    reverse("admin:delivery_message_change", args=[row.pk]),
                ),
            ],
            rank=strand.rank,
        )


def _exclusions(look: Look, strand: Strand) -> Iterable[Entry]:
    """What deliveries of the last year decided against this person, when analysed.

    Outcomes are kept by delivery and profile: each delivery is one look-up in their
    key, and all of them are one statement.
    """
    runs = Analysis.objects.filter(finished_at__gte=timezone.now() - REMEMBERED)
    # The last of each stays.
    pairs = runs.order_by("pk").values_list("delivery_id", "finished_at")
    ended = {pk: at for pk, at in pairs if at}
    rows = Outcome.objects.filter(
        among("delivery_id", ended), profile=look.profile, rule__isnull=False
    )
    rules = dict(rows.values_list("delivery_id", "rule_id"))
    places = sorted(((ended[pk], pk) for pk in rules), reverse=True)
    if look.after:
        places = [(at, pk) for at, pk in places if look.after.precedes(at, strand, pk)]
    page = places[: look.limit + 1]
    deliveries = Delivery.objects.only("label").in_bulk([pk for _at, pk in page])
    causes = TypologyRule.objects.in_bulk({rules[pk] for _at, pk in page})
    for at, pk in page:
        if pk not in deliveries:
            continue
        cause = causes.get(rules[pk])
        yield Entry(
            at,
            pk,
            _("Excluded from “{delivery}”: {cause}").format(
                delivery=deliveries[pk], cause=cause.shown_label if cause else ""
            ),
            "warn",
            [(_("Why?"), _why(pk, look.profile.pk))],
            rank=strand.rank,
        )


def _why(delivery_id: int, profile_id: int) -> str:
    return reverse("admin:delivery_delivery_why", args=[delivery_id, profile_id])


def _failures(look: Look, strand: Strand) -> Iterable[Entry]:
    rows = AddressError.objects.filter(_addresses(look))
    for row in look.newest(rows, strand):
        yield Entry(
            row.at,
            row.pk,
            _("{address} failed: {reason}").format(
                address=shown(look.request, row.channel, row.key),
                reason=row.get_reason_display(),
            ),
            "bad",
            [(str(row.get_type_display()), ""), (row.source, "")],
            shown_text(look.request, row.text),
            rank=strand.rank,
        )


def _decisions(look: Look, strand: Strand) -> Iterable[Entry]:
    rows = look.newest(QuarantineAction.objects.filter(_addresses(look)), strand)
    acts = BulkAct.objects.in_bulk(
        {row.act_id for row in rows if row.act_id and row.kind == ActionKind.SET}
    )
    kept = BulkActPerson.objects.filter(act__in=acts, profile=look.profile, outcome="")
    undoable = set(kept.values_list("act_id", flat=True)) if acts else set()
    undo = {pk: undo_address(look.request, look.profile, acts[pk]) for pk in undoable}
    for row in rows:
        yield Entry(
            row.at,
            row.pk,
            _("{address}: {status}").format(
                address=shown(look.request, row.channel, row.key),
                status=row.get_status_display(),
            ),
            "warn",
            [
                (text, "")
                for text in (
                    str(row.get_kind_display()),
                    str(row.get_reason_display()),
                    row.actor or row.source,
                )
            ],
            shown_text(look.request, row.text),
            undo.get(row.act_id, "") if row.kind == ActionKind.SET else "",
            rank=strand.rank,
        )


def _addresses(look: Look) -> Q:
    """What is about one of the addresses that the person has now."""
    about = Q(pk__in=[])
    held = look.profile.addresses.filter(is_valid=True)
    for channel, key in held.values_list("channel", "key"):
        about |= Q(channel=channel, key=key)
    return about


timeline.add(
    Strand("messages", "messages", 3, _messages, "delivery.view_message"),
    Strand("exclusions", "exclusions", 4, _exclusions, "delivery.view_delivery"),
    Strand("failures", "failures", 5, _failures, "delivery.view_addresserror"),
    Strand("quarantine", "failures", 6, _decisions, "delivery.view_quarantineaction"),
)
