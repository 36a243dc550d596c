"""Which transactions a run has seen, in which it became ready, and what chunks found."""

from django.db import migrations, models


def keep(apps, schema_editor):
    """`migrate` ends with installing the triggers that fill the numbers."""


def remove_triggers(apps, schema_editor):
    """Without the columns their triggers would refuse every row."""
    from audiences.consent import guards

    guards.remove()


class Migration(migrations.Migration):

    dependencies = [
        ("audiences", "0032_transaction_numbers"),
        ("delivery", "0032_approvals"),
    ]

    operations = [
        migrations.CreateModel(
            name='StagedContender',
            fields=[
                ('profile_id', models.BigIntegerField(primary_key=True, serialize=False)),
                ('key', models.CharField(max_length=500)),
            ],
            options={
                'db_table': 'staged_contender',
                'managed': False,
            },
        ),
        migrations.CreateModel(
            name='StagedKey',
            fields=[
                ('key', models.CharField(max_length=500, primary_key=True, serialize=False)),
            ],
            options={
                'db_table': 'staged_key',
                'managed': False,
            },
        ),
        migrations.RemoveField(
            model_name='analysis',
            name='marks',
        ),
        migrations.AddField(
            model_name='analysis',
            name='ready_in',
            field=models.BigIntegerField(editable=False, help_text='The transaction that made it ready.', null=True, verbose_name='ready in'),
        ),
        migrations.AddField(
            model_name='analysis',
            name='seen',
            field=models.TextField(blank=True, help_text='Which transactions its results take into account.', verbose_name='seen'),
        ),
        migrations.AddField(
            model_name='analysischunk',
            name='counts',
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name='message',
            name='transaction_id',
            field=models.BigIntegerField(editable=False, null=True, verbose_name='transaction'),
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(fields=['transaction_id'], name='message_by_transaction'),
        ),
        migrations.RunPython(keep, remove_triggers),
    ]
