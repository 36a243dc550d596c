"""Who may act on a delivery that reaches opted-out people, and who approved it (D6).

Such a delivery skips the denylist, so its rights are asked of what is saved and used,
not of what somebody changes: of the delivery, and of the audiences, rules and
typologies that it uses. Who lacks the right may look at it and do nothing with it.

Before anything of it leaves, a second person approves it. What was approved is kept
whole, and an approval is in force only while nothing of that has changed: the text, the
audience, the rules, the note. `ONE_PERSON_APPROVES` lets one person do both.

Commands are the owner's of the machine, who needs nobody's approval.
"""

import hashlib
import json
from collections.abc import Iterable
from enum import Enum
from typing import Any, Protocol

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from audiences import membership
from audiences.models import Audience
from audiences.refusals import Refused
from delivery import rules
from delivery.analysis import definitions
from delivery.models import Approval, Delivery, Message, Typology, TypologyRule
from delivery.roles import SKIP_DENYLIST
from delivery.rules import skips_denylist, writing


class User(Protocol):
    """Who acts, as Django's users are."""

    def has_perm(self, perm: str, /) -> bool: ...
    def get_username(self) -> str: ...


class Act(Enum):
    """What somebody is about to do with a delivery.

    WRITE changes, copies, deletes or prepares it; USE takes its target out: an export,
    a message.
    """

    WRITE = "write"
    USE = "use"


class NotApproved(Refused):
    """The delivery cannot be approved now; the message says why and what to do."""


def refusal(user: User, delivery: Delivery, act: Act = Act.WRITE) -> str:
    """Why this user may not do this with the delivery as it is saved; empty: they may.

    It is asked beside the permission for the act itself.
    """
    if not skips_denylist(delivery.purpose):
        return ""
    if not user.has_perm(SKIP_DENYLIST):
        return _(
            "“{delivery}” reaches opted-out people too: only who may make such "
            "deliveries may change or use it."
        ).format(delivery=delivery)
    if act == Act.USE and in_force(delivery) is None:
        return _(
            "“{delivery}” reaches opted-out people too: it must be approved, as it is "
            "now, before anything of it leaves."
        ).format(delivery=delivery)
    return ""


# ------------------------------------------------------------------ what it uses
def refusal_of(user: User, found: Iterable[Delivery]) -> str:
    """Why this user may not change what these deliveries use; empty: they may.

    `using_audience`, `using_rule` and `using_typology` find them.
    """
    if user.has_perm(SKIP_DENYLIST):
        return ""
    first = next(iter(found), None)
    if first is None:
        return ""
    return _(
        "It is used by “{delivery}”, which reaches opted-out people too: only who may "
        "make such deliveries may change it. Make another one instead."
    ).format(delivery=first)


def _reaching() -> QuerySet[Delivery]:
    """The deliveries that reach opted-out people and were not handed over."""
    skipping = [
        purpose for purpose in Delivery.Purpose.values if skips_denylist(purpose)
    ]
    sent = Message.objects.filter(delivery=OuterRef("pk"))
    rows = Delivery.objects.filter(~Exists(sent), purpose__in=skipping)
    return rows.select_related("audience", "typology").order_by("pk")


def using_audience(audience: Audience) -> list[Delivery]:
    """Those of them whose audience, or a condition that they judge by, names it."""
    return [
        delivery
        for delivery in _reaching()
        if delivery.audience_id == audience.pk
        or audience.name in membership.named_by(_trees_of(delivery))
    ]


def _trees_of(delivery: Delivery) -> list[Any]:
    rows = rules.rows_of(delivery.typology)
    return [delivery.audience.condition, *(row.condition for row in rows)]


def using_rule(rule: TypologyRule) -> list[Delivery]:
    """Those of them whose typology has the rule, active or not."""
    typologies = set(rule.typology_set.values_list("pk", flat=True))
    default = writing.default_typology().pk
    return [d for d in _reaching() if (d.typology_id or default) in typologies]


def using_typology(
    typology: Typology | None, *, becomes_default: bool = False
) -> list[Delivery]:
    """Those of them that judge by the typology, or would when it is the default."""
    default = writing.default_typology().pk
    pk = typology.pk if typology else None
    return [
        delivery
        for delivery in _reaching()
        if (delivery.typology_id or default) == pk
        or (becomes_default and delivery.typology_id is None)
    ]


# ------------------------------------------------------------------ approval
def statement_of(delivery: Delivery) -> dict[str, Any]:
    """The delivery as it is approved: message, note, audience and rules, as plain data.

    Raises Refused when an audience that a condition names is gone.
    """
    rows = rules.rows_of(delivery.typology)
    return {
        **definitions.definition_of(delivery, rows),
        "audience_name": delivery.audience.name,
        "audience_kind": delivery.audience.kind,
        "audience_service": delivery.audience.service_id,
        "subject": delivery.subject,
        "content": delivery.content,
        "preheader": delivery.preheader,
        "sender": delivery.sender_id,
        "headers": delivery.headers,
        "variants": [
            (row.language, row.subject, row.preheader, row.content)
            for row in delivery.variants.order_by("language")
        ],
        "purpose_note": delivery.purpose_note,
        **_further_content(delivery),
    }


def _further_content(delivery: Delivery) -> dict[str, Any]:
    """What else a message says, where it says it.

    What is not there is left out, so that approvals from before stay in force.
    """
    languages = delivery.variants.order_by("language")
    found: dict[str, Any] = {
        "sender": str(delivery.sender or ""),
        "reply_to": delivery.sender.reply_to if delivery.sender else "",
        "preheader": delivery.preheader,
        "headers": delivery.headers,
        "variants": list(
            languages.values("language", "subject", "preheader", "content")
        ),
    }
    return {name: value for name, value in found.items() if value}


def fingerprint_of(statement: dict[str, Any]) -> str:
    text = json.dumps(statement, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def in_force(delivery: Delivery) -> Approval | None:
    """The approval of the delivery as it is saved now, if there is one."""
    try:
        now = fingerprint_of(statement_of(delivery))
    except Refused:
        return None
    return Approval.objects.filter(delivery=delivery, fingerprint=now).first()


def refusal_to_approve(user: User, delivery: Delivery) -> str:
    """Why this user may not approve the delivery; empty: they may."""
    if missing := refusal(user, delivery):
        return missing
    own = delivery.written_by and delivery.written_by == user.get_username()
    if own and not settings.ONE_PERSON_APPROVES:
        return _("You wrote it, or changed it last: somebody else approves it.")
    return ""


def waiting_for(user: User) -> list[Delivery]:
    """The deliveries with a text that this user may approve, and nobody has yet."""
    return [
        delivery
        for delivery in _reaching().filter(sending=None).exclude(content="")
        if not refusal_to_approve(user, delivery) and in_force(delivery) is None
    ]


def approve(delivery: Delivery, *, user: User, seen: str) -> Approval:
    """Approve the delivery as the user has seen it; `seen` is that fingerprint.

    Raises NotApproved without the right, for one's own delivery, for one that needs no
    approval, and when it has changed since it was shown.
    """
    with transaction.atomic():
        row = Delivery.objects.select_for_update(of=("self",)).get(pk=delivery.pk)
        if not skips_denylist(row.purpose):
            raise NotApproved(
                _("It reaches nobody who opted out: it needs no approval.")
            )
        if refused := refusal_to_approve(user, row):
            raise NotApproved(refused)
        statement = statement_of(row)
        if fingerprint_of(statement) != seen:
            raise NotApproved(
                _("It was changed since you opened the page: look at it again.")
            )
        return Approval.objects.create(
            delivery=row,
            fingerprint=seen,
            approved=statement,
            written_by=row.written_by,
            approved_by=user.get_username(),
        )


def written(found: Iterable[Delivery], *, user: User) -> None:
    """Record that this user wrote these, or changed what they use."""
    keys = [delivery.pk for delivery in found]
    Delivery.objects.filter(pk__in=keys).update(written_by=user.get_username())


# ------------------------------------------------------------------ listeners
def forbid_change(sender: object, audience: Audience, user: User, **kw: Any) -> str:
    """Listener of `audience_to_be_changed`."""
    return refusal_of(user, using_audience(audience))


def note_change(sender: object, audience: Audience, user: User, **kw: Any) -> None:
    """Listener of `audience_changed`."""
    written(using_audience(audience), user=user)
