"""The sentence after a change of one person's consent, with *Undo*; and undoing it."""

import json

from django.contrib import messages
from django.contrib.admin.models import LogEntry
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _, gettext_lazy

from audiences.console.pages import Answer, PlainAdmin, page
from audiences.masking import masked_text
from audiences.models import ConsentEvent, Profile
from audiences.refusals import Refused
from audiences.selections import undoing

from .history import subject

# How the log of the console marks a change of consent, which the history has too.
CONSENT = "change of consent"
MARK = f'[{{"added": {{"name": "{CONSENT}"'


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
    text = _DONE[event.kind].format(who=profile, about=subject(event))
    log(own, request, profile, text)
    if may_undo(request, event):
        url = reverse("admin:audiences_profile_undo", args=[profile.pk])
        messages.success(request, with_undo(request, text, url, event.pk))
    else:
        messages.success(request, text)
    if warning:
        messages.warning(request, warning)
    return own.go_back(profile)


def log(own: PlainAdmin, request: HttpRequest, profile: Profile, text: str) -> None:
    """Keep it in the console's log, marked as a change of consent."""
    said = {"name": CONSENT, "object": masked_text(text)}
    own.log_change(request, profile, [{"added": said}])


def sentence_of(row: LogEntry) -> str:
    """What the log kept of a change of consent; empty for anything else."""
    if not row.change_message.startswith(MARK):
        return ""
    return str(json.loads(row.change_message)[0]["added"]["object"])


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
    "opt_out": gettext_lazy("{who} is opted out of {about}."),
    "opt_in": gettext_lazy("{who} is opted in to {about}."),
    "subscribe": gettext_lazy("{who} is subscribed to “{about}”."),
    "unsubscribe": gettext_lazy("{who} is unsubscribed from “{about}”."),
}
_UNDONE = {
    "opt_out": gettext_lazy("Undone: {who} is no longer opted out of {about}."),
    "opt_in": gettext_lazy("Undone: {who} is opted out of {about} again."),
    "subscribe": gettext_lazy("Undone: {who} is not subscribed to “{about}”."),
    "unsubscribe": gettext_lazy("Undone: {who} is subscribed to “{about}” again."),
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
    text = _UNDONE[event.kind].format(who=profile, about=subject(event))
    log(own, request, profile, text)
    messages.success(request, text)
    return own.go_back(profile)
