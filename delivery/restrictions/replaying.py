"""Replaying a file of restrictions in a database that was restored.

It only ever restricts, and bears repeating: what holds already stays as it is, and what
a person or an operator has allowed since it happened stays allowed. Of a person whom
the restored database does not know, the addresses are suppressed: when they come back
with the next import, they are not reached.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_noop as _

from audiences import addresses, consent, privacy, subscriptions, suppression, wishes
from audiences.channels import ANY
from audiences.consent import Kind, Origin
from audiences.models import ConsentEvent, Profile, Service, Suppression
from audiences.refusals import Refused, Sentence
from audiences.suppression import Entry, ErasedFor, Reason
from delivery import quarantine
from delivery.models import QuarantineAction

from .lines import END, FIELDS, FORMAT, HEAD, VERSION, BadLine, Named, read

NOTE = "replayed from a file of restrictions"
Values = dict[str, Any]


@dataclass
class Replayed:
    """What a replay did: lines by kind that changed something, or nothing, or failed.

    `suppressed` are addresses of people whom the database does not know.
    """

    changed: dict[str, int] = field(default_factory=dict)
    unchanged: int = 0
    suppressed: int = 0
    problems: list[tuple[int, str, str]] = field(default_factory=list)


def replay(
    path: Path, on_progress: Callable[[int, int], None] = lambda done, total: None
) -> Replayed:
    """Apply a file of restrictions; each line by itself, so that none stops another.

    Raises Refused when it is not such a file, or was cut off: then nothing is done.
    """
    lines, found = list(_lines(path)), Replayed()
    for done, (number, raw) in enumerate(lines, 1):
        try:
            values = read(raw)
            with transaction.atomic():
                has_changed = _APPLY[values["kind"]](values, found)
        except BadLine as bad:
            found.problems.append((number, bad.field, str(bad)))
        except Refused as error:
            found.problems.append((number, "", str(error)))
        else:
            if has_changed:
                kind = values["kind"]
                found.changed[kind] = found.changed.get(kind, 0) + 1
            else:
                found.unchanged += 1
        on_progress(done, len(lines))
    if found.changed.get("suppression"):
        # A keyed hash does not say whose it is: every address is asked about.
        suppression.copy_all()
    return found


def _lines(path: Path) -> Iterator[tuple[int, Any]]:
    """The lines between the first and the last one, numbered as in the file."""
    parsed = list(_parsed(path))
    head = parsed[0][1] if parsed else None
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise Refused(
            Sentence(
                _("{path} is not a file that export_restrictions has written."),
                {"path": path},
            )
        )
    if head.get("kind") != HEAD or head.get("version") != VERSION:
        raise Refused(
            Sentence(
                _("{path} has version {version}; this program reads version {known}."),
                {"path": path, "version": head.get("version"), "known": VERSION},
            )
        )
    end = parsed[-1][1]
    is_whole = isinstance(end, dict) and end.get("kind") == END
    if not is_whole or end.get("lines") != len(parsed) - 2:
        raise Refused(
            Sentence(
                _("{path} was cut off or changed: the last line counts the others."),
                {"path": path},
            )
        )
    yield from parsed[1:-1]


def _parsed(path: Path) -> Iterator[tuple[int, Any]]:
    try:
        with path.open(encoding="utf-8") as file:
            for number, text in enumerate(file, 1):
                try:
                    yield number, json.loads(text)
                except (ValueError, RecursionError):
                    yield number, None
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{path}: {error}") from error


# ------------------------------------------------------------------ kind by kind
def _opt_out(values: Values, found: Replayed) -> bool:
    named, scope = values["person"], values["channel"]
    profile = _known(named)
    changed = False
    if profile is not None:
        if _allowed_since(profile, scope, values):
            return False
        changed = consent.opt_out(profile, scope, _origin(values)).changed
    return _suppress_unknown(named, profile, scope, values, found) or changed


def _unsubscribe(values: Values, found: Replayed) -> bool:
    profile = _known(values["person"])
    service = Service.objects.filter(slug=values["service"]).first()
    if service is None:
        raise BadLine("service", _("there is no such service: create it, then repeat"))
    if profile is None:
        raise BadLine(
            "person",
            _("nobody here is this person: import them first, then repeat this file"),
        )
    later = ConsentEvent.objects.filter(
        profile=profile,
        service=service,
        kind__in=[Kind.SUBSCRIBE, Kind.CONFIRM],
        at__gt=values["at"],
    )
    if later.exists():
        return False
    return subscriptions.unsubscribe(profile, service, _origin(values)).changed


def _wish(values: Values, found: Replayed) -> bool:
    profile = _known(values["person"])
    if profile is None:
        raise BadLine(
            "person",
            _("nobody here is this person: import them first, then repeat this file"),
        )
    facts = {name: values[name] for name in ("per_month", "paused_until")}
    if (facts["per_month"] is None) is (facts["paused_until"] is None):
        raise BadLine("per_month", _("A wish is a limit or a pause."))
    locked = consent.lock(profile)
    same = wishes.wishes_of(locked.pk).filter(
        channel=values["channel"], per_month__isnull=facts["per_month"] is None
    )
    # The person has said something else since, or has ended it.
    if same.filter(Q(since__gte=values["at"]) | Q(ended_at__gt=values["at"])).exists():
        return False
    return wishes.express(locked, values["channel"], _origin(values), **facts).changed


def _erasure(values: Values, found: Replayed) -> bool:
    # Whoever got the number after the restore is somebody else.
    profile = Profile.objects.filter(
        pk=values["profile"], created_at__lt=values["at"]
    ).first()
    if profile is None:
        return False
    privacy.erase(profile, reason=ErasedFor.RETENTION)
    return True


def _quarantine(values: Values, found: Replayed) -> bool:
    channel = values["channel"]
    key = addresses.accept(channel, values["address"]).key
    of_address = QuarantineAction.objects.filter(channel=channel, key=key)
    kinds = QuarantineAction.Kind
    decided = kinds.SET, kinds.DECIDE, kinds.UNDO
    if of_address.filter(kind__in=decided, at__gt=values["at"]).exists():
        return False
    told = ("status", "type", "text", "error_count", "first_error_at", "last_error_at")
    action = QuarantineAction(
        channel=channel,
        key=key,
        kind=QuarantineAction.Kind.RAISE,
        source="import",
        **{name: values[name] for name in told},
    )
    if values["reason"]:
        action.reason = values["reason"]
    return bool(quarantine.raise_statuses([action]))


def _suppression(values: Values, found: Replayed) -> bool:
    rows = Suppression.objects.filter(channel=values["channel"])
    same = rows.filter(digest=values["digest"])
    # Lifted since: the person has confirmed it from there.
    if (
        same.filter(lifted_at__isnull=True).exists()
        or same.filter(lifted_at__gt=values["since"]).exists()
    ):
        return False
    facts = {name: values[name] for name in FIELDS["suppression"]}
    Suppression.objects.create(**facts)
    return True


_APPLY: dict[str, Callable[[Values, Replayed], bool]] = {
    "opt_out": _opt_out,
    "unsubscribe": _unsubscribe,
    "wish": _wish,
    "erasure": _erasure,
    "quarantine": _quarantine,
    "suppression": _suppression,
}


# ------------------------------------------------------------------ who is meant
def _known(named: Named) -> Profile | None:
    """The person in this database: by number and beginning, or by external id."""
    same = Profile.objects.filter(pk=named.id, created_at=named.created_at).first()
    if same is None and named.external_id:
        same = Profile.objects.filter(external_id=named.external_id).first()
    return same


def _suppress_unknown(
    named: Named, profile: Profile | None, scope: str, values: Values, found: Replayed
) -> bool:
    """Suppress those addresses of a person that the person does not have here."""
    held = set(profile.addresses.values_list("channel", "key")) if profile else set()
    given = {
        (channel, addresses.accept(channel, text).key)
        for channel, text in named.addresses
    }
    about = {(c, k) for c, k in given - held if scope in (ANY, c)}
    entries = [Entry(c, k, scope, Reason.OPTED_OUT) for c, k in sorted(about)]
    if not entries:
        return False
    new = suppression.suppress(entries, since=values["at"])
    found.suppressed += new
    return bool(new)


def _allowed_since(profile: Profile, scope: str, values: Values) -> bool:
    later: Iterable[ConsentEvent] = ConsentEvent.objects.filter(
        profile=profile, kind=Kind.OPT_IN, channel=scope, at__gt=values["at"]
    )[:1]
    return bool(list(later))


def _origin(values: Values) -> Origin:
    return Origin(source=values["source"], at=values["at"], note=NOTE)
