"""What own fields and their choices are called in other languages; a small table."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("audiences", "0057_counts_of_the_ledger")]

    operations: ClassVar = [
        migrations.AddField(
            "ownfield",
            "texts",
            models.JSONField(
                "in other languages",
                blank=True,
                default=dict,
                db_default={},
                help_text="By language: the label, and the choices by themselves.",
            ),
        ),
        migrations.AlterField(
            "ownfield",
            "is_editable",
            models.BooleanField(
                "recipients may edit it",
                default=False,
                help_text=(
                    "It is then on the page with their preferences, and sign-up pages "
                    "may ask for it."
                ),
            ),
        ),
    ]
