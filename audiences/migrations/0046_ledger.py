"""The ledger, and when each event was written down, which triggers note.

Events from before have no such moment: the ledger seals them as it found them.
"""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models.functions import Now


def introduce(apps, schema_editor):
    """From this moment on it is known when each event was written down."""
    apps.get_model("audiences", "LedgerState").objects.create(
        origin="", introduced_at=Now()
    )


def keep(apps, schema_editor):
    """`migrate` ends with installing the triggers that fill the column."""


def remove_triggers(apps, schema_editor):
    """Without the column their triggers would refuse every row."""
    from audiences.consent import guards

    guards.remove()


class Migration(migrations.Migration):

    dependencies = [
        ("audiences", "0045_privacy"),
    ]

    operations = [
        migrations.CreateModel(
            name='LedgerCheckpoint',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('size', models.BigIntegerField(unique=True, verbose_name='leaves')),
                ('note', models.TextField(help_text='As others read it: a signed note (C2SP).', verbose_name='signed note')),
                ('made_at', models.DateTimeField(verbose_name='made')),
            ],
            options={
                'verbose_name': 'checkpoint',
                'verbose_name_plural': 'checkpoints',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='LedgerErasure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('profile_id', models.BigIntegerField(unique=True, verbose_name='profile')),
                ('subject', models.BinaryField(verbose_name='name in the ledger')),
                ('at', models.DateTimeField(null=True, verbose_name='erased')),
                ('is_sealed', models.BooleanField(default=False, verbose_name='sealed')),
            ],
            options={
                'verbose_name': 'erasure',
                'verbose_name_plural': 'erasures',
            },
        ),
        migrations.CreateModel(
            name='LedgerLeaf',
            fields=[
                ('id', models.BigIntegerField(primary_key=True, serialize=False, verbose_name='place')),
                ('kind', models.PositiveSmallIntegerField(choices=[(0, 'Introduction of the ledger'), (1, 'Consent event'), (2, 'Published version of a page'), (3, 'Built-in wording'), (4, 'Erasure')], verbose_name='what it is of')),
                ('source_id', models.BigIntegerField(verbose_name='number of that row')),
                ('hash', models.BinaryField(verbose_name='hash')),
                ('evidence', models.BinaryField(null=True, verbose_name='digest of the evidence')),
            ],
            options={
                'verbose_name': 'leaf of the ledger',
                'verbose_name_plural': 'leaves of the ledger',
            },
        ),
        migrations.CreateModel(
            name='LedgerNode',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('level', models.PositiveSmallIntegerField(verbose_name='level')),
                ('number', models.BigIntegerField(verbose_name='number')),
                ('hash', models.BinaryField(verbose_name='hash')),
            ],
            options={
                'verbose_name': 'node of the ledger',
                'verbose_name_plural': 'nodes of the ledger',
            },
        ),
        migrations.CreateModel(
            name='LedgerOutlet',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=20, unique=True, verbose_name='place')),
                ('size', models.BigIntegerField(default=0, verbose_name='leaves')),
                ('sent_at', models.DateTimeField(null=True, verbose_name='last sent')),
                ('problem', models.TextField(blank=True, verbose_name='problem')),
            ],
            options={
                'verbose_name': 'place for checkpoints',
                'verbose_name_plural': 'places for checkpoints',
            },
        ),
        migrations.CreateModel(
            name='LedgerSalt',
            fields=[
                ('profile_id', models.BigIntegerField(primary_key=True, serialize=False, verbose_name='profile')),
                ('salt', models.BinaryField(verbose_name='salt')),
            ],
            options={
                'verbose_name': 'salt of a person',
                'verbose_name_plural': 'salts of people',
            },
        ),
        migrations.CreateModel(
            name='LedgerStamp',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('token', models.BinaryField(verbose_name='answer of the service')),
                ('stamped_at', models.DateTimeField(verbose_name='time by the service')),
            ],
            options={
                'verbose_name': 'time stamp',
                'verbose_name_plural': 'time stamps',
            },
        ),
        migrations.CreateModel(
            name='LedgerState',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('origin', models.CharField(max_length=200, verbose_name='name of the ledger')),
                ('introduced_at', models.DateTimeField(verbose_name='introduced')),
                ('transaction_id', models.BigIntegerField(default=0)),
                ('event_id', models.BigIntegerField(default=0)),
                ('sealed_at', models.DateTimeField(null=True, verbose_name='last sealed')),
            ],
            options={
                'verbose_name': 'state of the ledger',
                'verbose_name_plural': 'state of the ledger',
            },
        ),
        migrations.CreateModel(
            name='LedgerWording',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, unique=True, verbose_name='name')),
                ('content', models.JSONField(verbose_name='content')),
                ('kept_at', models.DateTimeField(verbose_name='kept')),
            ],
            options={
                'verbose_name': 'built-in wording',
                'verbose_name_plural': 'built-in wordings',
            },
        ),
        migrations.RemoveIndex(
            model_name='consentevent',
            name='consent_by_transaction',
        ),
        migrations.AddField(
            model_name='consentevent',
            name='recorded_at',
            field=models.DateTimeField(editable=False, help_text='When it was written down, which the database itself notes.', null=True, verbose_name='recorded'),
        ),
        migrations.AddIndex(
            model_name='consentevent',
            index=models.Index(fields=['transaction_id', 'id'], name='consent_by_transaction'),
        ),
        migrations.AddIndex(
            model_name='ledgererasure',
            index=models.Index(condition=models.Q(('is_sealed', False)), fields=['id'], name='ledgererasure_to_seal'),
        ),
        migrations.AddConstraint(
            model_name='ledgerleaf',
            constraint=models.UniqueConstraint(fields=('kind', 'source_id'), name='ledgerleaf_once'),
        ),
        migrations.AddConstraint(
            model_name='ledgernode',
            constraint=models.UniqueConstraint(fields=('level', 'number'), name='ledgernode_once'),
        ),
        migrations.AddField(
            model_name='ledgerstamp',
            name='checkpoint',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='stamps', to='audiences.ledgercheckpoint'),
        ),
        migrations.RunPython(introduce, migrations.RunPython.noop),
        migrations.RunPython(keep, remove_triggers),
    ]
