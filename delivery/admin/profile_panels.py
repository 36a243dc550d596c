"""What `delivery` adds to the page of a profile: quarantine links and messages."""

from collections.abc import Iterable

from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext as _

from audiences.admin.masking import shown
from audiences.admin.profile_panels import Panel, extensions
from audiences.models import Address, Profile
from delivery.models import Message, QuarantineEntry

SHOWN = 20


def links_to_entries(rows: Iterable[Address]) -> dict[int, str]:
    """The page of the quarantine entry of each address that has one; one query."""
    rows = [row for row in rows if row.is_valid]
    about = Q(pk__in=[])
    for row in rows:
        about |= Q(channel=row.channel, key=row.key)
    entries = {
        (channel, key): pk
        for channel, key, pk in QuarantineEntry.objects.filter(about).values_list(
            "channel", "key", "pk"
        )
    }
    return {
        row.pk: reverse("admin:delivery_quarantineentry_change", args=[entry])
        for row in rows
        if (entry := entries.get((row.channel, row.key)))
    }


def handed_over(request: HttpRequest, profile: Profile) -> Panel | None:
    """The last messages that this profile got."""
    if not request.user.has_perm("delivery.view_message"):
        return None
    rows = Message.objects.filter(profile=profile).select_related("delivery")
    newest = list(rows.order_by("-sent_at")[: SHOWN + 1])
    more = ""
    if len(newest) > SHOWN:
        url = reverse("admin:delivery_message_changelist")
        text = _("All messages")
        more = format_html('<a href="{}?q=id:{}">{}</a>', url, profile.pk, text)
    return Panel(
        title=_("Messages handed over"),
        columns=[_("when"), _("delivery"), _("channel"), _("address")],
        rows=[
            [
                date_format(timezone.localtime(m.sent_at), "SHORT_DATETIME_FORMAT"),
                m.delivery,
                m.get_channel_display(),
                shown(request, m.channel, m.address),
            ]
            for m in newest[:SHOWN]
        ],
        empty=_("No message was handed over to this profile."),
        more=more,
    )


extensions.links_of_addresses = links_to_entries
extensions.panels.append(handed_over)
