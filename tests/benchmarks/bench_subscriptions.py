"""How long an import of subscriptions takes: make bench-subscriptions N=1000000

N people with an external id, two services, a date in each row, and garbage in one row
of a thousand. The second file ends half of the subscriptions.
"""

import csv
import json
import sys
import tempfile
from pathlib import Path

from .databases import machine, manage, postgresql, sqlite

PEOPLE = (
    "from audiences import sql\n"
    "from audiences.models import Profile\n"
    "texts = ['first_name', 'last_name', 'language', 'country']\n"
    "rows = ((f'C{{n}}', '', '', '', '') for n in range({rows}))\n"
    "sql.bulk_insert(Profile, ['external_id', *texts], rows)"
)


def write_acts(path: Path, rows: int, action: str, date: str, step: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow("external_id service action date".split())
        for number in range(0, rows, step):
            service = "news" if number % 3 else "offers"
            if number % 1000 == 500:
                writer.writerow([f"C{number}", service, "???", "31-31-2026"])
                continue
            writer.writerow([f"C{number}", service, action, date])


def main(rows: int) -> None:
    print(f"{machine()}; files of {rows:,} rows")
    with tempfile.TemporaryDirectory() as folder:
        first, second = (Path(folder) / f"{n}.csv" for n in "ab")
        write_acts(first, rows, "subscribe", "2026-01-02", 1)
        write_acts(second, rows, "unsubscribe", "2026-02-03T10:00:00+01:00", 2)
        for name, database in (("PostgreSQL", postgresql), ("SQLite", sqlite)):
            with database() as url:
                manage(url, "migrate", "-v0")
                for slug in ("news", "offers"):
                    manage(url, "create_service", slug, "--label=N", "--channel=email")
                manage(url, "shell", "-v0", "-c", PEOPLE.format(rows=rows))
                for run, path in (("subscribe", first), ("unsubscribe half", second)):
                    done = manage(url, "import_subscriptions", str(path), "--json")
                    print(
                        f"{name}, {run}: {done.seconds:.1f} s, "
                        f"{done.megabytes:.0f} MB; {json.loads(done.output)}",
                        flush=True,
                    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
