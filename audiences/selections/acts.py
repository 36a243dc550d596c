"""What can be done for many people at once, and how each of it is taken back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from audiences import consent, roles, subscriptions, tags
from audiences.channels import Scope
from audiences.consent import Origin
from audiences.models import BulkAct, Profile
from audiences.refusals import Refused
from audiences.registry import Registry
from audiences.subscriptions import find_service
from audiences.subscriptions.bulk import restore_all

from .reversals import PUT_ON, TAKEN_OFF, Reverse, Work, by_events


class BulkActRefused(Refused):
    """The change cannot be made as asked; the message says what is missing."""


@dataclass(frozen=True)
class Act:
    """A change that can be made to many people.

    `asks` names the details that the operator must give, `permission` the one to hold.
    """

    code: str
    label: Any
    work: Work
    permission: str
    asks: Sequence[str] = ()
    needs_note: bool = False
    explanation: Any = ""
    # Whether it starts subscriptions, which a closed service does not take.
    begins: bool = False
    # The most people in a chunk: fewer where each takes longer, to keep locks short.
    most: int = 10_000
    # Whom it changes is written down then, so that it can be taken back as one.
    reverse: Reverse | None = None


_acts: Registry[str, Act] = Registry("bulk change")


def register(act: Act) -> None:
    """Add a kind of change; `delivery` adds those of addresses."""
    _acts.add(act.code, act)


def acts() -> list[Act]:
    return list(_acts.values())


def find(code: str) -> Act:
    act = _acts.get(code)
    if act is None:
        raise BulkActRefused(f"There is no bulk change {code!r}.")
    return act


def in_words(act: BulkAct, services: Mapping[str, str]) -> str:
    """What was done, such as "Opt out: Email"; `services` are labels by slug."""
    label = str(_acts[act.code].label) if act.code in _acts else act.code
    scope, service = act.details.get("scope"), act.details.get("service")
    about = Scope(scope).label if scope else services.get(service, service)
    about = act.details.get("tag", about)
    text = f"{label}: {about}" if about else label
    return str(_("Undone: {what}")).format(what=text) if act.undoes_id else text


def _opt_out(people: QuerySet[Profile], act: BulkAct, by: Origin) -> int:
    return consent.opt_out_all(people, act.details["scope"], by)


def _opt_in(people: QuerySet[Profile], act: BulkAct, by: Origin) -> int:
    return consent.opt_in_all(people, act.details["scope"], by)


def _subscribe(people: QuerySet[Profile], act: BulkAct, by: Origin) -> int:
    return subscriptions.subscribe_all(people, find_service(act.details["service"]), by)


def _unsubscribe(people: QuerySet[Profile], act: BulkAct, by: Origin) -> int:
    return subscriptions.unsubscribe_all(
        people, find_service(act.details["service"]), by
    )


def _restore(people: QuerySet[Profile], act: BulkAct, by: Origin) -> int:
    return restore_all(people, find_service(act.details["service"]), by)


register(
    Act(
        "opt_out",
        _("Opt out"),
        _opt_out,
        asks=("scope",),
        explanation=_("Nothing is sent to them on this channel any more."),
        permission=roles.OPT_OUT,
        reverse=by_events(_opt_in, roles.OPT_IN),
    )
)
register(
    Act(
        "opt_in",
        _("Opt in"),
        _opt_in,
        asks=("scope",),
        needs_note=True,
        explanation=_("They can be contacted on this channel again."),
        permission=roles.OPT_IN,
        reverse=by_events(_opt_out, roles.OPT_OUT),
    )
)
register(
    Act(
        "subscribe",
        _("Subscribe"),
        _subscribe,
        asks=("service",),
        begins=True,
        explanation=_(
            "Who is opted out stays opted out. Who has unsubscribed is left out, "
            "unless a note says how they asked for it."
        ),
        permission="audiences.add_subscription",
        reverse=by_events(_unsubscribe, "audiences.change_subscription"),
    )
)
register(
    Act(
        "unsubscribe",
        _("Unsubscribe"),
        _unsubscribe,
        asks=("service",),
        explanation=_("Their other subscriptions and opt-outs stay as they are."),
        permission="audiences.change_subscription",
        reverse=by_events(_restore, "audiences.add_subscription"),
    )
)


def _put_on(people: QuerySet[Profile], act: BulkAct, by: Origin) -> int:
    return tags.put_on(people, tags.ensure([act.details["tag"]])[act.details["tag"]])


def _take_off(people: QuerySet[Profile], act: BulkAct, by: Origin) -> int:
    tag = tags.find_tag(act.details["tag"])
    return tags.take_off(people, tag) if tag else 0


register(
    Act(
        "tag",
        _("Put a tag on"),
        _put_on,
        asks=("tag",),
        explanation=_("Nothing else of them changes."),
        permission="audiences.change_profile",
        reverse=PUT_ON,
    )
)
register(
    Act(
        "untag",
        _("Take a tag off"),
        _take_off,
        asks=("tag",),
        explanation=_("Nothing else of them changes."),
        permission="audiences.change_profile",
        reverse=TAKEN_OFF,
    )
)
