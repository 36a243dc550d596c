"""Figures of the home page, and the index that counts consent by day."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audiences", "0010_roles")]

    operations = [
        migrations.CreateModel(
            name="Figure",
            fields=[
                (
                    "name",
                    models.CharField(
                        max_length=50,
                        primary_key=True,
                        serialize=False,
                        verbose_name="name",
                    ),
                ),
                ("data", models.JSONField(default=dict, verbose_name="data")),
                ("at", models.DateTimeField(null=True, verbose_name="counted")),
                ("seconds", models.FloatField(default=0, verbose_name="seconds")),
            ],
            options={"verbose_name": "figure", "verbose_name_plural": "figures"},
        ),
        migrations.AddIndex(
            model_name="consentevent",
            index=models.Index(
                condition=models.Q(("kind__in", ["opt_out", "opt_in"])),
                fields=["at", "kind"],
                name="consent_by_time",
            ),
        ),
    ]
