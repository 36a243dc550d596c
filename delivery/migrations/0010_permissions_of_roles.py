"""Permissions to prepare, to send and to release."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("delivery", "0005_keywords_and_webhooks")]

    operations = [
        migrations.AlterModelOptions(
            name="delivery",
            options={
                "ordering": ["-id"],
                "permissions": [
                    (
                        "skip_denylist",
                        "Can make deliveries that reach opted-out people",
                    ),
                    ("prepare_delivery", "Can prepare deliveries, and stop it"),
                    (
                        "send_delivery",
                        "Can send, pause, resume and cancel deliveries",
                    ),
                ],
                "verbose_name": "delivery",
                "verbose_name_plural": "deliveries",
            },
        ),
        migrations.AlterModelOptions(
            name="quarantineentry",
            options={
                "ordering": ["-last_error_at", "-id"],
                "permissions": [
                    (
                        "release_quarantineentry",
                        "Can release addresses from quarantine",
                    )
                ],
                "verbose_name": "quarantine entry",
                "verbose_name_plural": "quarantine",
            },
        ),
    ]
