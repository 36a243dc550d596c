"""Writing and reading the history of consent; every event has its origin."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import (
    BigIntegerField,
    BooleanField,
    DateTimeField,
    F,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
)
from django.db.models.expressions import Combinable
from django.db.models.lookups import Exact
from django.utils import timezone

from audiences import sql
from audiences.files.cleaning import says_something
from audiences.models import (
    ConsentEvent,
    ConsentEvidence,
    Profile,
    Service,
    StagedProfile,
)
from audiences.sql.many import among


def events_of(profile_id: int) -> QuerySet[ConsentEvent]:
    """The consent history of a profile, newest first, even after its erasure."""
    return ConsentEvent.objects.filter(profile_id=profile_id).select_related(
        "service", "evidence"
    )


Kind = ConsentEvent.Kind
Source = ConsentEvent.Source


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Who or what makes a change, with evidence (GDPR 7(1)).

    `at` is the moment of the person's act, unless that is now.
    """

    source: str
    note: str = ""
    actor: str = ""
    ip: str | None = None
    user_agent: str = ""
    wording_version: str = ""
    delivery_id: int | None = None
    at: datetime | None = None
    # The note says where the person asked and nothing of how: that proves nothing.
    says_only_where: bool = False

    def noting(self, what: str) -> "Origin":
        """The same, with a note that says first what was done, or asked for."""
        return replace(self, note=" · ".join(filter(None, [what, self.note])))

    @property
    def has_proof(self) -> bool:
        """Whether it says how the person asked, or what they had read."""
        says_how = self.has_note and not self.says_only_where
        return says_how or says_something(self.wording_version)

    @property
    def has_note(self) -> bool:
        return says_something(self.note)

    @property
    def has_evidence(self) -> bool:
        return bool(self.note or self.actor or self.ip or self.user_agent)


def record(
    profile: Profile,
    kind: Kind,
    origin: Origin,
    *,
    scope: str = "",
    service_id: int | None = None,
) -> ConsentEvent:
    """Write one event with its evidence; the caller has locked the profile."""
    event = ConsentEvent.objects.create(
        profile_id=profile.pk,
        at=origin.at or timezone.now(),
        kind=kind,
        channel=scope,
        service_id=service_id,
        source=origin.source,
        wording_version=origin.wording_version,
        delivery_id=origin.delivery_id,
        has_evidence=origin.has_evidence,
    )
    if origin.has_evidence:
        ConsentEvidence.objects.create(
            event=event,
            note=origin.note,
            actor=origin.actor,
            ip=origin.ip,
            user_agent=origin.user_agent,
        )
    return event


def about(
    profile_id: Any, *, scope: str = "", service_id: int | None = None
) -> QuerySet[ConsentEvent]:
    """What is on record about one flag, or one subscription, of a profile."""
    return _about(scope, service_id).filter(profile_id=profile_id)


def about_many(
    profile_ids: Sequence[int], *, scope: str = "", service_id: int | None = None
) -> QuerySet[ConsentEvent]:
    """The same of many profiles, which the index of the history finds."""
    return _about(scope, service_id).filter(among("profile_id", profile_ids))


def _about(scope: str, service_id: int | None) -> QuerySet[ConsentEvent]:
    events = ConsentEvent.objects.filter(channel=scope)
    if service_id is None:
        return events.filter(service__isnull=True)
    return events.filter(service_id=service_id)


def said_again(
    profile: Profile,
    kind: Kind,
    origin: Origin,
    *,
    scope: str = "",
    service_id: int | None = None,
) -> None:
    """Somebody says what an operator wrote down before: that is on record too.

    An operator takes back only what no one else has said (`audiences.selections`). So a
    person who leaves by a page stays out, although nothing had to change then. The
    caller has locked the profile.
    """
    if origin.source == Source.OPERATOR:
        return
    events = about(profile.pk, scope=scope, service_id=service_id)
    last = events.order_by("-id").first()
    if last and last.kind == kind and last.source == Source.OPERATOR:
        record(profile, kind, origin, scope=scope, service_id=service_id)


def by_operator(kind: str, *, scope: str = "", service_id: int | None = None) -> Q:
    """Profiles whose last event about a flag or a service is this, by an operator."""
    rows = about(OuterRef("pk"), scope=scope, service_id=service_id)
    events = rows.order_by("-id")
    last = {"kind": str(kind), "source": str(Source.OPERATOR)}
    return Q(
        *(
            Exact(Subquery(events.values(name)[:1]), Value(value, TextField()))
            for name, value in last.items()
        )
    )


def record_staged(
    kind: Kind,
    origin: Origin,
    *,
    scope: str = "",
    service: Service | None = None,
    at: Combinable | None = None,
) -> None:
    """Write one event with its evidence for every staged profile.

    `at` gives each its own moment.
    """
    before = ConsentEvent.objects.aggregate(last=Max("id"))["last"] or 0
    facts: dict[str, Combinable] = {
        "profile_id": F("id"),
        "at": at or Value(origin.at or timezone.now(), DateTimeField()),
        "kind": Value(str(kind), TextField()),
        "channel": Value(str(scope), TextField()),
        "service_id": Value(service.pk if service else None, BigIntegerField()),
        "source": Value(str(origin.source), TextField()),
        "wording_version": Value(origin.wording_version, TextField()),
        "delivery_id": Value(origin.delivery_id, BigIntegerField()),
        "has_evidence": Value(origin.has_evidence, BooleanField()),
    }
    people = StagedProfile.objects.order_by("id")
    sql.insert_select(ConsentEvent, [*facts], people.values_list(*facts.values()))
    if not origin.has_evidence:
        return
    # Only this transaction can have written later events of the staged profiles.
    events = ConsentEvent.objects.filter(
        id__gt=before, profile_id__in=StagedProfile.objects.values("id")
    )
    proof: dict[str, Combinable] = {
        "event_id": F("id"),
        "note": Value(origin.note, TextField()),
        "actor": Value(origin.actor, TextField()),
        "ip": Value(origin.ip, ConsentEvidence._meta.get_field("ip")),
        "user_agent": Value(origin.user_agent, TextField()),
    }
    rows = events.order_by("id").values_list(*proof.values())
    sql.insert_select(ConsentEvidence, [*proof], rows)


# A profile, when, what, a scope or a service, and where it comes from.
Row = tuple[int, datetime, str, str, int | None, Origin]


def bulk_record(rows: Sequence[Row]) -> list[int]:
    """Write events of many profiles, each with its own origin, in this order.

    Returns their ids. The caller has locked the profiles.
    """
    ids = sql.draw_ids(ConsentEvent, len(rows))
    numbered = list(zip(ids, rows, strict=True))
    columns = ("id", "profile_id", "at", "kind", "channel", "service_id", "source")
    sql.bulk_insert(
        ConsentEvent,
        [*columns, "wording_version", "delivery_id", "has_evidence"],
        (
            (
                *(pk, profile_id, at, kind, scope, service_id, str(origin.source)),
                *(origin.wording_version, origin.delivery_id, origin.has_evidence),
            )
            for pk, (profile_id, at, kind, scope, service_id, origin) in numbered
        ),
    )
    proved = [(pk, row[-1]) for pk, row in numbered if row[-1].has_evidence]
    if proved:
        sql.bulk_insert(
            ConsentEvidence,
            ["event_id", "note", "actor", "ip", "user_agent"],
            ((pk, o.note, o.actor, o.ip, o.user_agent) for pk, o in proved),
        )
    return ids


def bulk_said_again(rows: Iterable[Row]) -> None:
    """`said_again` for many profiles that the caller has locked.

    One statement for each flag or service to find them.
    """
    together: dict[tuple[str, str, int | None], dict[int, Row]] = {}
    for row in rows:
        profile_id, _at, kind, scope, service_id, origin = row
        if origin.source != Source.OPERATOR:
            named = together.setdefault((kind, scope, service_id), {})
            named.setdefault(profile_id, row)
    found: list[Row] = []
    for (kind, scope, service_id), named in together.items():
        last = by_operator(kind, scope=scope, service_id=service_id)
        people = Profile.objects.order_by("pk").filter(among("id", named))
        found += [named[pk] for pk in people.filter(last).values_list("pk", flat=True)]
    if found:
        bulk_record(found)
