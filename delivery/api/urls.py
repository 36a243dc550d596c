"""Addresses of the API, and of the page that describes it."""

from django.urls import path, re_path
from django.views.decorators.csrf import csrf_exempt

from audiences.api import methods, resources as people
from audiences.api.description import page
from audiences.api.site import api, elsewhere
from delivery.api import resources

__all__ = ["people", "resources"]
urlpatterns = [
    path("docs", methods.any_method(csrf_exempt(page.page)), name="api_docs"),
    path("", methods.answered(api.urls)),
    re_path("", elsewhere),
]
