"""Audiences: who may be contacted, where, and what they asked for."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class AudiencesConfig(AppConfig):
    name = "audiences"
    verbose_name = _("Audiences")

    def ready(self) -> None:
        # Models cannot be imported before the registry is ready.
        from . import (  # noqa: F401  (those that register something)
            checks,
            condition_nodes,
            history_guards,
            link_requests,
            membership,
            names,
            reach_figures,
            roles,
            service_figures,
        )

        checks.register()
        post_migrate.connect(history_guards.install_after_migrate)
        post_migrate.connect(names.install_after_migrate, sender=self)
        post_migrate.connect(roles.keep_in_step, sender=self)
