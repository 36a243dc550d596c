"""People for benchmarks, made inside the database at stated rates.

Of each 100 profiles: 2 have no email address, 1 an invalid one, 1 is opted out of any
channel, 4 of email, 1 address is on the denylist, 5 are in quarantine, 10 have no
subscription, 3 meet the filtering rule, 5.4 the fatigue rule, and 4 share their address
with another one. Which profile is what follows from its number, so every run is equal.
"""

# Which of the profiles; n is the number of a profile, from 1.
NO_ADDRESS = "n % 100 IN (7, 57)"
INVALID = "n % 100 = 13"
SHARED = "n % 50 = 0"  # with n - 1: 4 of 100 hold a shared address
OPTED_OUT_ANY = "n % 100 = 21"
OPTED_OUT_EMAIL = "n % 100 IN (3, 33, 63, 93)"
DENYLISTED = "n % 100 = 41"
QUARANTINED = "n % 100 IN (5, 25, 45, 65, 85)"
UNSUBSCRIBED = "n % 10 = 4"
FILTERED = "n % 100 IN (6, 46, 86)"
FATIGUED = "n % 1000 BETWEEN 500 AND 553"
SECOND_MESSAGE = "n % 20 = 11"

KEY = (
    f"CASE WHEN {INVALID} THEN 'person' || n "
    f"WHEN {SHARED} THEN 'person' || (n - 1) || '@mail.example' "
    "ELSE 'person' || n || '@mail.example' END"
)


def statements(numbers: str, now: str, recently: str) -> list[str]:
    """SQL that fills an empty database; `numbers` yields a column n.

    `now` and `recently` (two days ago) are the database's expressions for moments.
    """
    return [
        f"""INSERT INTO audiences_profile
            (id, first_name, last_name, language, country, no_longer_contact,
             no_longer_contact_email, created_at)
            SELECT n, 'Name' || (n % 1000), 'Family' || (n % 5000), 'nl',
                   CASE WHEN {FILTERED} THEN 'XX' ELSE 'NL' END,
                   {OPTED_OUT_ANY}, {OPTED_OUT_EMAIL}, {now} FROM {numbers}""",
        f"""INSERT INTO audiences_address
            (id, profile_id, channel, value, key, is_primary, is_valid,
             quarantine_status)
            SELECT n, n, 'email', {KEY}, {KEY}, TRUE, NOT ({INVALID}),
                   CASE WHEN {INVALID} THEN 'valid' WHEN {DENYLISTED} THEN 'denylisted'
                        WHEN {QUARANTINED} THEN 'quarantine' ELSE 'valid' END
            FROM {numbers} WHERE NOT ({NO_ADDRESS})""",
        f"""INSERT INTO audiences_subscription
            (profile_id, service_id, status, changed_at)
            SELECT n, (SELECT MIN(id) FROM audiences_service), 'active', {now}
            FROM {numbers} WHERE NOT ({UNSUBSCRIBED})""",
        *(
            f"""INSERT INTO delivery_message
                (delivery_id, profile_id, channel, address, sent_at)
                SELECT (SELECT id FROM delivery_delivery WHERE label = '{label}'),
                       n, 'email', 'person', {recently}
                FROM {numbers} WHERE {which}"""
            for label, which in (
                ("past 1", f"{FATIGUED} OR {SECOND_MESSAGE}"),
                ("past 2", FATIGUED),
            )
        ),
    ]
