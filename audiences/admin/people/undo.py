"""The sentence after a change of one person's consent, with *Undo*; and undoing it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _, gettext_noop

from audiences.channels import Scope
from audiences.console.pages import Answer, PlainAdmin, page
from audiences.models import ConsentEvent, Profile
from audiences.records import console_log
from audiences.refusals import Refused, Sentence
from audiences.selections import undoing

from .history import subject


def may_undo(request: HttpRequest, event: ConsentEvent) -> bool:
    """Whether this operator may do what an undo of the event does."""
    return request.user.has_perm(undoing.PERMISSIONS.get(event.kind, "-"))


def say(
    own: PlainAdmin,
    request: HttpRequest,
    profile: Profile,
    event: ConsentEvent,
    *,
    warning: str = "",
) -> HttpResponse:
    """The sentence about an event of this operator, with *Undo* for who may."""
    said = _sentence(_DONE, profile, event)
    log(own, request, profile, said)
    text = str(said)
    if may_undo(request, event):
        url = reverse("admin:audiences_profile_undo", args=[profile.pk])
        messages.success(request, with_undo(request, text, url, event.pk))
    else:
        messages.success(request, text)
    if warning:
        messages.warning(request, warning)
    return own.go_back(profile)


def log(
    own: PlainAdmin, request: HttpRequest, profile: Profile, said: Sentence
) -> None:
    """Keep it in the console's log, marked as a change of consent."""
    own.log_change(request, profile, console_log.to_keep(said, console_log.CONSENT))


def _sentence(
    sentences: dict[str, str], profile: Profile, event: ConsentEvent
) -> Sentence:
    about: object = subject(event)
    if event.channel:
        about = Sentence.of(Scope(event.channel).label)
    return Sentence(sentences[event.kind], {"who": str(profile), "about": about})


def with_undo(request: HttpRequest, text: str, url: str, number: int) -> str:
    """A sentence with *Undo*, which posts the number of what was done."""
    return format_html(
        '{} <form method="post" action="{}" class="undo"><input type="hidden" '
        'name="csrfmiddlewaretoken" value="{}"><button class="button small" '
        'name="event" value="{}" data-action="undo" autofocus>{}</button></form>',
        text,
        url,
        get_token(request),
        number,
        _("Undo"),
    )


_DONE = {
    "opt_out": gettext_noop("{who} is opted out of {about}."),
    "opt_in": gettext_noop("{who} is opted in to {about}."),
    "subscribe": gettext_noop("{who} is subscribed to “{about}”."),
    "unsubscribe": gettext_noop("{who} is unsubscribed from “{about}”."),
}
_UNDONE = {
    "opt_out": gettext_noop("Undone: {who} is no longer opted out of {about}."),
    "opt_in": gettext_noop("Undone: {who} is opted out of {about} again."),
    "subscribe": gettext_noop("Undone: {who} is not subscribed to “{about}”."),
    "unsubscribe": gettext_noop("Undone: {who} is subscribed to “{about}” again."),
}


@page(Profile, "undo", "view", method="POST")
def undo(own: PlainAdmin, request: HttpRequest, profile: Profile) -> Answer:
    """Take back what this operator did a moment ago; the law decides whether."""
    given = request.POST.get("event", "")
    number = int(given) if given.isascii() and given.isdigit() else 0
    found = ConsentEvent.objects.filter(profile=profile, pk=min(number, 2**63 - 1))
    event = found.first()
    if event is None or not may_undo(request, event):
        messages.error(request, _("You may not undo this."))
        return own.go_back(profile)
    try:
        event = undoing.undo(event.pk, actor=request.user.get_username())
    except Refused as refusal:
        messages.error(request, str(refusal))
        return own.go_back(profile)
    said = _sentence(_UNDONE, profile, event)
    log(own, request, profile, said)
    messages.success(request, str(said))
    return own.go_back(profile)
