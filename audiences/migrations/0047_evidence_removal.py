"""That evidence was removed because it was old, on record and sealed."""

from django.db import migrations, models


def keep(apps, schema_editor):
    """`migrate` ends with installing the triggers that ask the new table."""


def remove_triggers(apps, schema_editor):
    """Without the table their triggers would refuse every deletion."""
    from audiences.consent import guards

    guards.remove()


class Migration(migrations.Migration):

    dependencies = [
        ('audiences', '0046_ledger'),
    ]

    operations = [
        migrations.CreateModel(
            name='LedgerRemoval',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('before', models.DateTimeField(unique=True, verbose_name='recorded before')),
                ('at', models.DateTimeField(verbose_name='removed')),
            ],
            options={
                'verbose_name': 'removal of old evidence',
                'verbose_name_plural': 'removals of old evidence',
            },
        ),
        migrations.AlterField(
            model_name='ledgerleaf',
            name='kind',
            field=models.PositiveSmallIntegerField(choices=[(0, 'Introduction of the ledger'), (1, 'Consent event'), (2, 'Published version of a page'), (3, 'Built-in wording'), (4, 'Erasure'), (5, 'Removal of old evidence')], verbose_name='what it is of'),
        ),
        migrations.RunPython(keep, remove_triggers),
    ]
