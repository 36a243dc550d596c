"""The organisation in the console: one page, without a list."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from audiences import organisation
from audiences.console.pages import PlainAdmin
from audiences.models import Organisation


@admin.register(Organisation)
class OrganisationAdmin(PlainAdmin):
    """What mails and pages say of who sends them; administrators write it."""

    fields = ("name", "postal_address", "privacy_url", "contact")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, str] | None = None
    ) -> HttpResponse:
        """There is one, so its page is the list."""
        return self.change_view(request, str(Organisation.THE_ONE))

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Any:
        """The row, or an empty one before anybody wrote it."""
        if object_id != str(Organisation.THE_ONE):
            return None
        return organisation.organisation()

    def save_model(
        self, request: HttpRequest, obj: Organisation, form: Any, change: bool
    ) -> None:
        organisation.change(**{name: form.cleaned_data[name] for name in self.fields})

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        return self.say_done(request, obj, str(obj))
