"""Your sign-in: one's own second factor, and where one is signed in."""

from base64 import b32encode
from collections.abc import Callable
from functools import wraps
from typing import Any

import segno
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _, gettext_noop, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from audiences.models import SignIn

from . import limits, second_factor, sessions
from .sessions import State, state_of
from .views import CodeForm, ask_code, refused, wrong_code

View = Callable[[HttpRequest], HttpResponse]


def urls(site: Any) -> list[URLPattern]:
    """Addresses below `/admin/`; those of setting up are open before one is in."""
    return [
        path("login/code/", ask_code, name="sign_in_code"),
        # Open to all: whoever may open nothing yet must be able to leave.
        path("logout/", site.logout, name="logout"),
        path("your-sign-in/", site.admin_view(overview), name="your_sign_in"),
        path("your-sign-in/end/", site.admin_view(end), name="end_sign_in"),
        path("your-sign-in/codes/", site.admin_view(renew), name="recovery_codes"),
        path("your-sign-in/turn-off/", site.admin_view(turn_off), name="turn_off"),
        path("your-sign-in/begin/", _for_enrolling(begin), name="begin_second_factor"),
        path("your-sign-in/set-up/", _for_enrolling(set_up), name="second_factor"),
    ]


def _for_enrolling(view: View) -> View:
    """Pages for those too who may open nothing else until they have a second factor."""

    @never_cache
    @wraps(view)
    def checked(request: HttpRequest) -> HttpResponse:
        if state_of(request) is State.OUT:
            return redirect("admin:login")
        return view(request)

    return checked


def _page(
    request: HttpRequest, template: str, title: str, **facts: Any
) -> HttpResponse:
    context = admin.site.each_context(request) | {"title": title} | facts
    return TemplateResponse(request, f"admin/console/{template}.html", context)


# ------------------------------------------------------------------ where one is in
@require_GET
@never_cache
def overview(request: HttpRequest) -> HttpResponse:
    user = request.user
    here = sessions.this(request).values_list("pk", flat=True).first()
    return _page(
        request,
        "your_sign_in",
        _("Your sign-in"),
        has_one=second_factor.has_one(user),
        is_needed=second_factor.is_needed_by(user),
        codes_left=second_factor.recovery_codes_left(user),
        form=CodeForm(),
        rows=list(sessions.of_user(user)),
        here=here,
    )


@require_POST
def end(request: HttpRequest) -> HttpResponse:
    """End one session of one's own by its number, or all but this one."""
    chosen = request.POST.get("session", "")
    if chosen.isascii() and chosen.isdecimal():
        rows = SignIn.objects.filter(user_id=request.user.pk or 0, pk=int(chosen[:18]))
        count = rows.delete()[0]
    else:
        count = sessions.end_others(request)
    text = ngettext("{count} session was ended.", "{count} sessions were ended.", count)
    messages.success(request, text.format(count=count))
    return redirect("admin:your_sign_in")


# ------------------------------------------------------------------ the second factor
@require_POST
def begin(request: HttpRequest) -> HttpResponse:
    """Make a key, which the next page shows; nothing depends on it yet."""
    if not second_factor.has_one(request.user):
        second_factor.begin(request.user)
    return redirect("admin:second_factor")


def set_up(request: HttpRequest) -> HttpResponse:
    """The key as a picture and to type; its first code makes it count."""
    if second_factor.has_one(request.user):
        return redirect("admin:your_sign_in")
    device = second_factor.waiting(request.user)
    form = CodeForm(request.POST or None) if device else None
    if form and request.method == "POST" and form.is_valid():
        if refusal := _no_more_codes(request):
            return refusal
        if codes := second_factor.confirm(request, form.cleaned_data["code"]):
            return _enrolled(request, codes)
        form.add_error("code", wrong_code())
    return _page(
        request,
        "second_factor",
        _("Set up a second factor"),
        form=form,
        picture=_picture(device.config_url) if device else "",
        key=_key_to_type(device.bin_key) if device else "",
        is_needed=second_factor.is_needed_by(request.user),
    )


def _enrolled(request: HttpRequest, codes: list[str]) -> HttpResponse:
    limits.code_bucket().forget(str(request.user.pk))
    _log(request, gettext_noop("Set up a second factor."))
    # Sessions that began with the password alone have proved too little.
    sessions.end_others(request)
    request.__dict__.pop("_sign_in_state", None)
    text = _("Your second factor counts from now on.")
    messages.success(request, text)
    return _shown_once(request, codes)


@require_POST
@never_cache
def renew(request: HttpRequest) -> HttpResponse:
    """New recovery codes for whoever proves the second factor once more."""
    if answer := _unless_proved(request):
        return answer
    _log(request, gettext_noop("Made new recovery codes."))
    return _shown_once(request, second_factor.renew_recovery_codes(request.user))


@require_POST
def turn_off(request: HttpRequest) -> HttpResponse:
    """Do without a second factor, where none is needed."""
    if second_factor.is_needed_by(request.user):
        messages.error(request, _("You need a second factor: it cannot be turned off."))
        return redirect("admin:your_sign_in")
    if answer := _unless_proved(request):
        return answer
    second_factor.reset(request.user)
    _log(request, gettext_noop("Turned the second factor off."))
    messages.success(request, _("You sign in without a second factor from now on."))
    return redirect("admin:your_sign_in")


def _unless_proved(request: HttpRequest) -> HttpResponse | None:
    """An answer when the posted code does not prove the second factor."""
    if refusal := _no_more_codes(request):
        return refusal
    if second_factor.proved(request.user, request.POST.get("code", "")):
        limits.code_bucket().forget(str(request.user.pk))
        return None
    messages.error(request, wrong_code())
    return redirect("admin:your_sign_in")


def _no_more_codes(request: HttpRequest) -> HttpResponse | None:
    bucket, who = limits.code_bucket(), str(request.user.pk)
    return None if bucket.spend(who) else refused(request, bucket.wait(who))


def _shown_once(request: HttpRequest, codes: list[str]) -> HttpResponse:
    return _page(request, "recovery_codes", _("Recovery codes"), codes=codes)


def _picture(text: str) -> str:
    """A QR code as an SVG within the page: nothing is asked of anybody else."""
    code = segno.make(text, micro=False)
    svg = code.svg_inline(scale=5, border=3, dark="#000", light="#fff")
    return mark_safe(svg)  # noqa: S308  (made of squares by segno)


def _key_to_type(key: bytes) -> str:
    """The key in groups of four, as apps for codes take it."""
    text = b32encode(key).decode().rstrip("=")
    return " ".join(text[i : i + 4] for i in range(0, len(text), 4))


def _log(request: HttpRequest, text: str) -> None:
    """Keep in the log of the user what they did about their second factor."""
    LogEntry.objects.create(
        user_id=request.user.pk or 0,
        content_type=ContentType.objects.get_for_model(User),
        object_id=str(request.user.pk),
        object_repr=request.user.get_username()[:200],
        action_flag=CHANGE,
        change_message=text,
    )
