"""What programs ask of a running site: /healthz, /readyz, /readyz/web, /metrics.

/healthz     the process answers: restart it if it does not.
/readyz/web  pages work: database, migrations, guards. A balancer asks this one, since
             an opt-out needs no worker.
/readyz      all of it works, also the workers: for whoever watches the site.
"""

import hmac
import ipaddress
import time
from collections.abc import Callable

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from audiences.background import presence
from audiences.consent import guards

from . import counters, gauges, machine

# Seconds for which a good answer about migrations and guards is believed.
BELIEVED = 30.0
_WELL = "ok"
_good_until: dict[str, float] = {}
# Headers that only a proxy sets: whoever comes through one is not this machine.
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via", "X-Forwarded-Host")


def answer(request: HttpRequest) -> HttpResponse | None:
    """The answer to a probe; None if the request is none."""
    found = _ANSWERS.get(request.path_info.rstrip("/") or "/")
    if found is None:
        return None
    if request.method not in ("GET", "HEAD"):
        return HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
    response = found(request)
    response["Cache-Control"] = "no-store"
    return response


def _healthz(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"status": _WELL, "version": settings.VERSION})


def _readyz(request: HttpRequest) -> HttpResponse:
    return _told(state(tuple(_PARTS)))


def _readyz_web(request: HttpRequest) -> HttpResponse:
    return _told(state(tuple(name for name in _PARTS if name != "worker")))


def _told(found: dict[str, str]) -> HttpResponse:
    is_well = set(found.values()) == {_WELL}
    facts = {
        "status": _WELL if is_well else "not ready",
        "version": settings.VERSION,
        **found,
    }
    return JsonResponse(facts, status=200 if is_well else 503)


def state(names: tuple[str, ...]) -> dict[str, str]:
    """What each part says of itself, in a word or two; the first failure ends it."""
    found = {}
    for name in names:
        try:
            found[name] = _PARTS[name]()
        except (DatabaseError, InterfaceError):
            # Its words may name users and hosts; who reads them is not known here.
            return found | {name: "the database does not answer"}
        finally:
            if connection.connection is not None and not connection.in_atomic_block:
                connection.close_if_unusable_or_obsolete()
    return found


def _database() -> str:
    connection.ensure_connection()
    return _WELL


def _migrations() -> str:
    def look() -> str:
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        return f"{len(plan)} migrations are missing" if plan else _WELL

    return _believed("migrations", look)


def _guards() -> str:
    return _believed(
        "guards",
        lambda: (
            f"{len(found)} guards are missing" if (found := guards.missing()) else _WELL
        ),
    )


def _worker() -> str:
    if presence.somebody_works():
        return _WELL
    minutes = int(presence.ABSENT.total_seconds() // 60)
    return f"no worker was seen for {minutes} minutes"


def _believed(name: str, look: Callable[[], str]) -> str:
    """What was good is not looked at again at once: probes come every few seconds."""
    if time.monotonic() < _good_until.get(name, 0.0):
        return _WELL
    found = look()
    if found == _WELL:
        _good_until[name] = time.monotonic() + BELIEVED
    return found


# ------------------------------------------------------------------ figures
def _metrics(request: HttpRequest) -> HttpResponse:
    if not may_read_figures(request):
        return HttpResponse(status=403)
    registry = counters.registry()
    registry.register(gauges.Collector())
    registry.register(machine.Collector())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def may_read_figures(request: HttpRequest) -> bool:
    """Whoever has the token; without one, this machine itself and no proxy on it."""
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "")
        wanted = f"Bearer {settings.METRICS_TOKEN}"
        return hmac.compare_digest(given.encode(), wanted.encode())
    if any(name in request.headers for name in _FORWARDED):
        return False
    address = request.META.get("REMOTE_ADDR") or ""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


_PARTS: dict[str, Callable[[], str]] = {
    "database": _database,
    "migrations": _migrations,
    "guards": _guards,
    "worker": _worker,
}

_ANSWERS: dict[str, Callable[[HttpRequest], HttpResponse]] = {
    "/healthz": _healthz,
    "/readyz": _readyz,
    "/readyz/web": _readyz_web,
    "/metrics": _metrics,
}
