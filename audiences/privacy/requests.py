"""What people ask about their own data, and how it is answered (GDPR 12, 15 to 21).

A person asks on the page behind a personal link, or writes, and an operator records it.
An objection opts out of everything at once; all the rest an officer decides, within a
month. The answer leaves by mail, to the address that has proven who asks. An erasure is
done once its answer has left: afterwards nobody knows where to send it.
"""

from calendar import monthrange
from datetime import date, datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from audiences import consent
from audiences.channels import ANY
from audiences.consent import Origin, Source
from audiences.files.cleaning import says_something
from audiences.models import ConsentEvent, OutboxMail, PrivacyRequest, Profile
from audiences.refusals import Refused
from audiences.sql.retries import retried
from audiences.suppression import ErasedFor

from . import answers
from .erasure import erase

Kind, State = PrivacyRequest.Kind, PrivacyRequest.State


class NotPossible(Refused):
    """The request is not in a state for this; the message says what is missing."""


def month_after(day: date) -> date:
    """One month later, or the last day of that month (Regulation 1182/71, art. 3)."""
    year, month = day.year + day.month // 12, day.month % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


# ------------------------------------------------------------------ asking
def ask(
    locked: Profile,
    kind: str,
    text: str,
    *,
    sent_to: str,
    language: str,
    origin: Origin,
) -> PrivacyRequest:
    """What a person asks on the page; `sent_to` is the mark of where their link went.

    The same kind that still waits is the request that exists: a button pressed twice.
    The caller has locked the profile.
    """
    waiting = PrivacyRequest.objects.filter(
        profile_id=locked.pk, kind=kind, state=State.OPEN, recorded_by=""
    )
    if found := waiting.first():
        return found
    return _record(
        locked,
        kind,
        text,
        received_at=timezone.now(),
        language=language,
        sent_to=sent_to,
        origin=origin,
    )


def record(
    profile: Profile,
    kind: str,
    text: str = "",
    *,
    actor: str,
    received_at: datetime | None = None,
    source: str = Source.OPERATOR,
) -> PrivacyRequest:
    """What a person wrote or said, as an operator records it; raises NotPossible.

    `source` is where it is recorded: by an operator, or by a program.
    """
    now = timezone.now()
    if received_at and received_at > now:
        raise NotPossible(_("It cannot have been received in the future."))
    with transaction.atomic():
        return _record(
            consent.lock(profile),
            kind,
            text,
            received_at=received_at or now,
            language=profile.language,
            origin=Origin(source=source, actor=actor),
            recorded_by=actor,
        )


def _record(
    locked: Profile,
    kind: str,
    text: str,
    *,
    received_at: datetime,
    language: str,
    origin: Origin,
    sent_to: str = "",
    recorded_by: str = "",
) -> PrivacyRequest:
    made = PrivacyRequest.objects.create(
        profile_id=locked.pk,
        kind=Kind(kind),
        text=text.strip()[:4_000],
        received_at=received_at,
        due_on=month_after(timezone.localdate(received_at)),
        language=language,
        sent_to=sent_to,
        recorded_by=recorded_by,
    )
    if kind == Kind.OBJECTION:
        _stop(locked, made, origin)
    return made


def _stop(profile: Profile, made: PrivacyRequest, origin: Origin) -> None:
    """Opt out of everything, and remember the event."""
    result = consent.opt_out(profile, ANY, origin)
    if result.event_id:
        made.event_id = result.event_id
        made.save(update_fields=["event_id"])


# ------------------------------------------------------------------ deciding
@retried
def decide(
    request: PrivacyRequest, *, is_granted: bool, actor: str, note: str = ""
) -> PrivacyRequest:
    """Grant or refuse a request, and let the answer leave; raises NotPossible.

    The person reads the note in the answer. Without one nothing is refused (12(4)).
    """
    if not is_granted and not says_something(note):
        raise NotPossible(_("Say why it is refused: the person has a right to know."))
    with transaction.atomic():
        locked = _locked(request, State.OPEN, _("It was decided already."))
        profile = Profile.objects.filter(pk=locked.profile_id).first()
        if profile is None:
            raise NotPossible(_("The person was erased meanwhile."))
        locked.state = _state_after(locked, is_granted=is_granted)
        locked.decided_at, locked.decided_by = timezone.now(), actor
        locked.note = note.strip()
        locked.save()
        if locked.kind == Kind.RESTRICTION and is_granted:
            _restrict(consent.lock(profile), locked, actor)
        if answers.put(locked, profile) is None:
            _carry_out(locked)
    request.refresh_from_db()
    return request


def _restrict(profile: Profile, made: PrivacyRequest, actor: str) -> None:
    """Let a restriction begin, as an event that whoever is sending finds.

    Also of somebody who was opted out before: receipts reached them until now. Lifting
    takes back only an opt-out that it made.
    """
    why = f"Restriction of processing, request #{made.pk}"
    origin = Origin(source=Source.OPERATOR, actor=actor, note=why)
    _stop(profile, made, origin)
    if not made.event_id:
        consent.record(profile, consent.Kind.OPT_OUT, origin, scope=ANY)


def _state_after(request: PrivacyRequest, *, is_granted: bool) -> str:
    if not is_granted:
        return State.REFUSED
    lasts = request.kind in (Kind.ERASURE, Kind.RESTRICTION)
    return State.GRANTED if lasts else State.DONE


@retried
def lift(request: PrivacyRequest, *, actor: str, note: str) -> PrivacyRequest:
    """End a restriction: the person is told, and may be contacted as before.

    The opt-out that it made is taken back unless something about it has happened since.
    Raises NotPossible.
    """
    if request.kind != Kind.RESTRICTION:
        raise NotPossible(_("Only a restriction can be lifted."))
    if not says_something(note):
        raise NotPossible(_("Say why it is lifted."))
    with transaction.atomic():
        locked = _locked(request, State.GRANTED, _("It is not in force."))
        locked.state = State.DONE
        locked.ended_at, locked.ended_by = timezone.now(), actor
        locked.note = f"{locked.note}\n\n{note.strip()}".strip()
        locked.save()
        if profile := Profile.objects.filter(pk=locked.profile_id).first():
            person = consent.lock(profile)
            if locked.event_id and _last_stop(person) == locked.event_id:
                why = f"Restriction lifted, request #{locked.pk}: {note.strip()}"
                origin = Origin(source=Source.OPERATOR, actor=actor, note=why)
                consent.opt_in(person, ANY, origin)
            answers.put(locked, profile)
    request.refresh_from_db()
    return request


def _last_stop(profile: Profile) -> int | None:
    events = ConsentEvent.objects.filter(profile=profile, channel=ANY)
    return events.order_by("-pk").values_list("pk", flat=True).first()


def _locked(request: PrivacyRequest, state: str, otherwise: str) -> PrivacyRequest:
    rows = PrivacyRequest.objects.select_for_update(of=("self",))
    locked = rows.get(pk=request.pk)
    if locked.state != state:
        raise NotPossible(otherwise)
    return locked


# ------------------------------------------------------------------ erasures that wait
def carry_out() -> int:
    """Erase whoever was granted it, once the answer has left; returns how many.

    Each minute the worker asks. An answer that cannot leave delays the erasure by as
    long as the outbox tries, a day at most.
    """
    granted = PrivacyRequest.objects.filter(kind=Kind.ERASURE, state=State.GRANTED)
    return sum(_carry_out(request) for request in granted.order_by("pk"))


@retried
def _carry_out(request: PrivacyRequest) -> bool:
    """Erase the person of a request, unless its answer is still on its way."""
    if request.kind != Kind.ERASURE or request.state != State.GRANTED:
        return False
    with transaction.atomic():
        locked = PrivacyRequest.objects.select_for_update(of=("self",)).get(
            pk=request.pk
        )
        if locked.state != State.GRANTED or answers.of(locked).filter(result=""):
            return False
        locked.state, locked.ended_at = State.DONE, timezone.now()
        locked.ended_by = locked.decided_by
        locked.save()
        if profile := Profile.objects.filter(pk=locked.profile_id).first():
            origin = Origin(
                source=Source.OPERATOR,
                actor=locked.decided_by,
                note=f"Privacy request #{locked.pk}",
            )
            erase(profile, reason=ErasedFor.OWN_WISH, origin=origin)
    return True


# ------------------------------------------------------------------ the queue
def queue() -> QuerySet[PrivacyRequest]:
    """What waits for a decision; what is due first comes first."""
    return PrivacyRequest.objects.filter(state=State.OPEN).order_by("due_on", "pk")


def has_address(request: PrivacyRequest) -> bool:
    """Whether the answer can leave by mail; else the officer writes a letter."""
    return answers.address_for(request) is not None


def answer_of(request: PrivacyRequest) -> OutboxMail | None:
    """The mail with the answer, as long as the outbox keeps it."""
    return answers.of(request).order_by("-pk").first()
