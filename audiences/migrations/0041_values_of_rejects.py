from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("audiences", "0040_waiting_for_columns"),
    ]

    operations = [
        migrations.AddField(
            model_name='importreject',
            name='values',
            field=models.JSONField(db_default={}, default=dict, verbose_name='values'),
        ),
    ]
