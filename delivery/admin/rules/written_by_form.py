"""An admin whose form writes through the domain, and may be tried on a delivery."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext

from audiences import sql
from audiences.console.pages import Facts, PlainAdmin
from audiences.refusals import Refused
from delivery import approvals
from delivery.models import Delivery

SECONDS = 4.0


class WrittenByForm(PlainAdmin):
    """An admin whose form writes through the domain; a refusal is shown in the form."""

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except Refused as refused:
            self.message_user(request, str(refused), messages.ERROR)
            return redirect(request.get_full_path())

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        using = self.using(form)
        if refusal := approvals.refusal_of(request.user, using):
            raise Refused(refusal)
        row = form.write()
        approvals.written(using, user=request.user)
        return row

    def using(self, form: Any) -> list[Delivery]:
        """The deliveries to opted-out people whose rules the form changes."""
        raise NotImplementedError

    def save_model(
        self, request: HttpRequest, obj: Any, form: Any, change: bool
    ) -> None:
        """The form has written it through its writer."""

    def save_related(
        self, request: HttpRequest, form: Any, formsets: Any, change: bool
    ) -> None:
        """What belongs to it was written with it."""

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        form = context["adminform"].form
        context["may_try"] = self.may_try(request, kwargs.get("obj"))
        if context["may_try"] and hasattr(form, "trial_deliveries"):
            context["trial_deliveries"] = form.trial_deliveries
            if form.wants_trial:
                context["trial_delivery"] = form.trial_delivery
                context["trial"] = self._trial(form)
        return super().render_change_form(request, context, *args, **kwargs)

    def may_try(self, request: HttpRequest, obj: Any) -> bool:
        """Trying posts the form, which only those may do who may save it."""
        may_see = request.user.has_perm("delivery.view_delivery")
        return self.may_save(request, obj) and bool(may_see)

    def _trial(self, form: Any) -> Facts:
        delivery = form.trial_delivery
        if delivery is None:
            return {"problem": gettext("Choose a delivery.")}
        try:
            with sql.time_limit(SECONDS):
                return {"lines": self.tried(form, delivery)}
        except sql.TooSlow:
            return {
                "problem": gettext(
                    "There are too many people to try it while you wait. Save it, "
                    "and prepare the delivery: that sends nothing."
                )
            }
        except Refused as refused:
            return {"problem": str(refused)}

    def tried(self, form: Any, delivery: Delivery) -> list[str]:
        raise NotImplementedError
