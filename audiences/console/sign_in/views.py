"""The two pages of signing in: name and password, then a code."""

from typing import Any

from django import forms
from django.contrib import admin, auth
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.signals import user_login_failed
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _, gettext_lazy, ngettext
from django.views.decorators.cache import never_cache

from . import limits, second_factor
from .sessions import State, state_of

# A password that was right waits this long for its code.
SECONDS = 600
_WAITING = "waits_for_code"


class CodeForm(forms.Form):
    code = forms.CharField(
        label=gettext_lazy("Code"),
        max_length=40,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "autofocus": True,
                "autocapitalize": "none",
                "spellcheck": "false",
            }
        ),
    )


class SignInView(LoginView):
    """Name and password. It leads home, whatever the address says to go on to."""

    template_name = "admin/login.html"
    authentication_form = AdminAuthenticationForm

    def get_redirect_url(self, request: HttpRequest | None = None) -> str:
        return ""

    def form_valid(self, form: Any) -> HttpResponse:
        user = form.get_user()
        limits.was_right(self.request)
        if not second_factor.has_one(user):
            return _signed_in(self.request, user)
        # Nobody is signed in yet; only this session may go on.
        self.request.session.cycle_key()
        self.request.session[_WAITING] = {
            "user": user.pk,
            "backend": user.backend,
            "hash": user.get_session_auth_hash(),
            "at": timezone.now().timestamp(),
        }
        return redirect("admin:sign_in_code")


def _signed_in(request: HttpRequest, user: Any) -> HttpResponse:
    auth.login(request, user)
    answer = redirect("admin:index")
    limits.remember_browser(request, answer, user.get_username())
    return answer


@never_cache
def sign_in(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """The sign-in page; whoever is in goes home, or where they must go first."""
    if request.method == "GET":
        state = state_of(request)
        if state is State.MUST_ENROL:
            return redirect("admin:second_factor")
        if state is State.IN:
            return redirect("admin:index")
    facts = {**context, "title": _("Log in"), "subtitle": None, "app_path": ""}
    view = SignInView.as_view(extra_context=facts)
    return view(request)  # type: ignore[return-value]


@never_cache
def ask_code(request: HttpRequest) -> HttpResponse:
    """The code of the app, or a recovery code, of whoever gave the right password."""
    user = _waiting_user(request)
    if user is None:
        request.session.pop(_WAITING, None)
        return redirect("admin:login")
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        bucket, who = limits.code_bucket(), str(user.pk)
        if not bucket.spend(who):
            return refused(request, bucket.wait(who))
        device = second_factor.proved(user, form.cleaned_data["code"])
        if device is not None:
            bucket.forget(who)
            request.session.pop(_WAITING, None)
            user.otp_device = device  # django-otp keeps it in the session
            return _signed_in(request, user)
        credentials = {"username": user.get_username()}
        user_login_failed.send(__name__, credentials=credentials, request=request)
        form.add_error("code", wrong_code())
    return _code_page(request, form)


def wrong_code() -> str:
    return _(
        "This code is wrong, or it was used already. Wait for the next one; after "
        "several wrong codes that takes a little longer each time."
    )


def _waiting_user(request: HttpRequest) -> Any:
    """Who gave the right password in this session a moment ago, and still may."""
    waiting = request.session.get(_WAITING)
    if not waiting or timezone.now().timestamp() - waiting["at"] > SECONDS:
        return None
    users = auth.get_user_model()._default_manager.filter(
        pk=waiting["user"], is_active=True, is_staff=True
    )
    user: Any = users.first()
    if user is None or not constant_time_compare(
        user.get_session_auth_hash(), waiting["hash"]
    ):
        return None
    user.backend = waiting["backend"]
    return user


def _code_page(request: HttpRequest, form: CodeForm) -> HttpResponse:
    facts = {**admin.site.each_context(request), "form": form, "title": _("Code")}
    return TemplateResponse(request, "admin/console/code.html", facts)


# ------------------------------------------------------------------ refusals
def refuse(
    request: HttpRequest, original: Any = None, credentials: Any = None
) -> HttpResponse:
    """What django-axes answers instead of the page."""
    return refused(request, limits.seconds_to_wait(request))


def refused(request: HttpRequest, seconds: int) -> HttpResponse:
    """The sign-in page with the reason, and how long to wait; status 429."""
    minutes = max(1, round(seconds / 60))
    text = ngettext(
        "Too many attempts to sign in with this name or from this network. Wait "
        "{count} minute, or ask an administrator to lift the pause.",
        "Too many attempts to sign in with this name or from this network. Wait "
        "{count} minutes, or ask an administrator to lift the pause.",
        minutes,
    )
    context = admin.site.each_context(request) | {
        "form": AdminAuthenticationForm(request),
        "refusal": text.format(count=minutes),
        "title": _("Log in"),
        "app_path": "",
    }
    response = TemplateResponse(request, "admin/login.html", context, status=429)
    response["Retry-After"] = str(max(1, seconds))
    return response.render()
