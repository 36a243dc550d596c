"""How long the proof of consent takes: make bench-verify N=1000000

On PostgreSQL: N profiles of whom 5 in 100 are opted out of email, 9 in 10 subscribe to
a service, and some did so after ending it; each with the events that led there. One
profile in 100,000 is changed behind the history, and must be found.
"""

import sys

import psycopg2

from .databases import machine, manage, postgresql


def events(kind: str, about: str, which: str) -> str:
    channel, service = ("'email'", "NULL") if about == "flag" else ("''", "1")
    return (
        "INSERT INTO audiences_consentevent"
        " (profile_id, at, kind, channel, service_id, source)"
        f" SELECT id, now(), '{kind}', {channel}, {service}, 'import'"
        f" FROM audiences_profile WHERE {which}"
    )


def fill(url: str, count: int) -> None:
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audiences_profile (first_name, last_name, language, country,"
            " no_longer_contact_email) SELECT 'Ann', 'Smith', 'nl', 'NL', n % 20 = 0"
            f" FROM generate_series(1, {count}) n"
        )
        for statement in (
            events("opt_out", "flag", "id % 10 = 0"),
            events("opt_in", "flag", "id % 10 = 0 AND id % 20 <> 0"),
            events("subscribe", "service", "id % 10 <> 4"),
            events("unsubscribe", "service", "id % 10 = 7"),
            events("subscribe", "service", "id % 10 = 7"),
        ):
            cursor.execute(statement)
        cursor.execute(
            "INSERT INTO audiences_subscription"
            " (profile_id, service_id, status, changed_at)"
            " SELECT id, 1, 'active', now() FROM audiences_profile WHERE id % 10 <> 4"
        )
        cursor.execute(
            "UPDATE audiences_profile SET no_longer_contact_email ="
            " NOT no_longer_contact_email WHERE id % 100000 = 1"
        )


def main(sizes: list[int]) -> None:
    print(machine())
    for size in sizes:
        with postgresql() as url:
            manage(url, "migrate", "-v0")
            manage(url, "create_service", "weekly", "--label=Weekly", "--channel=email")
            fill(url, size)
            done = manage(url, "verify_consent", exits=1)
            found = len(done.output.splitlines())
            print(
                f"{size:>11,} profiles {done.seconds:>7.1f}s"
                f" {size / done.seconds:>10,.0f} per s {done.megabytes:>5.0f} MB"
                f"  {found} differences",
                flush=True,
            )


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]])
