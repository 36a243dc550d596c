"""How fast the console answers on a large database: make bench-console N=1000000

Each page five times on PostgreSQL, by the clock around the whole request, and the query
plans of one more request: a sequential scan of a table of more than MANY rows is printed
below the page. Last, a bulk opt-out in a worker process while a profile's page is asked
for again and again. FILLED=1 uses the database in DATABASE_URL as a run left it.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .databases import MANAGE, machine, manage, postgresql

ROUNDS = 5
TARGET_MS = 300
MANY = 20_000
SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "campaign.settings",
    "DEBUG": "1",
    "PHONE_REGION": "NL",
}


def pages(count: int) -> Iterator[tuple[str, str]]:
    """What is asked for: a name for the figures, and an address with its query."""
    from django.urls import reverse

    from audiences.models import Audience, Service
    from delivery.models import Delivery, QuarantineEntry

    from .console_data import NEXT_DELIVERY

    def at(name: str, *args: Any) -> str:
        return reverse(f"admin:{name}", args=args)

    person = count // 2 + 1
    yield "home", at("index")
    profiles = at("audiences_profile_changelist")
    yield "profiles", profiles
    for name, query in PROFILE_QUERIES:
        yield f"profiles: {name}", f"{profiles}?{query.format(person=person)}"
    yield "profile", at("audiences_profile_change", person)
    yield "profile: proof", at("audiences_profile_proof", person)
    yield "bulk: confirm", at("audiences_profile_bulk") + "?act=opt_out&language=nl"
    yield "deliveries", at("delivery_delivery_changelist")
    delivery = Delivery.objects.get(label=NEXT_DELIVERY).pk
    yield "delivery", at("delivery_delivery_change", delivery)
    report = at("delivery_delivery_outcomes", delivery)
    yield "report", report
    for name, query in LOG_QUERIES:
        yield f"log: {name}", f"{report}?{query.format(person=person)}"
    yield "why?", at("delivery_delivery_why", delivery, person)
    yield "compare", at("delivery_delivery_compare", delivery)
    quarantine = at("delivery_quarantineentry_changelist")
    for name, query in QUARANTINE_QUERIES:
        yield f"quarantine{name}", f"{quarantine}?{query}"
    entry = QuarantineEntry.objects.order_by("pk")[100].pk
    yield "quarantine entry", at("delivery_quarantineentry_change", entry)
    yield "bulk release: form", at("delivery_quarantineentry_release")
    audience = Audience.objects.get(name="bench condition").pk
    yield "audience builder", at("audiences_audience_change", audience)
    yield "services", at("audiences_service_changelist")
    for service in Service.objects.order_by("slug"):
        yield f"service {service.slug}", at("audiences_service_change", service.pk)
        yield f"report {service.slug}", at("audiences_service_report", service.pk)
    for name in LOGS:
        yield name.partition("_")[2], at(f"{name}_changelist")
    yield (
        "inbound: unmatched",
        at("delivery_inbounditem_changelist") + "?state=unmatched",
    )
    yield "figures", at("delivery_inbounditem_figures")


PROFILE_QUERIES = (
    ("a name", "q=name77+family77"),
    ("one word", "q=Family77"),
    ("a beginning", "q=fam"),
    ("email", "q=PERSON{person}%40Mail.Example"),
    ("number", "q=06-10+00+00+07"),
    ("external id", "q=P{person}"),
    ("opted out", "opted_out=email"),
    ("opted out of any", "opted_out=any"),
    ("opted out of sms", "opted_out=sms"),
    ("on no denylist", "opted_out=none"),
    ("in quarantine", "address_status=quarantine"),
    ("erroneous", "address_status=erroneous"),
    ("denylisted", "address_status=denylisted"),
    ("no address", "without_address=any"),
    ("no email", "without_address=email"),
    ("no SMS number", "without_address=sms"),
    ("no fax", "without_address=fax"),
    ("subscribed", "service=weekly"),
    ("subscribed to few", "service=alerts"),
    ("language", "language=en"),
    ("rare language", "language=fy"),
    ("created", "created_from=2026-01-01&created_to=2026-03-31"),
    ("two filters", "service=alerts&opted_out=email"),
    ("three filters", "service=alerts&language=en&address_status=quarantine"),
    ("name and filter", "q=Family77&opted_out=email"),
    ("page 30", "p=30"),
)
LOG_QUERIES = (
    ("to deliver", "show=to_deliver"),
    ("everyone", "show=all"),
    ("quarantine", "show=cause:quarantine"),
    ("late page", "after={person}"),
    ("email", "q=person{person}@mail.example"),
    ("name", "q=Family77"),
    ("full name", "show=excluded&q=Name77+Family77"),
    ("shared address", "show=warning:shared_address"),
)
QUARANTINE_QUERIES = (
    ("", ""),
    (": address", "q=Person5%40mail.example"),
    (": status", "status__exact=quarantine"),
    (": rare status", "status__exact=denylisted"),
    (": channel", "channel__exact=sms"),
    (": reason", "reason__exact=mailbox_full"),
    (": rare reason", "reason__exact=refused"),
    (": type", "type__exact=soft"),
)
LOGS = (
    *("audiences_consentevent", "audiences_address", "audiences_subscription"),
    *("audiences_bulkact", "audiences_importrun", "delivery_message"),
    *("delivery_messageevent", "delivery_addresserror", "delivery_quarantineaction"),
    *("delivery_inbounditem", "delivery_typologyrule", "delivery_analysis"),
)


@contextmanager
def captured(kept: list[tuple[str, Any]]) -> Iterator[None]:
    from django.db import connection

    def keep(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not many and sql.startswith("SELECT"):
            kept.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(keep):
        yield


def scans(kept: list[tuple[str, Any]]) -> list[str]:
    """The big tables that a plan of the queries reads from end to end."""
    from django.db import connection

    found = []
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname, reltuples FROM pg_class WHERE relkind = 'r'")
        big = {name for name, rows in cursor.fetchall() if rows > MANY}
        for sql, params in kept:
            cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
            plan = cursor.fetchone()[0]
            plan = json.loads(plan) if isinstance(plan, str) else plan
            for node, is_bounded in _nodes(plan[0]["Plan"], False):
                if node["Node Type"] != "Seq Scan":
                    continue
                if node["Relation Name"] in big and not is_bounded:
                    found.append(f"{node['Relation Name']}: {sql[:300]} … {sql[-300:]}")
    return found


def _nodes(node: Any, is_bounded: bool) -> Iterator[tuple[Any, bool]]:
    """Each node, and whether a LIMIT above it that costs little ends it early."""
    if node["Node Type"] == "Limit":
        is_bounded = node["Total Cost"] < 5_000
    yield node, is_bounded
    for child in node.get("Plans", ()):
        yield from _nodes(child, is_bounded)


def measure(count: int, *, is_filled: bool) -> None:
    """Run in a process of its own, on a migrated database."""
    import django

    django.setup()
    from django.contrib.auth import get_user_model
    from django.test import Client
    from django.test.utils import override_settings

    from audiences import membership

    from .console_data import fill

    if not is_filled:
        fill(count)
        get_user_model().objects.create_superuser("bench")
        membership.create_with_condition("bench condition", CONDITION)
    user = get_user_model().objects.get(username="bench")
    client = Client(HTTP_HOST="localhost")
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    with override_settings(DEBUG=False, ALLOWED_HOSTS=["localhost"]):
        for name, address in pages(count):
            _measure_page(client, name, address)
        if not is_filled:  # else they were changed before
            _while_many_are_changed(client, count)


CONDITION = {
    "version": 1,
    "condition": {
        "node": "all",
        "of": [
            {"node": "profile", "field": "language", "operator": "is", "value": "nl"},
            {"node": "subscription", "service": "alerts"},
            {"node": "not", "of": {"node": "opted_out", "channel": "any"}},
        ],
    },
}


def _measure_page(client: Any, name: str, address: str) -> None:
    client.get(address)
    taken = []
    for _round in range(ROUNDS):
        started = time.perf_counter()
        response = client.get(address)
        b"".join(response)
        taken.append(1000 * (time.perf_counter() - started))
    kept: list[tuple[str, Any]] = []
    with captured(kept):
        client.get(address)
    median = statistics.median(taken)
    late = "  OVER" if median > TARGET_MS else ""
    status = "" if response.status_code == 200 else f"  HTTP {response.status_code}"
    print(
        f"{name:<28}{median:>7.0f} ms{len(kept):>4} queries{late}{status}", flush=True
    )
    for scan in scans(kept):
        print(f"    scans {scan}", flush=True)


def _while_many_are_changed(client: Any, count: int) -> None:
    """The profile page's times while a worker opts out a quarter of the people."""
    from django.contrib.auth import get_user_model
    from django.urls import reverse

    from audiences.selections import bulk_acts

    by = get_user_model().objects.get(username="bench").get_username()
    chosen, details = {"language": "en"}, {"scope": "sms"}
    act = bulk_acts.begin("opt_out", chosen, actor=by, details=details)
    worker = subprocess.Popen([sys.executable, str(MANAGE), "worker"])
    address = reverse("admin:audiences_profile_change", args=[count // 2 + 1])
    taken, began = [], time.perf_counter()
    try:
        while act.is_unfinished:
            started = time.perf_counter()
            client.get(address)
            taken.append(1000 * (time.perf_counter() - started))
            time.sleep(0.05)
            act.refresh_from_db()
    finally:
        worker.terminate()
        worker.wait(timeout=60)
    slowest = statistics.quantiles(taken, n=20)[-1]
    print(
        f"opt-out of {act.changed:,} in {time.perf_counter() - began:.0f} s; meanwhile "
        f"{len(taken)} profile pages: median {statistics.median(taken):.0f} ms, "
        f"p95 {slowest:.0f} ms, longest {max(taken):.0f} ms"
    )


def main(count: int) -> None:
    print(f"{machine()}; {count:,} profiles; medians of {ROUNDS}", flush=True)
    command = [sys.executable, "-m", __spec__.name, "--measure", str(count)]
    if os.environ.get("FILLED"):
        subprocess.run(command, env=os.environ | SETTINGS, check=True)
        return
    with postgresql() as url:
        manage(url, "migrate", "-v0")
        environment = os.environ | SETTINGS | {"DATABASE_URL": url}
        subprocess.run(command, env=environment, check=True)


if __name__ == "__main__":
    if sys.argv[1] == "--measure":
        measure(int(sys.argv[2]), is_filled=bool(os.environ.get("FILLED")))
    else:
        main(int(sys.argv[1]))
