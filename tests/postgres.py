"""Find a PostgreSQL server for the tests; prints its address, or nothing.

TEST_POSTGRES_URL names one; else a server on this machine that lets us in is used.
"""

import getpass
import os
import sys

import psycopg2


def find_url() -> str:
    if url := os.environ.get("TEST_POSTGRES_URL", ""):
        return url
    user = getpass.getuser()
    for candidate in (
        f"postgres://{user}@/postgres",
        "postgres://postgres@127.0.0.1:5432/postgres",
        f"postgres://{user}@127.0.0.1:5432/postgres",
    ):
        try:
            psycopg2.connect(candidate, connect_timeout=3).close()
        except psycopg2.Error:
            continue
        return candidate
    return ""


if __name__ == "__main__":
    sys.stdout.write(find_url())
