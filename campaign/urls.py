"""Addresses of the site: the operators' admin and the public pages."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("delivery.api.urls")),
    path("help/", RedirectView.as_view(pattern_name="admin:help")),
    path("help/<path:name>/", RedirectView.as_view(pattern_name="admin:help_document")),
    path("hooks/", include("delivery.hooks.urls")),
    path("", include("delivery.mirror.urls")),
    path("", include("audiences.urls")),
]

# What is asked for by mistake below no app says who sends, as every public page does.
handler404 = "audiences.pages.errors.not_found"
handler500 = "audiences.pages.errors.failed"
