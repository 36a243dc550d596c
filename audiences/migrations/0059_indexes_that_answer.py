"""Two indexes hold what is asked of them: who has an address, who has subscribed.

A question about a thousand people then reads no row of either table.
"""

from typing import ClassVar

from django.db import migrations, models

from audiences.sql import is_postgresql

OWNERS = models.Index(
    fields=["channel", "key"],
    include=["profile", "is_valid"],
    name="address_owners",
)
SUBSCRIBERS = models.Index(
    fields=["service", "profile"],
    include=["status", "expires_at"],
    name="subscribers_of_service",
)


def _replace(table: str, columns: str, include: str, old: str, index: models.Index):
    """Build the new index while the table is written to; the old one goes then."""

    def swap(schema_editor, made: str, gone: str, more: str) -> None:
        way = " CONCURRENTLY" if is_postgresql() else ""
        also = f" INCLUDE ({more})" if more and is_postgresql() else ""
        # What a run that was stopped has left is not valid.
        schema_editor.execute(f"DROP INDEX{way} IF EXISTS {made}")
        schema_editor.execute(
            f"CREATE INDEX{way} {made} ON {table} ({columns}){also}"
        )
        schema_editor.execute(f"DROP INDEX{way} IF EXISTS {gone}")

    def forwards(apps, schema_editor):
        swap(schema_editor, index.name, old, include)

    def backwards(apps, schema_editor):
        swap(schema_editor, old, index.name, "")

    model = {"audiences_address": "address", "audiences_subscription": "subscription"}
    return migrations.SeparateDatabaseAndState(
        [migrations.RunPython(forwards, backwards, atomic=False)],
        [
            migrations.RemoveIndex(model[table], old),
            migrations.AddIndex(model[table], index),
        ],
    )


class Migration(migrations.Migration):
    # An index is built without a lock only outside of a transaction.
    atomic = False
    dependencies: ClassVar = [("audiences", "0058_own_fields_in_languages")]

    operations: ClassVar = [
        _replace(
            "audiences_address",
            "channel, key",
            "profile_id, is_valid",
            "address_by_key",
            OWNERS,
        ),
        _replace(
            "audiences_subscription",
            "service_id, profile_id",
            "status, expires_at",
            "subscription_of_service",
            SUBSCRIBERS,
        ),
    ]
