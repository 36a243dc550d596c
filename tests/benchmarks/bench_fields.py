"""What own fields cost, in rows and in JSONB: make bench-fields N=200000

On PostgreSQL: N profiles with an address, of whom each has five own fields (two numbers,
two choices, a date). The same values lie in rows of `FieldValue`, and in a JSONB column
of a table of their own with a GIN index (jsonb_path_ops). Both are asked the same in
turns: how many have a choice, how many lie between two numbers, who of a chunk of 20,000
ids does; and both are given new values for 2,000 people. Then an analysis excludes 3 of
100 by a text of the profile, and by an own field, in turns; of these the processor time
of the database is told.
"""

import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg2

from .databases import machine, manage, postgresql
from .people import statements

ROUNDS = 5
ANALYSES = 5
FIELDS = {
    "Size": ("number", "n % 60"),
    "Points": ("number", "(n * 7919) % 100000"),
    "Colour": ("choice", "(ARRAY['Red','Blue','Green','Grey'])[1 + n % 4]"),
    "Group": ("choice", "CASE WHEN n % 100 IN (6, 46, 86) THEN 'Out' ELSE 'In' END"),
    "Since": ("date", "DATE '2020-01-01' + (n % 2000)::int"),
}
CHOICES = {"Colour": ("Red", "Blue", "Green", "Grey"), "Group": ("In", "Out")}
COLUMNS = {"number": "number", "choice": "text", "date": "date"}
LOW = "profile_id BETWEEN 40001 AND 60000"
IN_ROWS = {
    "a choice": "SELECT count(*) FROM audiences_fieldvalue WHERE field_id = 4"
    " AND text = 'Out'",
    "a range": "SELECT count(*) FROM audiences_fieldvalue WHERE field_id = 2"
    " AND number BETWEEN 100 AND 1100",
    "a chunk": "SELECT count(*) FROM audiences_profile p WHERE id BETWEEN 40001 AND"
    " 60000 AND EXISTS (SELECT 1 FROM audiences_fieldvalue v WHERE v.profile_id = p.id"
    f" AND v.{LOW} AND field_id = 4 AND text = 'Out')",
}
IN_JSON = {
    "a choice": 'SELECT count(*) FROM own_json WHERE own @> \'{"group": "Out"}\'',
    "a range": "SELECT count(*) FROM own_json"
    " WHERE (own->>'points')::numeric BETWEEN 100 AND 1100",
    "a chunk": "SELECT count(*) FROM audiences_profile p WHERE id BETWEEN 40001 AND"
    " 60000 AND EXISTS (SELECT 1 FROM own_json v WHERE v.profile_id = p.id"
    f' AND v.{LOW} AND own @> \'{{"group": "Out"}}\')',
}
WRITTEN = "BETWEEN 100001 AND 102000"
WRITE_ROWS = (
    f"DELETE FROM audiences_fieldvalue WHERE field_id = 2 AND profile_id {WRITTEN}",
    "INSERT INTO audiences_fieldvalue (field_id, profile_id, number)"
    f" SELECT 2, id, id % 777 FROM audiences_profile WHERE id {WRITTEN}",
)
WRITE_JSON = (
    "UPDATE own_json SET own = own || jsonb_build_object('points', profile_id % 777)"
    f" WHERE profile_id {WRITTEN}",
)


def fill(url: str, cursor: Any, count: int) -> None:
    """The people, and their values in both stores."""
    manage(url, "create_service", "weekly", "--label=Weekly", "--channel=email")
    for past in ("past 1", "past 2"):
        manage(url, "create_delivery", f"--label={past}", "--channel=email")
    for label, (kind, _value) in FIELDS.items():
        cursor.execute(
            "INSERT INTO audiences_ownfield (label, slug, type, choices, is_personal,"
            " is_editable, created_at) VALUES (%s, %s, %s, %s, true, false, now())",
            [label, label.lower(), kind, json.dumps(CHOICES.get(label, []))],
        )
    numbers = f"generate_series(1, {count}) n"
    for statement in statements(numbers, "now()", "now() - interval '2 days'"):
        cursor.execute(statement)
    for number, (kind, value) in enumerate(FIELDS.values(), 1):
        cursor.execute(
            f"INSERT INTO audiences_fieldvalue (field_id, profile_id, {COLUMNS[kind]})"
            f" SELECT {number}, n, {value} FROM {numbers}"
        )
    pairs = ", ".join(f"'{n.lower()}', {value}" for n, (_k, value) in FIELDS.items())
    cursor.execute("CREATE TABLE own_json (profile_id bigint PRIMARY KEY, own jsonb)")
    cursor.execute(
        f"INSERT INTO own_json SELECT n, jsonb_build_object({pairs}) FROM {numbers}"
    )
    cursor.execute("CREATE INDEX ON own_json USING gin (own jsonb_path_ops)")
    cursor.execute("VACUUM ANALYZE")


def milliseconds(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return (time.perf_counter() - started) * 1000


def asked(cursor: Any, name: str) -> tuple[float, float]:
    """Medians of both stores for one question, asked in turns; the answers agree."""
    times: tuple[list[float], list[float]] = ([], [])
    for _round in range(ROUNDS):
        found = []
        for spent, store in zip(times, (IN_ROWS, IN_JSON), strict=True):
            spent.append(milliseconds(lambda store=store: cursor.execute(store[name])))
            found.append(cursor.fetchone())
        assert found[0] == found[1], (name, found)
    return statistics.median(times[0]), statistics.median(times[1])


def written(cursor: Any) -> tuple[float, float]:
    times: tuple[list[float], list[float]] = ([], [])
    for _round in range(ROUNDS):
        for spent, acts in zip(times, (WRITE_ROWS, WRITE_JSON), strict=True):
            spent.append(milliseconds(lambda acts=acts: [*map(cursor.execute, acts)]))
    return statistics.median(times[0]), statistics.median(times[1])


def size(cursor: Any, table: str) -> float:
    cursor.execute(f"SELECT pg_total_relation_size('{table}')")
    return float(cursor.fetchone()[0]) / 2**20


def analyses(url: str) -> dict[str, float]:
    """Medians of an analysis whose filtering rule reads a profile, or an own field."""
    nodes = {
        "a text of the profile": {
            "node": "profile", "field": "country", "operator": "is", "value": "XX",
        },
        "an own field": {
            "node": "own_field", "field": "group", "operator": "is", "value": "Out",
        },
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        for slug, node in zip(("one", "two"), nodes.values(), strict=True):
            file = Path(folder) / f"{slug}.json"
            file.write_text(json.dumps({"version": 1, "condition": node}))
            manage(url, "create_rule", slug, "--kind=filtering", f"--condition={file}")
            manage(url, "create_typology", slug, f"--rules=filter:{slug}")
            manage(
                url, "create_delivery", f"--label={slug}", "--channel=email",
                f"--typology={slug}",
            )  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", __spec__.name, "--measure"],
        env=os.environ | {"DATABASE_URL": url, **SETTINGS},
        stdout=subprocess.PIPE,
        check=True,
    )
    return dict(zip(nodes, json.loads(done.stdout), strict=True))


SETTINGS = {"DJANGO_SETTINGS_MODULE": "campaign.settings", "DEBUG": "1"}


def measure() -> list[float]:
    """Medians of the database's processor seconds for each delivery, in turns.

    Processor time, so that others on the machine change it little.
    """
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        process = Path(f"/proc/{cursor.fetchone()[0]}/stat")
    spent: tuple[list[float], list[float]] = ([], [])
    for _round in range(ANALYSES + 1):
        for times, slug in zip(spent, ("one", "two"), strict=True):
            before = _ticks(process)
            out = io.StringIO()
            call_command(
                "analyse_delivery", f"label:{slug}", json=True, dry_run=True, stdout=out
            )
            times.append((_ticks(process) - before) / os.sysconf("SC_CLK_TCK"))
            causes = json.loads(out.getvalue())["causes"]
            assert any(c["code"] == f"filter:{slug}" and c["count"] for c in causes)
    return [statistics.median(times[1:]) for times in spent]


def _ticks(process: Path) -> int:
    """User and system time of a process (proc(5)); its name may have spaces."""
    facts = process.read_text().rpartition(")")[2].split()
    return int(facts[11]) + int(facts[12])


def main(sizes: list[int]) -> None:
    print(machine())
    for count in sizes:
        with postgresql() as url:
            manage(url, "migrate", "-v0")
            connection = psycopg2.connect(url)
            connection.autocommit = True
            cursor = connection.cursor()
            fill(url, cursor, count)
            print(f"{count:,} profiles, ms        rows    JSONB", flush=True)
            for name in IN_ROWS:
                print("{:<22}{:>8.1f}{:>9.1f}".format(name, *asked(cursor, name)))
            print("{:<22}{:>8.1f}{:>9.1f}".format("2,000 values", *written(cursor)))
            both = (size(cursor, t) for t in ("audiences_fieldvalue", "own_json"))
            print("{:<22}{:>8.0f}{:>9.0f}".format("MB", *both), flush=True)
            connection.close()
            for name, seconds in analyses(url).items():
                print(f"analysis by {name}: {seconds:.2f} s of processor", flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "--measure":
        sys.stdout.write(json.dumps(measure()))
    else:
        main([int(number) for number in sys.argv[1:]])
