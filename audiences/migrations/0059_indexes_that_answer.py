"""PostgreSQL: indexes that hold what is asked by them, so no row of a table is read.

For questions about a thousand people at once. What the models say of these indexes
stays true: more columns in them change nothing but the speed. The index for `LIKE` on
external ids goes: nobody asks so.
"""

from typing import ClassVar, NamedTuple

from django.db import migrations, transaction

from audiences.sql import is_postgresql

EXTERNAL_ID = "audiences_profile_external_id_key"
LIKE = "audiences_profile_external_id_fa534ce9_like"


class Wider(NamedTuple):
    """An index, and the columns that it holds besides."""

    name: str
    kind: str
    on: str
    also: str
    where: str = ""

    def make(self, name: str, also: str) -> str:
        held = f" INCLUDE ({also})" if also else ""
        return f"CREATE {self.kind} CONCURRENTLY {name} ON {self.on}{held}{self.where}"


INDEXES = [
    Wider(
        "address_by_key",
        "INDEX",
        "audiences_address (channel, key)",
        "profile_id, is_valid",
    ),
    Wider(
        "address_one_primary",
        "UNIQUE INDEX",
        "audiences_address (channel, profile_id)",
        "key, is_valid, is_suppressed",
        " WHERE is_primary",
    ),
    Wider(
        "subscription_once",
        "UNIQUE INDEX",
        "audiences_subscription (profile_id, service_id)",
        "status, expires_at",
    ),
    Wider(EXTERNAL_ID, "UNIQUE INDEX", "audiences_profile (external_id)", "id"),
]


CONSTRAINTS = (EXTERNAL_ID, "subscription_once")


def _replace(schema_editor, index: Wider, also: str) -> None:
    """Build it anew while the table is written to, then let it take the place."""
    new = f"{index.name}_new"
    # What a run that was stopped has left is not valid.
    schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {new}")
    schema_editor.execute(index.make(new, also))
    # One takes the other's place at once: what is unique is so all the time.
    with transaction.atomic():
        if index.name in CONSTRAINTS:
            table = index.on.partition(" ")[0]
            schema_editor.execute(
                f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {index.name},"
                f" ADD CONSTRAINT {index.name} UNIQUE USING INDEX {new}"
            )
        else:
            schema_editor.execute(f"DROP INDEX IF EXISTS {index.name}")
            schema_editor.execute(f"ALTER INDEX {new} RENAME TO {index.name}")


def forwards(apps, schema_editor):
    if not is_postgresql():
        return
    for index in INDEXES:
        _replace(schema_editor, index, index.also)
    schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {LIKE}")


def backwards(apps, schema_editor):
    if not is_postgresql():
        return
    for index in INDEXES:
        _replace(schema_editor, index, "")
    schema_editor.execute(
        f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {LIKE}"
        " ON audiences_profile (external_id varchar_pattern_ops)"
    )


class Migration(migrations.Migration):
    # An index is built without a lock only outside of a transaction.
    atomic = False
    dependencies: ClassVar = [("audiences", "0058_own_fields_in_languages")]

    operations: ClassVar = [migrations.RunPython(forwards, backwards, atomic=False)]
