"""The admin site that is the console: one name, one menu, one home page."""

from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from . import navigation


class Console(AdminSite):
    site_header = site_title = "Campaign"
    index_title = _("Home")
    site_url = None
    index_template = "admin/console/home.html"

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        menu = navigation.menu(request) if self.has_permission(request) else []
        return super().each_context(request) | {"menu": menu}
