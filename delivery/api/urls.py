"""Addresses of the API, and of the page that describes it."""

from django.urls import path

from audiences.api import resources as people
from audiences.api.site import api
from delivery.api import resources

__all__ = ["people", "resources"]
urlpatterns = [path("", api.urls)]
