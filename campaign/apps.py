"""The project itself as an app, so that its system checks are found."""

from django.apps import AppConfig
from django.contrib.admin.apps import SimpleAdminConfig


class CampaignConfig(AppConfig):
    name = "campaign"

    def ready(self) -> None:
        from . import checks, database_checks, number_checks, webhook_checks  # noqa: F401  (register the checks)


class ConsoleConfig(SimpleAdminConfig):
    """Django's admin with our site in the place of its own.

    Its pages are found with the addresses (`campaign.urls`): commands and workers have
    none to show, and start sooner without them.
    """

    default_site = "audiences.console.site.Console"
