"""Addresses of the API, and of the page that describes it."""

from django.urls import path, re_path

from audiences.api import docs, methods, resources as people
from audiences.api.site import api, elsewhere
from delivery.api import resources

__all__ = ["people", "resources"]
urlpatterns = [
    path("docs", docs.page, name="api_docs"),
    path("", methods.answered(api.urls)),
    re_path("", elsewhere),
]
