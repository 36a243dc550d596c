"""Changes to many people at once: the only writer of `BulkAct`.

An act is one set-based function of the domain. It runs in chunks by id, each in a
transaction that also moves the act's position: locks are short, a worker that dies
loses nothing, and two workers never do the same chunk. A small selection is changed at
once, a large one in the background.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Max, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from audiences import consent, roles, subscriptions, tags
from audiences.background import jobs
from audiences.channels import Scope
from audiences.consent import Origin, Source
from audiences.models import BulkAct, Profile
from audiences.refusals import Refused
from audiences.registry import Registry
from audiences.sql.retries import retried
from audiences.subscriptions import ServiceClosed, find_service

from . import filters

State = BulkAct.State
CHUNK_SIZE = 2000
logger = logging.getLogger(__name__)


class BulkActRefused(Refused):
    """The change cannot be made as asked; the message says what is missing."""


# Takes the people of one chunk, the details of the act and its origin; returns how many
# people changed.
Work = Callable[[QuerySet[Profile], dict[str, Any], Origin], int]


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


# ------------------------------------------------------------------ beginning
def begin(
    code: str,
    chosen: filters.Chosen,
    *,
    actor: str,
    note: str = "",
    details: dict[str, Any] | None = None,
) -> BulkAct:
    """Record the change and its people, then make it or wake a worker.

    People added later are not included. Raises BulkActRefused.
    """
    kind, details = find(code), dict(details or {})
    if kind.needs_note and not note.strip():
        raise BulkActRefused(
            str(_("An opt-in needs a note that says how the people asked for it."))
        )
    _check(kind, details)
    people = filters.select(chosen)
    act = BulkAct.objects.create(
        code=code,
        details=details,
        chosen=dict(chosen),
        note=note.strip(),
        actor=actor,
        last_id=Profile.objects.aggregate(last=Max("pk"))["last"] or 0,
    )
    at_once = settings.BULK_AT_ONCE
    if people.order_by()[: at_once + 1].count() <= at_once:
        run(act)
    else:
        jobs.wake("audiences.tasks.work_off_bulk_act", act.pk)
    return act


def _check(kind: Act, details: dict[str, Any]) -> None:
    missing = [name for name in kind.asks if not details.get(name)]
    if missing:
        raise BulkActRefused(f"Missing: {', '.join(missing)}.")
    if "tag" in kind.asks:
        tags.read_name(details["tag"])
    if "scope" in kind.asks and details["scope"] not in Scope.values:
        raise BulkActRefused(f"{details['scope']!r} is no channel.")
    if "service" in kind.asks:
        service = find_service(details["service"])
        if kind.begins and service.is_closed:
            raise ServiceClosed(service)


def stop(act: BulkAct) -> bool:
    """Leave it where it is; returns whether it was still unfinished."""
    return jobs.end(act, State.STOPPED)


# ------------------------------------------------------------------ working
def run(act: BulkAct) -> None:
    """Change chunk after chunk until the act is done, stopped, or fails.

    A failure is recorded, what was done stands, and nothing is done twice.
    """
    try:
        while _run_next(act.pk):
            pass
    except Exception as error:
        logger.exception("A bulk change failed")
        jobs.end(act, State.FAILED, error=str(error)[:500])
    act.refresh_from_db()


@retried
def _run_next(pk: int) -> bool:
    """Change one chunk in one transaction; returns whether there may be more."""
    act = BulkAct.objects.select_for_update(of=("self",)).get(pk=pk)
    if not act.is_unfinished:
        return False
    kind = find(act.code)
    size = min(CHUNK_SIZE, kind.most)
    ids = list(
        filters.select(act.chosen)
        .filter(pk__gt=act.position, pk__lte=act.last_id)
        .order_by("pk")
        .values_list("pk", flat=True)[:size]
    )
    if ids:
        origin = Origin(source=Source.OPERATOR, actor=act.actor, note=act.note)
        people = Profile.objects.filter(pk__in=ids)
        act.changed += kind.work(people, act.details, origin)
        act.seen += len(ids)
        act.position = ids[-1]
    act.worked_at = timezone.now()
    act.state = State.RUNNING
    if len(ids) < size:
        act.state, act.finished_at = State.DONE, act.worked_at
    act.save()
    return act.state == State.RUNNING


# ------------------------------------------------------------------ the acts
def in_words(act: BulkAct, services: Mapping[str, str]) -> str:
    """What was done, such as "Opt out: Email"; `services` are labels by slug."""
    label = str(_acts[act.code].label) if act.code in _acts else act.code
    scope, service = act.details.get("scope"), act.details.get("service")
    about = Scope(scope).label if scope else services.get(service, service)
    about = act.details.get("tag", about)
    return f"{label}: {about}" if about else label


register(
    Act(
        "opt_out",
        _("Opt out"),
        lambda people, details, by: consent.opt_out_all(people, details["scope"], by),
        asks=("scope",),
        explanation=_("Nothing is sent to them on this channel any more."),
        permission=roles.OPT_OUT,
    )
)
register(
    Act(
        "opt_in",
        _("Opt in"),
        lambda people, details, by: consent.opt_in_all(people, details["scope"], by),
        asks=("scope",),
        needs_note=True,
        explanation=_("They can be contacted on this channel again."),
        permission=roles.OPT_IN,
    )
)
register(
    Act(
        "subscribe",
        _("Subscribe"),
        lambda people, details, by: subscriptions.subscribe_all(
            people, find_service(details["service"]), by
        ),
        asks=("service",),
        begins=True,
        explanation=_(
            "Who is opted out stays opted out. Who has unsubscribed is left out, "
            "unless a note says how they asked for it."
        ),
        permission="audiences.add_subscription",
    )
)
register(
    Act(
        "unsubscribe",
        _("Unsubscribe"),
        lambda people, details, by: subscriptions.unsubscribe_all(
            people, find_service(details["service"]), by
        ),
        asks=("service",),
        explanation=_("Their other subscriptions and opt-outs stay as they are."),
        permission="audiences.change_subscription",
    )
)


def _put_on(people: QuerySet[Profile], details: dict[str, Any], by: Origin) -> int:
    return tags.put_on(people, tags.ensure([details["tag"]])[details["tag"]])


def _take_off(people: QuerySet[Profile], details: dict[str, Any], by: Origin) -> int:
    tag = tags.find_tag(details["tag"])
    return tags.take_off(people, tag) if tag else 0


register(
    Act(
        "tag",
        _("Put a tag on"),
        _put_on,
        asks=("tag",),
        explanation=_("Nothing else of them changes."),
        permission="audiences.change_profile",
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
    )
)
