"""Operators in the admin: Django's users, whose power nobody raises above their own."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _, gettext_noop

from audiences.api_keys import accounts
from audiences.console import sign_in
from audiences.console.pages import Answer, Facts, PlainAdmin, page
from audiences.refusals import Sentence

admin.site.unregister(User)


@admin.register(User)
class OperatorAdmin(PlainAdmin, UserAdmin[User]):
    """Only a superuser makes or changes one, or gives permissions one by one."""

    change_form_template = "admin/auth/user/change_form.html"

    list_display = ("username", "first_name", "last_name", "roles", "is_active")
    list_filter = ("is_active", "groups", "is_superuser")
    filter_horizontal = ("user_permissions",)

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = super().get_queryset(request).exclude(pk__in=accounts.every())
        return rows.prefetch_related("groups")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        facts = ("last_login", "date_joined") if obj else ()
        given = (*super().get_readonly_fields(request, obj), *facts)
        if request.user.is_superuser:
            return given
        return (*given, "is_superuser", "user_permissions")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Whoever may not change the user is not offered to reset the password."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or self.has_change_permission(request, obj):
            return fieldsets
        return [
            (name, facts | {"fields": [f for f in facts["fields"] if f != "password"]})
            for name, facts in fieldsets
        ]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may = super().has_change_permission(request, obj)
        return may and _is_within_reach(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may = super().has_delete_permission(request, obj)
        return may and _is_within_reach(request, obj)

    def user_change_password(
        self, request: HttpRequest, id: str, form_url: str = ""
    ) -> HttpResponse:
        """A password that somebody else gives signs its user out everywhere."""
        answer: HttpResponse = super().user_change_password(request, id, form_url)
        is_done = request.method == "POST" and answer.status_code == 302
        if is_done and str(request.user.pk) != str(id):
            sign_in.end_all(id)
        return answer

    def beside(self, request: HttpRequest, row: Any) -> Facts:
        has_one = sign_in.has_one(row)
        return {
            "has_factor": has_one,
            "may_reset": has_one and _may_reset(request, row),
        }

    def formfield_for_manytomany(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> Any:
        """The few roles as boxes to tick."""
        if db_field.name == "groups":
            kwargs["widget"] = forms.CheckboxSelectMultiple
            kwargs["help_text"] = ""
            return db_field.formfield(**kwargs)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def formfield_for_dbfield(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field and db_field.name == "groups":
            field.widget.can_add_related = False
        return field

    @admin.display(description=_("roles"))
    def roles(self, user: Any) -> str:
        if user.is_superuser:
            return str(_("everything"))
        return ", ".join(sorted(group.name for group in user.groups.all()))


def _may_reset(request: HttpRequest, user: Any) -> bool:
    """Administrators, of others: whoever has one of their own has a page for it."""
    may = request.user.has_perm("auth.change_user")
    return may and user.pk != request.user.pk and _is_within_reach(request, user)


@page(User, "reset_factor", "change", method="POST")
def reset_factor(own: PlainAdmin, request: HttpRequest, user: User) -> Answer:
    """Take away the second factor of somebody who lost it, and end their sessions."""
    if not _may_reset(request, user):
        raise PermissionDenied
    sign_in.reset(user)
    sign_in.end_all(user)
    said = Sentence(
        gettext_noop(
            "The second factor was reset, and all sessions of this user ended."
        )
    )
    return own.say_done(request, user, said)


def _is_within_reach(request: HttpRequest, user: Any) -> bool:
    return bool(request.user.is_superuser or not (user and user.is_superuser))


# Words of django-axes, the log of sign-ins, which brings no Dutch of its own. They
# stand here so that they are collected; nothing reads them.
WORDS = (
    gettext_noop("access failure"),
    gettext_noop("access failures"),
    gettext_noop("access attempt"),
    gettext_noop("access attempts"),
    gettext_noop("access log"),
    gettext_noop("access logs"),
    gettext_noop("Access lock out"),
    gettext_noop("Attempt Remaining"),
    gettext_noop("Attempt Time"),
    gettext_noop("Clean up expired attempts"),
    gettext_noop("Expires At"),
    gettext_noop("Failed Logins"),
    gettext_noop("Form Data"),
    gettext_noop("GET Data"),
    gettext_noop("HTTP Accept"),
    gettext_noop("IP Address"),
    gettext_noop("Locked Out"),
    gettext_noop("Logout Time"),
    gettext_noop("Meta Data"),
    gettext_noop("Not set"),
    gettext_noop("Path"),
    gettext_noop("POST Data"),
    gettext_noop("Session key hash (sha256)"),
    gettext_noop("User Agent"),
    gettext_noop("Username"),
)
