"""How long an import takes: make bench-import N=1000000

Each row has an external id, names and an email address; one in three a mobile number,
one in twenty is opted out of email. The second import of the same file changes nothing.
"""

import csv
import json
import sys
import tempfile
from pathlib import Path

from .databases import machine, manage, postgresql, sqlite


def write_file(path: Path, rows: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(
            "external_id first_name last_name language email sms "
            "no_longer_contact_email".split()
        )
        for number in range(rows):
            writer.writerow(
                [
                    f"C{number}",
                    f"Name{number % 1000}",
                    f"Family{number % 5000}",
                    "nl" if number % 3 else "en",
                    f"Person.{number}@Mail{number % 50}.example",
                    f"06 {10_000_000 + number % 80_000_000}" if number % 3 == 0 else "",
                    "1" if number % 20 == 0 else "",
                ]
            )


def main(rows: int) -> None:
    print(f"{machine()}; a file of {rows:,} rows")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "people.csv"
        write_file(path, rows)
        for name, database in (("PostgreSQL", postgresql), ("SQLite", sqlite)):
            with database() as url:
                manage(url, "migrate", "-v0")
                for run in ("first import", "second import"):
                    done = manage(url, "import_profiles", str(path), "--json")
                    counts = json.loads(done.output)
                    print(
                        f"{name}, {run}: {done.seconds:.1f} s, "
                        f"{rows / done.seconds:,.0f} rows/s, "
                        f"{done.megabytes:.0f} MB; {counts}"
                    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
