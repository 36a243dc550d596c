"""What all webhooks have in common: who may call, how much, and the answers.

- There is no webhook without a secret: the address is not found.
- Only POST does anything, without cookies or CSRF tokens: the signature replaces both.
- A call that is not believed is refused with 403 and only counted.
- If the database is down nothing is lost: the answer is 503, and the provider retries.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.request import UnreadablePostError
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from audiences.background import jobs
from delivery.feedback.intake import Findings
from delivery.feedback.intake.processing import Reader
from delivery.models import HookCount, InboundItem

Outcome = HookCount.Outcome
State = InboundItem.State
APPLY = "delivery.tasks.apply_inbound"
# A call that waits for longer has lost its worker: the sweep finds it.
WOKEN_FOR = timedelta(seconds=30)
# No text message or report is larger; a mail may be (Django's own limit).
LARGEST_SMS = 100_000
LARGEST_MAIL = 2_500_000


class HookRefused(Exception):
    """The call is not believed; it is only counted."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.label)
        self.outcome = outcome


@dataclass(frozen=True)
class HookCall:
    """A call of a provider, not verified yet."""

    request: HttpRequest
    provider: str
    body: bytes

    def header(self, name: str) -> str:
        """A header, or an empty text if it is missing."""
        return self.request.headers.get(name, "")


View = Callable[..., HttpResponse]


def hook(
    provider: str, *, secrets: str, largest: int = LARGEST_SMS
) -> Callable[[Callable[[HookCall], HttpResponse]], View]:
    """Turn a function that verifies and takes in a call into a view.

    `secrets` is the setting with the provider's secrets. The function
    raises HookRefused for a call that it does not believe.
    """

    def decorate(take: Callable[[HookCall], HttpResponse]) -> View:
        @csrf_exempt
        @functools.wraps(take)
        def view(request: HttpRequest) -> HttpResponse:
            if not getattr(settings, secrets):
                raise Http404
            if request.method != "POST":
                return HttpResponseNotAllowed(["POST"])
            return _answer(request, provider, take, largest)

        return view

    return decorate


def _answer(
    request: HttpRequest,
    provider: str,
    take: Callable[[HookCall], HttpResponse],
    largest: int,
) -> HttpResponse:
    try:
        try:
            _bounded(request, largest)
            body = request.body  # before anybody reads the fields of a form
            response = take(HookCall(request, provider, body))
        except HookRefused as refused:
            count(provider, refused.outcome)
            too_large = refused.outcome == Outcome.TOO_LARGE
            response = HttpResponse(status=413 if too_large else 403)
    except UnreadablePostError:
        response = HttpResponse(status=400)  # the caller hung up
    except (OperationalError, InterfaceError, OSError):
        # The database is down, or what we must fetch to verify the call.
        response = HttpResponse(status=503)
        response["Retry-After"] = "60"
    response["Cache-Control"] = "no-store"
    return response


def _bounded(request: HttpRequest, largest: int) -> None:
    length = str(request.META.get("CONTENT_LENGTH") or "0")
    if not length.isdecimal() or int(length) > largest:
        raise HookRefused(Outcome.TOO_LARGE)


def count(provider: str, outcome: Outcome) -> None:
    """Add one to the day's counter of a provider and an outcome."""
    row = HookCount(day=timezone.now().date(), provider=provider, outcome=outcome)
    rows = HookCount.objects.filter(day=row.day, provider=provider, outcome=outcome)
    if not rows.update(count=F("count") + 1):
        HookCount.objects.bulk_create([row], ignore_conflicts=True)
        rows.update(count=F("count") + 1)


def take_over(item: InboundItem, is_new: bool) -> None:
    """Leave a verified call, which is stored, to a worker; count it.

    The queue only wakes: where other calls wait already, a worker is on its way. The
    sweep of each minute finds what a lost message leaves behind.
    """
    count(item.source, Outcome.ACCEPTED if is_new else Outcome.REPEATED)
    if item.state != State.NEW:
        return
    lately = timezone.now() - WOKEN_FOR
    others = InboundItem.objects.filter(state=State.NEW, received_at__gte=lately)
    if not others.exclude(pk=item.pk).exists():
        jobs.wake(APPLY)


def counting(reader: Reader) -> Reader:
    """A reader that counts the calls which it cannot read, once."""

    def read(item: InboundItem) -> Findings:
        try:
            findings = reader(item)
        except Exception:
            _count_unreadable(item)
            raise
        if not findings.events and findings.otherwise == State.UNREADABLE:
            _count_unreadable(item)
        return findings

    return read


def _count_unreadable(item: InboundItem) -> None:
    if item.state == State.NEW:
        count(item.source, Outcome.UNREADABLE)
