"""The console's log by its row and by its time: a person's page and the activity."""

from typing import ClassVar

from django.db import migrations

OF_ROW = "admin_log_of_row"
BY_TIME = "admin_log_by_time"
TABLE = "django_admin_log"


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("audiences", "0054_morning_summaries"),
        ("admin", "0003_logentry_add_action_flag_choices"),
    ]

    operations: ClassVar = [
        migrations.RunSQL(
            f"CREATE INDEX IF NOT EXISTS {OF_ROW} ON {TABLE}"
            " (content_type_id, object_id, action_time, id)",
            f"DROP INDEX IF EXISTS {OF_ROW}",
        ),
        migrations.RunSQL(
            f"CREATE INDEX IF NOT EXISTS {BY_TIME} ON {TABLE} (action_time, id)",
            f"DROP INDEX IF EXISTS {BY_TIME}",
        ),
    ]
