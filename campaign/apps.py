"""The project itself as an app, so that its system checks are found."""

from django.apps import AppConfig


class CampaignConfig(AppConfig):
    name = "campaign"

    def ready(self) -> None:
        from . import checks, webhook_checks  # noqa: F401  (register the checks)
