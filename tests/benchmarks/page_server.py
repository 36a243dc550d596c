"""The site as production serves it, and one view beside it to compare its pages with.

Only the benchmark serves this module: the project's own addresses have no such view.
"""

from django.conf import settings
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from campaign.wsgi import application  # first: it sets Django up

from campaign.urls import urlpatterns as pages  # isort: skip

__all__ = ["application", "urlpatterns"]


@csrf_exempt
def floor(request: HttpRequest) -> HttpResponse:
    """One INSERT in a transaction, and nothing else."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("INSERT INTO bench_floor (at) VALUES (%s)", [request.POST["at"]])
    return HttpResponse("done")


urlpatterns = [path("bench/floor/", floor), *pages]
settings.ROOT_URLCONF = __name__
