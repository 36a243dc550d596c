import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("delivery", "0036_senders_and_headers"),
    ]

    operations = [
        migrations.CreateModel(
            name='ContentVariant',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('language', models.CharField(help_text='nl also serves nl-BE, unless that has a variant of its own.', max_length=35, validators=[django.core.validators.RegexValidator('\\A[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*\\Z', 'Write a code of a language, such as nl or en-GB.')], verbose_name='language')),
                ('subject', models.CharField(blank=True, max_length=250, verbose_name='subject')),
                ('preheader', models.CharField(blank=True, max_length=250, verbose_name='preheader')),
                ('content', models.TextField(blank=True, verbose_name='content')),
                ('delivery', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='variants', to='delivery.delivery', verbose_name='delivery')),
            ],
            options={
                'verbose_name': 'variant of a language',
                'verbose_name_plural': 'variants of languages',
                'ordering': ['language'],
                'constraints': [models.UniqueConstraint(fields=('delivery', 'language'), name='variant_once_per_language', violation_error_message='There is a variant of this language.')],
            },
        ),
    ]
