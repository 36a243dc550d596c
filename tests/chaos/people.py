"""The people of a chaos, and their opt-outs by every door that the site has."""

import hashlib
import hmac
import json
import os
import random
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.db import connection, transaction
from django.urls import reverse

from audiences import landing_pages, links, membership, subscriptions
from audiences.links import Link, web_addresses
from audiences.models import Service
from delivery import analysis, deliveries
from delivery.models import Delivery, Outcome, Sending
from tests.benchmarks.bench_composing import CONTENT

if TYPE_CHECKING:
    from .sending import Run

# Opt-outs a second of each of those who opt out.
RATE = 8.0
# How far ahead of the turn of the next target they are chosen.
AHEAD = 400
FORM = "application/x-www-form-urlencoded"
PAGE = "stop"


def number_of(pk: int) -> str:
    return f"+316{10_000_000 + pk}"


def fill(count: int, *, is_postgresql: bool) -> tuple[Delivery, Delivery]:
    """People with an address and a number each, and two prepared deliveries."""
    news = subscriptions.create_service("news", label="News", channel="email")
    landing_pages.publish(landing_pages.create(PAGE, kind="denylist"))
    numbers = (
        f"generate_series(1, {count}) n"
        if is_postgresql
        else "(WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c"
        f" WHERE n < {count}) SELECT n FROM c)"
    )
    now = "now()" if is_postgresql else "datetime('now')"
    with connection.cursor() as cursor:
        for statement in (
            "INSERT INTO audiences_profile (id, first_name, last_name, language,"
            " country, external_id, created_at) SELECT n, 'Ann' || n, 'Jansen', 'en',"
            f" 'NL', 'P' || n, {now} FROM {numbers}",
            "INSERT INTO audiences_address (profile_id, channel, value, key, is_primary,"
            " is_valid) SELECT n, 'email', 'p' || n || '@mail.example',"
            f" 'p' || n || '@mail.example', TRUE, TRUE FROM {numbers}",
            "INSERT INTO audiences_address (profile_id, channel, value, key, is_primary,"
            " is_valid) SELECT n, 'sms', '+316' || (10000000 + n),"
            f" '+316' || (10000000 + n), TRUE, TRUE FROM {numbers}",
            "INSERT INTO audiences_subscription (profile_id, service_id, status,"
            " changed_at) SELECT n, (SELECT MIN(id) FROM audiences_service), 'active',"
            f" {now} FROM {numbers}",
        ):
            cursor.execute(statement)
        cursor.execute("VACUUM ANALYZE" if is_postgresql else "ANALYZE")
        for statement in _WATCH_POSTGRESQL if is_postgresql else _WATCH_SQLITE:
            cursor.execute(statement)
    few = list(range(1, count // 10 + 1))
    return (
        _prepared("mails", "email", news, "everyone"),
        _prepared("texts", "sms", None, few),
    )


def _prepared(
    label: str, channel: str, service: Service | None, whom: str | list[int]
) -> Delivery:
    delivery = deliveries.create(
        label,
        channel=channel,
        service=service,
        audience=membership.everyone
        if isinstance(whom, str)
        else (lambda: membership.list_of(label, whom)),
        subject="Spring" if service else "",
        content=CONTENT if service else "Spring is here, {{ first_name }}. STOP stops.",
    )
    analysis.analyse(delivery)
    return delivery


# A row for each claim, by the transaction that made it.
_WATCH_POSTGRESQL = (
    "CREATE TABLE chaos_claim (delivery_id bigint, profile_id bigint,"
    " made_in xid8 DEFAULT pg_current_xact_id())",
    "CREATE FUNCTION chaos_claimed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " INSERT INTO chaos_claim VALUES (NEW.delivery_id, NEW.profile_id); RETURN NULL;"
    " END $$",
    "CREATE TRIGGER chaos_inserted AFTER INSERT ON delivery_dispatch FOR EACH ROW"
    " WHEN (NEW.status = 'handing_over') EXECUTE FUNCTION chaos_claimed()",
    "CREATE TRIGGER chaos_updated AFTER UPDATE ON delivery_dispatch FOR EACH ROW"
    " WHEN (NEW.status = 'handing_over' AND OLD.status <> 'handing_over')"
    " EXECUTE FUNCTION chaos_claimed()",
)
# SQLite has one writer: this moment lies within its transaction.
_WATCH_SQLITE = (
    "CREATE TABLE chaos_claim (delivery_id bigint, profile_id bigint,"
    " at REAL DEFAULT ((julianday('now') - 2440587.5) * 86400.0))",
    "CREATE TRIGGER chaos_inserted AFTER INSERT ON delivery_dispatch"
    " WHEN NEW.status = 'handing_over' BEGIN INSERT INTO chaos_claim"
    " (delivery_id, profile_id) VALUES (NEW.delivery_id, NEW.profile_id); END",
    "CREATE TRIGGER chaos_updated AFTER UPDATE ON delivery_dispatch"
    " WHEN NEW.status = 'handing_over' AND OLD.status <> 'handing_over'"
    " BEGIN INSERT INTO chaos_claim (delivery_id, profile_id)"
    " VALUES (NEW.delivery_id, NEW.profile_id); END",
)


# ------------------------------------------------------------------ opting out
def opt_out(run: "Run", port: int, both: Sequence[Delivery], number: int) -> None:
    """Opt out of those whose turn is next, until the run is over."""
    chance = random.Random(f"{run.seed}-{number}")
    gone: set[tuple[str, int]] = set()
    try:
        while not run.over.wait(chance.uniform(0, 2 / RATE)):
            mails, texts = both
            kind = chance.choice(("one-click", "one-click", "page", "stop"))
            delivery = texts if kind == "stop" else mails
            pk = _next(delivery, chance, number)
            if pk is None or (delivery.channel, pk) in gone:
                continue
            gone.add((delivery.channel, pk))
            if refused := _why_not(_call(kind, delivery, pk, port)):
                run.unanswered[f"{kind}: {refused}"] += 1
            else:
                run.answered.append((delivery.channel, pk, time.time()))
    finally:
        connection.close()


def _next(delivery: Delivery, chance: random.Random, number: int) -> int | None:
    """Somebody whose turn is near; of each third, one of those who opt out."""
    try:
        with transaction.atomic():
            position = Sending.objects.get(delivery=delivery).position
    except Exception:  # the server was restarted
        connection.close()
        return None
    pk = position - 20 + chance.randrange(AHEAD)
    pk += (number - pk) % 3
    is_target = Outcome.objects.filter(delivery=delivery, profile_id=pk, rule=None)
    return pk if pk > 0 and is_target.exists() else None


def _call(kind: str, delivery: Delivery, pk: int, port: int) -> urllib.request.Request:
    if kind == "stop":
        return _text(pk, port)
    link = deliveries.link(delivery, pk)
    if kind == "one-click":
        path = reverse("pages:one_click", args=[links.opt_out_token(link)])
        body = {"List-Unsubscribe": "One-Click"}
    else:
        own = Link(pk, page=PAGE, kind="denylist", delivery_id=delivery.pk)
        path = reverse("pages:personal", args=[PAGE, web_addresses.page_token(own)])
        body = {"act": "1"}
    return urllib.request.Request(
        f"http://127.0.0.1:{port}{path}",
        urlencode(body).encode(),
        {"Content-Type": FORM, "X-Forwarded-Proto": "https"},
    )


def _text(pk: int, port: int) -> urllib.request.Request:
    told = {"id": f"stop-{pk}", "from": number_of(pk), "to": "1008", "text": "STOP"}
    body, at = json.dumps(told).encode(), str(int(time.time()))
    secret = os.environ["SMS_WEBHOOK_SECRETS"]
    signed = f"{at}.inbound.".encode() + body
    signature = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return urllib.request.Request(
        f"http://127.0.0.1:{port}/hooks/sms/inbound",
        body,
        {
            "Content-Type": "application/json",
            "X-Forwarded-Proto": "https",
            "X-Campaign-Timestamp": at,
            "X-Campaign-Signature": f"sha256={signature}",
        },
    )


def _why_not(call: urllib.request.Request) -> str:
    """Why a call was not answered well; empty when it was."""
    try:
        with urllib.request.urlopen(call, timeout=30) as answer:
            return "" if 200 <= answer.status < 300 else str(answer.status)
    except urllib.error.HTTPError as error:
        return str(error.code)
    except OSError as error:
        return type(error).__name__


def whose(recipient: str) -> tuple[str, int]:
    """The channel and the profile of what arrived."""
    if recipient.startswith("+"):
        return "sms", int(recipient.removeprefix("+316")) - 10_000_000
    return "email", int(recipient.partition("@")[0].lower().removeprefix("p"))


Arrivals = dict[tuple[str, int], list[float]]


def arrivals(lines: Sequence[str]) -> Arrivals:
    found: Arrivals = {}
    for line in lines:
        at, _tab, recipient = line.partition("\t")
        found.setdefault(whose(recipient.strip()), []).append(float(at))
    return found


def as_facts(rows: Sequence[tuple[Any, ...]]) -> dict[int, float]:
    return {int(pk): float(at) for pk, at in rows if at is not None}
