"""A mail each morning for operators who want it: what happened, and what waits.

Each line is a count, registered by the noun that knows it. Nobody gets the mail who has
not asked for it, and nobody twice a day: the day is claimed in the transaction that
puts the mail into the outbox.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from audiences import addresses, outbox
from audiences.channels import Channel
from audiences.consent import Kind
from audiences.models import (
    ConsentEvent,
    ErasureRun,
    MorningSummary,
    OutboxMail,
    PrivacyRequest,
)
from audiences.moments import midnight
from audiences.outbox import Result, Words
from audiences.refusals import Refused
from audiences.registry import Registry


class NoAddress(Refused):
    """The operator has no email address that a mail can go to."""


@dataclass(frozen=True)
class Period:
    """A day, from its first moment to the first of the next."""

    begin: datetime
    end: datetime

    @classmethod
    def day(cls, day: date) -> "Period":
        return cls(midnight(day), midnight(day + timedelta(days=1)))

    def q(self, name: str = "at") -> Q:
        return Q(**{f"{name}__gte": self.begin, f"{name}__lt": self.end})


# The line in the language of the reader, with its count; empty where there is none.
Line = Callable[[Period], str]
happened: Registry[str, Line] = Registry("line of what happened")
waits: Registry[str, Line] = Registry("line of what waits")


# ------------------------------------------------------------------ who wants it
def of(user: Any) -> MorningSummary | None:
    return MorningSummary.objects.filter(user_id=user.pk).first()


def choose(user: Any, hour: int, language: str) -> MorningSummary:
    """Send it from this hour on, in this language. Raises NoAddress."""
    if not addresses.accept(Channel.EMAIL, user.email or "").is_valid:
        raise NoAddress(
            _("Your user has no email address. Ask an administrator to add one.")
        )
    # Whoever chooses it after that hour gets the first one tomorrow.
    now = timezone.localtime()
    last = now.date() if now.hour >= hour else None
    row, _made = MorningSummary.objects.update_or_create(
        user_id=user.pk,
        defaults={"hour": hour, "language": language},
        create_defaults={"hour": hour, "language": language, "last_day": last},
    )
    return row


def switch_off(user: Any) -> bool:
    """No more of it; returns whether it was on."""
    return bool(MorningSummary.objects.filter(user_id=user.pk).delete()[0])


# ------------------------------------------------------------------ sending
def send_due(now: datetime | None = None) -> int:
    """Put the mails of this hour into the outbox; returns how many."""
    local = timezone.localtime(now)
    today = local.date()
    unsent = Q(last_day=None) | Q(last_day__lt=today)
    due = MorningSummary.objects.filter(unsent, hour__lte=local.hour)
    sent = 0
    for pk in due.order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            # Of two clocks only one changes the row.
            mine = MorningSummary.objects.filter(unsent, pk=pk)
            if mine.update(last_day=today):
                sent += _put(pk, today)
    return sent


def _put(user_id: int, today: date) -> int:
    """To a user who is still an operator and has an address."""
    user = get_user_model()._default_manager.filter(pk=user_id, is_active=True).first()
    given = addresses.accept(Channel.EMAIL, getattr(user, "email", "") or "")
    if user is None or not getattr(user, "is_staff", False) or not given.is_valid:
        return 0
    outbox.put(
        OutboxMail.Kind.SUMMARY,
        given,
        language=MorningSummary.objects.get(pk=user_id).language,
        context={"user": user_id, "day": today.isoformat()},
        network="",
    )
    return 1


@outbox.composes(OutboxMail.Kind.SUMMARY)
def write(mail: OutboxMail) -> Words | Result:
    """In the worker: nothing, where it was switched off meanwhile."""
    if not MorningSummary.objects.filter(user_id=mail.context["user"]).exists():
        return Result.OUTDATED
    day = date.fromisoformat(mail.context["day"]) - timedelta(days=1)
    with translation.override(mail.language):
        return Words(
            _("{site}: what happened on {day}").format(
                site=outbox.site_name(), day=date_format(day, "DATE_FORMAT")
            ),
            text_of(Period.day(day)),
            mail.language,
        )


def text_of(period: Period) -> str:
    """The mail as Markdown, in the language that is active."""
    was = [line for make in happened.values() if (line := make(period))]
    open_ = [line for make in waits.values() if (line := make(period))]
    parts = [
        _("What happened"),
        _list(was) or _("Nothing to tell."),
        _("What waits for somebody"),
        _list(open_) or _("Nothing waits."),
        _("In the console you see more, and switch this mail off:"),
        f"<{settings.BASE_URL}{reverse('admin:audiences_profile_activity')}>",
    ]
    return "\n\n".join(parts) + "\n"


def _list(lines: list[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def counted(text: str, count: int) -> str:
    """A line for a count; none for nothing."""
    return text.format(count=count) if count else ""


# ------------------------------------------------------------------ our own lines
def _consent(period: Period, kind: str) -> int:
    return ConsentEvent.objects.filter(period.q(), kind=kind).count()


happened.add(
    "opt_outs",
    lambda period: _("Opt-outs: {count}").format(count=_consent(period, Kind.OPT_OUT)),
)
happened.add(
    "opt_ins",
    lambda period: counted(_("Opt-ins: {count}"), _consent(period, Kind.OPT_IN)),
)
waits.add(
    "privacy_requests",
    lambda period: counted(
        _("Privacy requests to answer: {count}"),
        PrivacyRequest.objects.filter(state=PrivacyRequest.State.OPEN).count(),
    ),
)
waits.add(
    "erasures",
    lambda period: counted(
        _("Erasures that wait for a second person: {count}"),
        ErasureRun.objects.filter(state=ErasureRun.State.ASKED).count(),
    ),
)
