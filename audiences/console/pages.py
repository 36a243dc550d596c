"""The console's own pages beside Django's lists and forms: one way to make them.

A page is a function of its admin, the request and the row that its address names. It
answers the facts for its template, or a response of its own. The decorator says where
it is and who may open it, so no page can forget to ask.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, ClassVar

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import DateField, DateTimeField, Model
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from audiences.records import console_log
from audiences.refusals import Sentence
from audiences.registry import Registry
from audiences.suppression.restriction import Restricted

from .exact import Exact
from .moments import DayInput, MomentField, MomentInput

Facts = dict[str, Any]
Answer = Facts | HttpResponseBase
View = Callable[..., Answer]
# What an admin asks about a row; its other permissions are about the whole table.
OF_A_ROW = ("view", "change", "delete")

# Labels and addresses.
Links = Sequence[tuple[str, str]]
# What was pressed on a form instead of plain *Save*.
_OTHER_WAYS = {"_addanother", "_continue", "_popup"}


@dataclass(frozen=True)
class Page:
    """A page of a model's admin.

    `needed` names permissions, all of which are needed: `view`, `add` and the like as
    the admin answers them, others by their code. Who lacks a permission by its code is
    refused before the row is looked for.
    """

    name: str
    model: type[Model]
    route: str
    needed: Sequence[str]
    method: str
    title: str | Promise
    template: str
    view: View

    def url(self, own: "PlainAdmin") -> URLPattern:
        """Where the page is; only operators get past `admin_view`."""

        @wraps(self.view)
        def view(request: HttpRequest, **where: Any) -> HttpResponseBase:
            return self.answer(own, request, **where)

        checked = require_http_methods([self.method])(view) if self.method else view
        return path(self.route, own.admin_site.admin_view(checked), name=self.name)

    def answer(
        self, own: "PlainAdmin", request: HttpRequest, **where: Any
    ) -> HttpResponseBase:
        if not request.user.has_perms([code for code in self.needed if "." in code]):
            raise PermissionDenied
        rows = [own.row_of_page(where.pop("pk"))] if "pk" in where else []
        for verb in self.needed:
            if "." not in verb and not own.allows(verb, request, *rows):
                raise PermissionDenied
        try:
            answer = self.view(own, request, *rows, **where)
        except Restricted as refusal:
            # Said by whichever writer the page called; the row is the person's.
            messages.error(request, str(refusal))
            return own.go_back(rows[0])
        if isinstance(answer, HttpResponseBase):
            return answer
        facts = {"title": self.title, "row": rows[0] if rows else None, **answer}
        return own.respond(request, self.template, **facts)


_pages: Registry[str, Page] = Registry("page of the console")


def page(
    model: type[Model],
    name: str,
    *needed: str,
    route: str = "",
    method: str = "",
    title: str | Promise = "",
    template: str = "",
) -> Callable[[View], View]:
    """Make a function a page of the model's admin; an app may add to another's.

    Its URL and its template are named after the model and the page, which is about a
    row, unless the route or the template is given. It answers to `method` alone if that
    is given.
    """
    app, row = model._meta.app_label, model._meta.model_name
    label = f"{app}_{row}_{name}"
    route = route or f"<int:pk>/{name.replace('_', '-')}/"
    template = template or f"admin/{app}/{row}/{name}.html"

    def keep(view: View) -> View:
        own = Page(label, model, route, needed, method, title, template, view)
        _pages.add(label, own)
        return view

    return keep


class PlainAdmin(Exact):
    """An admin of ours: its own pages have addresses, its forms have facts beside."""

    formfield_overrides: ClassVar[Any] = {
        DateTimeField: {"form_class": MomentField, "widget": MomentInput},
        DateField: {"widget": DayInput},
    }
    # What the pages of a row read together with it.
    page_related: Sequence[str] = ()

    def get_urls(self) -> list[URLPattern]:
        own = [page.url(self) for page in _pages.values() if page.model is self.model]
        return own + super().get_urls()

    def row_of_page(self, pk: int) -> Any:
        rows = self.model._default_manager.all()
        if self.page_related:
            rows = rows.select_related(*self.page_related)
        return get_object_or_404(rows, pk=pk)

    def allows(self, verb: str, request: HttpRequest, *row: Any) -> bool:
        """Whether the operator may `view`, `add` … as Django names it."""
        may = getattr(self, f"has_{verb}_permission")
        return bool(may(request, *row) if verb in OF_A_ROW else may(request))

    def may_save(self, request: HttpRequest, row: Any) -> bool:
        """Whether the operator may save the form: of the row, or of a new one."""
        if row is None:
            return self.has_add_permission(request)
        return self.has_change_permission(request, row)

    def respond(
        self, request: HttpRequest, template: str, **facts: Any
    ) -> TemplateResponse:
        """A page in the console's frame."""
        frame = {"opts": self.opts, "media": self.media}
        context = self.admin_site.each_context(request) | frame | facts
        return TemplateResponse(request, template, context)

    def go_back(self, row: Model) -> HttpResponse:
        """To the form of the row."""
        return redirect(
            f"admin:{self.opts.app_label}_{self.opts.model_name}_change", row.pk
        )

    def say_done(
        self,
        request: HttpRequest,
        row: Model,
        said: Sentence,
        warning: str = "",
        *,
        kept: Sentence | None = None,
    ) -> HttpResponse:
        """Say what was done, keep it in the row's log, and go back to the row.

        `kept` is said there instead, where the log must not know all of it.
        """
        self.log_change(request, row, console_log.to_keep(kept or said))
        messages.success(request, str(said))
        if warning:
            messages.warning(request, warning)
        return self.go_back(row)

    def next_steps(self, request: HttpRequest, row: Any) -> Links | None:
        """Where this operator goes on with a row that they have just made.

        None: nothing is done with it on its own page, and the list is shown.
        """
        return None

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Open what was made, where one goes on, and say what comes next."""
        links = self.next_steps(request, obj)
        if links is None or not _OTHER_WAYS.isdisjoint(request.POST):
            return super().response_add(request, obj, post_url_continue)
        made = _("“{name}” was made.").format(name=obj)
        if links:
            joined = format_html_join(
                " · ", '<a href="{}">{}</a>', ((url, label) for label, url in links)
            )
            made = format_html("{} {} {}", made, _("What comes next:"), joined)
        messages.success(request, made)
        return self.go_back(obj)

    def refusal_to_change(self, request: HttpRequest, row: Any) -> str:
        """Why this operator may not change or delete this row, whatever their role."""
        return ""

    def _refused(self, request: HttpRequest, row: Any) -> str:
        """The refusal, asked once for each row of a request."""
        if row is None or row.pk is None:
            return ""
        kept: dict[Any, str] = request.__dict__.setdefault("refusals", {})
        key = (self.model, row.pk)
        if key not in kept:
            kept[key] = self.refusal_to_change(request, row)
        return kept[key]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may = super().has_change_permission(request, obj)
        return may and not self._refused(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may = super().has_delete_permission(request, obj)
        return may and not self._refused(request, obj)

    def beside(self, request: HttpRequest, row: Any) -> Facts:
        """What the page of a row shows beside its form."""
        return {}

    def render_change_form(
        self, request: HttpRequest, context: Facts, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if row := kwargs.get("obj"):
            context |= {"refusal": self._refused(request, row)}
            context |= self.beside(request, row)
        return super().render_change_form(request, context, *args, **kwargs)
