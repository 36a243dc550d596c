"""The number of the transaction that wrote a row, and of people whose rows went.

Events from before have 0: only a row that was just inserted has none, and gets it.
"""

import django.db.models.functions.datetime
from django.db import migrations, models


def keep(apps, schema_editor):
    """`migrate` ends with installing the triggers that fill the numbers."""


def remove_triggers(apps, schema_editor):
    """Without the columns their triggers would refuse every row."""
    from audiences.consent import guards

    guards.remove()


class Migration(migrations.Migration):

    dependencies = [
        ("audiences", "0031_kinds_of_imports"),
    ]

    operations = [
        migrations.CreateModel(
            name='Departure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('profile_id', models.BigIntegerField()),
                ('transaction_id', models.BigIntegerField()),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'verbose_name': 'departure',
                'verbose_name_plural': 'departures',
            },
        ),
        migrations.AddField(
            model_name='address',
            name='transaction_id',
            field=models.BigIntegerField(editable=False, null=True, verbose_name='transaction'),
        ),
        migrations.AddField(
            model_name='consentevent',
            name='transaction_id',
            field=models.BigIntegerField(db_default=0, editable=False, null=True, verbose_name='transaction'),
        ),
        migrations.AlterField(
            model_name='consentevent',
            name='transaction_id',
            field=models.BigIntegerField(editable=False, null=True, verbose_name='transaction'),
        ),
        migrations.AddIndex(
            model_name='address',
            index=models.Index(fields=['transaction_id'], name='address_by_transaction'),
        ),
        migrations.AddIndex(
            model_name='consentevent',
            index=models.Index(fields=['transaction_id'], name='consent_by_transaction'),
        ),
        migrations.AddIndex(
            model_name='departure',
            index=models.Index(fields=['transaction_id'], name='departure_by_transaction'),
        ),
        migrations.RunPython(keep, remove_triggers),
    ]
