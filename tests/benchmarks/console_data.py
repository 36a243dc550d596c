"""A large database for the console's figures: people as in people.py, and their past.

Beside those: an SMS number for 3 of 10, a second service with 3 of 10 subscribed, every
subscription and opt-out with its consent event, quarantine entries with one error each,
feedback, and one prepared delivery to everybody.
"""

from django.db import connection

from audiences import membership, subscriptions
from audiences.background import figures
from audiences.models import Profile
from delivery import analysis, deliveries
from delivery.models import Delivery
from delivery.rules import writing

from .people import OPTED_OUT_EMAIL, QUARANTINED, UNSUBSCRIBED, statements

SMS = "n % 10 IN (1, 4, 7)"
ALERTED = "n % 10 IN (2, 5, 8)"
NEXT_DELIVERY = "bench next"
SMALL_DELIVERY = "bench few"


def fill(count: int) -> None:
    subscriptions.create_service("weekly", label="Weekly", channel="email")
    subscriptions.create_service("alerts", label="Alerts", channel="email")
    for label in ("past 1", "past 2"):
        deliveries.create(label, channel="email")
    numbers = f"generate_series(1, {count}) n"
    _run(statements(numbers, "now()", "now() - interval '2 days'"))
    _run(_more(numbers))
    _run(
        [
            f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), MAX(id)) FROM {table}"
            for table in ("audiences_profile", "audiences_address")
        ]
    )
    connection.cursor().execute("VACUUM ANALYZE")
    _prepare()
    connection.cursor().execute("VACUUM ANALYZE")
    figures.refresh()


def _run(statements_: list[str]) -> None:
    with connection.cursor() as cursor:
        for sql in statements_:
            cursor.execute(sql)


def _more(numbers: str) -> list[str]:
    """What people.py leaves out, at the same kind of stated rates."""
    service = "(SELECT id FROM audiences_service WHERE slug = '{}')"
    weekly, alerts = service.format("weekly"), service.format("alerts")
    ago = "now() - n % 400 * interval '1 day'"
    return [
        f"""UPDATE audiences_profile SET external_id = 'P' || id,
            language = CASE WHEN id % 4 = 0 THEN 'en' ELSE 'nl' END,
            created_at = {ago.replace("n %", "id %")}""",
        f"""INSERT INTO audiences_address
            (id, profile_id, channel, value, key, is_primary, is_valid)
            SELECT 100000000 + n, n, 'sms', '+316' || 10000000 + n, '+316' || 10000000 + n, TRUE, TRUE
            FROM {numbers} WHERE {SMS}""",
        f"""INSERT INTO audiences_subscription (profile_id, service_id, status, changed_at)
            SELECT n, {alerts}, 'active', {ago} FROM {numbers} WHERE {ALERTED}""",
        *(
            f"""INSERT INTO audiences_consentevent
                (at, kind, channel, source, profile_id, service_id)
                SELECT {ago}, '{kind}', '{channel}', 'import', n, {about}
                FROM {numbers} WHERE {which}"""
            for kind, channel, about, which in (
                ("subscribe", "", weekly, f"NOT ({UNSUBSCRIBED})"),
                ("subscribe", "", alerts, ALERTED),
                ("opt_out", "email", "NULL", OPTED_OUT_EMAIL),
            )
        ),
        f"""INSERT INTO delivery_quarantineentry
            (channel, key, status, reason, type, error_count, first_error_at,
             last_error_at, text)
            SELECT 'email', 'person' || n || '@mail.example', 'quarantine',
                   CASE WHEN n % 3 = 0 THEN 'mailbox_full' ELSE 'user_unknown' END,
                   'hard', 1, {ago}, {ago}, '550 5.1.1 No such user here'
            FROM {numbers} WHERE {QUARANTINED}""",
        f"""INSERT INTO delivery_addresserror
            (channel, key, at, type, reason, text, source, event_id)
            SELECT 'email', 'person' || n || '@mail.example', {ago}, 'hard',
                   'user_unknown', '550 5.1.1 No such user here', 'bench', n::text
            FROM {numbers} WHERE {QUARANTINED}""",
        f"""INSERT INTO delivery_inbounditem
            (source, external_id, channel, received_at, raw, size, is_verified, state,
             note, decided_by)
            SELECT 'bench', n::text, 'email', {ago}, '', 0, TRUE,
                   CASE WHEN n % 100 = 5 THEN 'unmatched' ELSE 'applied' END, '', ''
            FROM {numbers} WHERE {QUARANTINED}""",
        f"""INSERT INTO delivery_messageevent
            (kind, channel, key, domain, at, type, reason, status_code, text, source,
             event_id)
            SELECT CASE WHEN {QUARANTINED} THEN 'failed' ELSE 'delivered' END, 'email',
                   'person' || n || '@mail.example', 'mail.example',
                   now() - n % 28 * interval '1 day', '', '', '', '', 'bench', n::text
            FROM {numbers} WHERE n % 2 = 1""",
    ]


def _prepare() -> None:
    tree = {"node": "profile", "field": "country", "operator": "is", "value": "XX"}
    condition = {"version": 1, "condition": tree}
    writing.create_filtering_rule("country", condition=condition)
    writing.create_fatigue_rule("two", maximum=2, period_days=7, channel="email")
    typology = writing.create_typology("bench", rules=["country", "two"])
    everybody = deliveries.create(NEXT_DELIVERY, channel="email", typology=typology)
    analysis.analyse(everybody)
    few = list(Profile.objects.order_by("pk").values_list("pk", flat=True)[:100])
    audience = membership.list_of("few", few)
    deliveries.create(SMALL_DELIVERY, channel="email", audience=lambda: audience)
    assert Delivery.objects.count() == 4
