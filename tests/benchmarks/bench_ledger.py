"""How long sealing and verifying take: make bench-ledger N=1000000

On PostgreSQL: N events of N / 2 people, half of them with evidence, as an import and a
page would have written them. Then a receipt of one person, and the size of the ledger.
"""

import sys
import tempfile
from pathlib import Path

import psycopg2

from .databases import machine, manage, postgresql

LEDGER = "ledgerleaf ledgernode ledgersalt"


def fill(url: str, count: int) -> None:
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audiences_profile (first_name, last_name, language, country)"
            f" SELECT 'Ann', 'Smith', 'nl', 'NL' FROM generate_series(1, {count // 2})"
        )
        for kind, source in (("opt_out", "one_click"), ("opt_in", "import")):
            cursor.execute(
                "INSERT INTO audiences_consentevent (profile_id, at, kind, channel,"
                f" source, has_evidence) SELECT id, now(), '{kind}', 'email',"
                f" '{source}', {kind == 'opt_out'} FROM audiences_profile"
            )
            connection.commit()
        cursor.execute(
            "INSERT INTO audiences_consentevidence (event_id, note, actor, ip,"
            " user_agent) SELECT id, '', '', '192.0.2.1', 'Mozilla/5.0 (X11; Linux'"
            " || ' x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'"
            " FROM audiences_consentevent WHERE has_evidence"
        )


def megabytes(url: str) -> float:
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        tables = [f"audiences_{name}" for name in LEDGER.split()]
        cursor.execute(
            "SELECT sum(pg_total_relation_size(t::regclass)) FROM unnest(%s) t",
            [tables],
        )
        return float(cursor.fetchone()[0]) / 2**20


def main(sizes: list[int]) -> None:
    print(machine())
    for size in sizes:
        with postgresql() as url, tempfile.TemporaryDirectory() as folder:
            manage(url, "migrate", "-v0")
            fill(url, size)
            sealed = manage(url, "seal_ledger")
            to = str(Path(folder) / "receipt.json")
            manage(url, "ledger_checkpoint")
            verified = manage(url, "verify_ledger")
            receipt = manage(url, "consent_receipt", "id:1", "--to", to)
            print(
                f"{size:>11,} events  sealed {size / sealed.seconds:>8,.0f} per s"
                f" ({sealed.megabytes:.0f} MB)  verified in {verified.seconds:.1f}s,"
                f" {verified.seconds / size * 1e6:.1f}s per million"
                f" ({verified.megabytes:.0f} MB)  receipt {receipt.seconds:.2f}s,"
                f" {Path(to).stat().st_size / 2:,.0f} bytes an event"
                f"  on disk {megabytes(url):,.0f} MB",
                flush=True,
            )


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]])
