"""Say of events of before whether they have evidence.

The history is append-only: the guard that refuses an UPDATE goes for the length of this
migration, and `migrate` puts it back at its end.
"""

from typing import Any

from django.db import migrations

EVENTS, EVIDENCE = "audiences_consentevent", "audiences_consentevidence"


def say_so(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {EVENTS}_append_only ON {EVENTS}")
        yes = "true"
    else:
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {EVENTS}_no_update")
        yes = "1"
    schema_editor.execute(
        f"UPDATE {EVENTS} SET has_evidence = {yes}"
        f" WHERE id IN (SELECT event_id FROM {EVIDENCE})"
    )


class Migration(migrations.Migration):
    dependencies = [
        ("audiences", "0037_events_know_of_their_evidence"),
    ]

    operations = [migrations.RunPython(say_so, migrations.RunPython.noop)]
