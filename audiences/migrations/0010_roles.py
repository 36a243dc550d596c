"""Roles as groups, and permissions for what people's own do not fit."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("audiences", "0006_services_and_double_opt_in"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.CreateModel(
            name="Role",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                (
                    "code",
                    models.CharField(max_length=30, unique=True, verbose_name="code"),
                ),
                ("granted", models.JSONField(default=list, verbose_name="granted")),
                (
                    "group",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="role",
                        to="auth.group",
                    ),
                ),
            ],
            options={"verbose_name": "role", "verbose_name_plural": "roles"},
        ),
        migrations.AlterModelOptions(
            name="profile",
            options={
                "ordering": ["id"],
                "permissions": [
                    ("opt_out_profile", "Can opt people out"),
                    ("opt_in_profile", "Can opt people in"),
                    ("see_addresses", "Can see whole addresses"),
                    ("import_profile", "Can import people"),
                    ("export_profile", "Can export people, outcomes and quarantine"),
                    ("erase_profile", "Can erase a person"),
                ],
                "verbose_name": "profile",
                "verbose_name_plural": "profiles",
            },
        ),
    ]
