"""Its address, among those of the public pages. Messages carry it: it never changes."""

from django.urls import re_path

from . import views

urlpatterns = [
    # Some mail clients drop the slash at the end.
    re_path(
        r"^u/view/(?P<token>[^/]+)/$", views.view_in_browser, name="view_in_browser"
    ),
    re_path(r"^u/view/(?P<token>[^/]+)$", views.view_in_browser),
]
