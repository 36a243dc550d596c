"""An extraction file may have own fields among its columns: a longer list."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("delivery", "0044_tags_of_deliveries")]

    operations: ClassVar = [
        migrations.AlterField(
            "delivery",
            "label",
            models.CharField(
                "label",
                help_text="Its name for operators; recipients do not see it.",
                max_length=150,
                unique=True,
            ),
        ),
        migrations.AlterField(
            "delivery",
            "columns",
            models.CharField(
                "columns",
                blank=True,
                help_text=(
                    "Of the extraction file, in order; empty means those of every file."
                ),
                max_length=2000,
            ),
        ),
    ]
