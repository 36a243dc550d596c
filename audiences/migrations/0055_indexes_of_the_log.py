"""The console's log by its row and by its time: a person's page and the activity."""

from typing import ClassVar

from django.db import migrations

from audiences.sql import is_postgresql

OF_ROW = "admin_log_of_row"
BY_TIME = "admin_log_by_time"
TABLE = "django_admin_log"


def _index(columns: str, name: str) -> migrations.RunPython:
    """An index that is built while the table is written to, where that is possible."""

    def make(apps, schema_editor):
        way = "CONCURRENTLY " if is_postgresql() else ""
        schema_editor.execute(
            f"CREATE INDEX {way}IF NOT EXISTS {name} ON {TABLE} ({columns})"
        )

    def drop(apps, schema_editor):
        schema_editor.execute(f"DROP INDEX IF EXISTS {name}")

    return migrations.RunPython(make, drop, atomic=False)


class Migration(migrations.Migration):
    # An index is built without a lock only outside of a transaction.
    atomic = False
    dependencies: ClassVar = [
        ("audiences", "0054_morning_summaries"),
        ("admin", "0003_logentry_add_action_flag_choices"),
    ]

    operations: ClassVar = [
        _index("content_type_id, object_id, action_time, id", OF_ROW),
        _index("action_time, id", BY_TIME),
    ]
