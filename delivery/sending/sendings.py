"""Sendings: begun, scheduled, paused, resumed, cancelled; the only writer of their row.

A delivery is sent once, as it was analysed. Whatever has changed since then that
matters, and an analysis older than a day, is a reason to prepare it again first.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from audiences.background import jobs
from audiences.channels import Channel
from audiences.files.cleaning import says_something
from audiences.refusals import Refused
from delivery.analysis import definitions
from delivery.composing import Composer
from delivery.models import Analysis, Delivery, Dispatch, Message, Sending
from delivery.transports import transport_for

State = Sending.State
TASK = "delivery.tasks.run_sending"
# An analysis that is older is not sent by.
OLDEST = timedelta(days=1)
# A moment that lies further ahead is a slip of the hand.
FURTHEST = timedelta(days=5 * 366)
# What was chosen so long ago counts as now: forms take time.
JUST_NOW = timedelta(minutes=5)
BY_MESSAGE = (Channel.EMAIL, Channel.SMS, Channel.PUSH)


class NotSendable(Refused):
    """The delivery cannot be sent, paused or resumed now; the message says why."""


class NoMoment(NotSendable):
    """When it was to begin has passed, or lies too far ahead."""


def begin(
    delivery: Delivery,
    *,
    actor: str,
    at: datetime | None = None,
    is_now: bool = False,
    rate: float | None = None,
    wakes: bool = True,
    refusal: Callable[[Delivery], str] = lambda delivery: "",
) -> Sending:
    """Begin to send a prepared delivery, or schedule it; a worker does the rest.

    It begins at `at`; else, unless `is_now`, at its contact date; else now. A contact
    date that has passed meanwhile asks: nothing goes out in the night by itself.
    `refusal` says why the caller may not, asked while nobody can change the delivery.
    `wakes`: whether workers are woken now; else the caller is one. Raises Refused
    unless it is prepared, unchanged, can be composed, and is not yet sent.
    """
    with transaction.atomic():
        row = Delivery.objects.select_for_update(of=("self",)).get(pk=delivery.pk)
        if refused := refusal(row):
            raise NotSendable(refused)
        check(row)
        now = timezone.now()
        at = moment_of(row, at, is_now=is_now)
        later = at is not None and at > now
        sending = Sending.objects.create(
            delivery=row,
            actor=actor,
            analysis=row.latest_analysis,
            state=State.SCHEDULED if later else State.SENDING,
            starts_at=at or now,
            started_at=None if later else now,
            rate=rate or settings.SEND_RATE or None,
        )
        if wakes and not later:
            _wake(sending)
    return sending


def moment_of(
    delivery: Delivery, at: datetime | None = None, *, is_now: bool = False
) -> datetime | None:
    """When it would begin; None: now.

    Raises NotSendable for a moment that has passed or lies more than five years ahead,
    be it chosen or the contact date.
    """
    chosen = at or (None if is_now else delivery.contact_date)
    if chosen is None:
        return None
    if chosen > timezone.now() + FURTHEST:
        raise _refusal(
            _("{day} is more than five years ahead: choose an earlier moment."),
            delivery,
            day=chosen.date().isoformat(),
            kind=NoMoment,
        )
    if chosen > timezone.now() - JUST_NOW:
        return chosen
    if at is not None:
        raise _refusal(
            _("{time} has passed: choose a later moment, or now."),
            delivery,
            time=in_zone(chosen),
            kind=NoMoment,
        )
    raise _refusal(
        _(
            "“{label}” was to be sent at {time}, which has passed. Say when: now, or "
            "at a moment."
        ),
        delivery,
        time=in_zone(chosen),
        kind=NoMoment,
        hint="(--at now, --at TIME)",
    )


def in_zone(moment: datetime) -> str:
    """A moment as the site's zone has it, with the name of the zone."""
    local = timezone.localtime(moment)
    zone = timezone.get_current_timezone_name()
    return f"{date_format(local, 'SHORT_DATETIME_FORMAT')} ({zone})"


def check(delivery: Delivery) -> None:
    """Raise Refused unless the delivery can be sent by messages now.

    NotSendable, or that its message cannot be composed, or that nothing is set that
    hands over messages of its channel.
    """
    if delivery.channel not in BY_MESSAGE:
        raise _refusal(
            _("“{label}” goes by {channel}: its target leaves as an extraction file."),
            delivery,
            channel=delivery.get_channel_display(),
            hint="(send_delivery --to FILE)",
        ).mended_by("extraction_file")
    check_prepared(delivery)
    Composer(delivery)
    transport_for(delivery.channel)


def check_prepared(delivery: Delivery) -> None:
    """Raise NotSendable unless it is prepared, unchanged since, and not yet sent."""
    run = delivery.latest_analysis
    present = Sending.objects.filter(delivery=delivery).first()
    if present is not None:
        state = present.get_state_display()
        raise _refusal(
            _("“{label}” has begun already: {state}."), delivery, state=state
        )
    if Message.objects.filter(delivery=delivery).exists():
        raise _refusal(
            _("Messages of “{label}” were handed over already: duplicate it instead."),
            delivery,
        )
    if run is None or run.state != Analysis.State.READY:
        refused = _refusal(_("“{label}” is not prepared: prepare it first."), delivery)
        raise refused.mended_by("preparation", delivery.pk)
    if definitions.is_stale(run):
        raise _refusal(
            _(
                "“{label}”, its audience or a rule was changed since it was prepared: "
                "prepare it again."
            ),
            delivery,
        ).mended_by("preparation", delivery.pk)
    if not run.finished_at or timezone.now() - run.finished_at > OLDEST:
        raise _refusal(
            _("“{label}” was prepared more than a day ago: prepare it again."),
            delivery,
        ).mended_by("preparation", delivery.pk)


def _refusal(
    text: str,
    delivery: Delivery,
    *,
    kind: type[NotSendable] = NotSendable,
    hint: str = "",
    **facts: object,
) -> NotSendable:
    return kind(text.format(label=delivery.label, **facts), hint=hint)


def _wake(sending: Sending) -> None:
    for _number in range(max(1, settings.SEND_WORKERS)):
        jobs.wake(TASK, sending.pk)


def of(delivery: Delivery) -> Sending:
    """The sending of a delivery; raises NotSendable when there is none."""
    found = Sending.objects.select_related("delivery").filter(delivery=delivery).first()
    if found is None:
        raise _refusal(_("“{label}” is not being sent: send it first."), delivery)
    return found


def _move(
    delivery: Delivery, to: str, allowed: tuple[str, ...], **facts: object
) -> Sending:
    """Move the sending to another state; raises NotSendable from any but these."""
    found = of(delivery)
    rows = Sending.objects.filter(pk=found.pk, state__in=allowed)
    if not rows.update(state=to, **facts):
        found.refresh_from_db()
        state = found.get_state_display()
        raise _refusal(
            _("“{label}”: {state}. That cannot be done now."), delivery, state=state
        )
    found.refresh_from_db()
    return found


def pause(delivery: Delivery, *, reason: str = "") -> Sending:
    """Pause after the messages in flight; raises NotSendable."""
    allowed = (State.SENDING, State.SCHEDULED)
    return _move(delivery, State.PAUSED, allowed, reason=reason, preparing_since=None)


def resume(delivery: Delivery) -> Sending:
    """Go on with what is left; one that has not begun waits for its moment again.

    What has changed since it was prepared is taken as it is now: then it is prepared
    anew first. One whose workers have died goes on by itself within a minute, and at
    once by this.
    """
    found = of(delivery)
    allowed = (State.PAUSED, State.FAILED, State.SENDING)
    facts: dict[str, object] = {"reason": "", "error": ""}
    to = State.SENDING
    if found.started_at is None:
        to = State.SCHEDULED
        facts["starts_at"] = max(found.starts_at, timezone.now())
        facts |= {"preparing_since": None, "analysis": _basis(found.delivery)}
    with transaction.atomic():
        found = _move(delivery, to, allowed, **facts)
        _wake(found)
    return found


def _basis(delivery: Delivery) -> Analysis | None:
    """The run that a later one must be like; None where nothing is prepared now."""
    run = delivery.latest_analysis
    is_ready = run is not None and run.state == Analysis.State.READY
    return run if is_ready and run and not definitions.is_stale(run) else None


def cancel(delivery: Delivery, *, reason: str = "") -> Sending:
    """Never send what is left; what was handed over stands."""
    facts: dict[str, object] = {"finished_at": timezone.now(), "reason": reason}
    return _move(delivery, State.CANCELLED, Sending.OPEN, **facts)


def fail(sending: Sending, reason: str) -> None:
    """It cannot go on by itself: the reason says what to mend, then resume."""
    jobs.end(sending, State.FAILED, reason=reason)


def resend_uncertain(delivery: Delivery, *, note: str) -> int:
    """Hand over again those of whom nobody knows whether they got it; returns how many.

    They may get it twice: that is for an operator to decide, who says why. They are
    tried for a day again. Raises NotSendable, of a delivery that was cancelled too.
    """
    if not says_something(note):
        raise NotSendable(_("Say in a note why they may get it twice."))
    with transaction.atomic():
        found = Sending.objects.select_for_update(of=("self",)).get(pk=of(delivery).pk)
        if found.state == State.CANCELLED:
            raise _refusal(
                _("“{label}” was cancelled: nothing of it is handed over any more."),
                delivery,
            )
        now = timezone.now()
        rows = Dispatch.objects.filter(
            delivery=delivery, status=Dispatch.Status.UNCERTAIN
        )
        count = rows.update(
            status=Dispatch.Status.WAITING,
            due_at=now,
            first_at=now,
            attempts=0,
            text=note,
        )
        if count and found.state == State.SENT:
            _move(delivery, State.SENDING, (State.SENT,), finished_at=None)
        if count:
            _wake(found)
    return count
