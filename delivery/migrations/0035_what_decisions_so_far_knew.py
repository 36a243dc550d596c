"""Decisions so far are judged by their time alone, as they were when they were made.

What is on record by now and dated before such a decision stays discounted; what arrives
from now on counts.
"""

from django.db import migrations
from django.db.models import Max


def know_what_is_on_record(apps, schema_editor):
    errors = apps.get_model("delivery", "AddressError").objects
    last = errors.aggregate(last=Max("pk"))["last"] or 0
    actions = apps.get_model("delivery", "QuarantineAction").objects
    actions.filter(known_error_id=0).update(known_error_id=last)


class Migration(migrations.Migration):

    dependencies = [
        ("delivery", "0034_what_a_decision_knew"),
    ]

    operations = [
        migrations.RunPython(know_what_is_on_record, migrations.RunPython.noop),
    ]
