"""Two who change the same delivery: the second is told what the first has saved.

A page carries the mark of what it showed. Where that is no longer what is saved, what
was posted stays in the form, the other's stands beside it, and saving once more is
meant. The mark is compared while nobody can change the delivery.
"""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from delivery.composing.writing import OF_ALL, TEXTS
from delivery.models import ContentVariant, Delivery

FACTS = (
    *("label", "channel", "audience_id", "service_id", "purpose", "purpose_note"),
    "contact_date",
)


def _mark(facts: dict[str, Any]) -> str:
    text = json.dumps(facts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def mark_of_form(delivery: Delivery) -> str:
    """Of what the form of a delivery shows."""
    return _mark({name: getattr(delivery, name) for name in FACTS})


def mark_of_content(delivery: Delivery, language: str) -> str:
    """Of what one language reads; without one also of what all share."""
    return _mark(_content(delivery, language))


def _content(delivery: Delivery, language: str) -> dict[str, Any]:
    if not language:
        names = (*TEXTS, *("sender_id" if n == "sender" else n for n in OF_ALL))
        return {name: getattr(delivery, name) for name in names}
    rows = ContentVariant.objects.filter(delivery=delivery, language=language)
    kept = rows.first()
    return {name: getattr(kept, name) for name in TEXTS} if kept else {}


def said(delivery: Delivery) -> str:
    """What the second is told."""
    text = _(
        "{who} saved it meanwhile. Yours is in the form and not lost; what was saved "
        "stands beside it. Save again to put yours in its place."
    )
    return text.format(who=delivery.written_by or _("Somebody"))


@dataclass
class Meanwhile:
    """Whether somebody else saved another content since the page was shown."""

    language: str
    shown: str
    posted: dict[str, Any]
    theirs: dict[str, str] = field(default_factory=dict)

    def refusal(self, row: Delivery) -> str:
        """Asked of the delivery as it is saved now; empty: nobody did."""
        now = _content(row, self.language)
        if not self.shown or self.shown == _mark(now) or self._is_the_same(now):
            return ""
        self.theirs = {name: str(now.get(name, "")) for name in TEXTS}
        return said(row)

    def _is_the_same(self, now: dict[str, Any]) -> bool:
        """Two who wrote the same lose nothing."""
        return all(now.get(name) == self.posted.get(name) for name in TEXTS)
