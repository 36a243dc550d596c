"""Addresses of the site: the operators' admin and the public pages."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from audiences.api.site import elsewhere as no_such_call
from audiences.pages import errors

admin.autodiscover()
urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("delivery.api.urls")),
    re_path(r"^api(?:/|$)", no_such_call),
    path("help/", RedirectView.as_view(pattern_name="admin:help")),
    path("help/<path:name>/", RedirectView.as_view(pattern_name="admin:help_document")),
    path("hooks/", include("delivery.hooks.urls")),
    path("", include("delivery.mirror.urls")),
    path("", include("audiences.urls")),
]

if settings.DEBUG:
    # A visitor who mistypes sees our page here too, and not Django's list of addresses.
    # The console and what programs call keep that; errors of ours keep their traceback.
    urlpatterns.append(re_path(r"^(?!admin|api/|help|hooks/).", errors.elsewhere))

# What is asked for by mistake below no app says who sends, as every public page does.
handler404 = "audiences.pages.errors.not_found"
handler500 = "audiences.pages.errors.failed"
