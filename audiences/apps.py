"""Audiences: who may be contacted, where, and what they asked for."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class AudiencesConfig(AppConfig):
    name = "audiences"
    verbose_name = _("Audiences")

    def ready(self) -> None:
        # Models cannot be imported before the registry is ready.
        from audiences import checks, roles
        from audiences.conditions import people  # noqa: F401
        from audiences.consent import figures as reach_figures  # noqa: F401
        from audiences.consent import guards
        from audiences.membership import members  # noqa: F401
        from audiences.profiles import name_search
        from audiences.signups import signups  # noqa: F401
        from audiences.subscriptions import figures as service_figures  # noqa: F401

        checks.register()
        post_migrate.connect(guards.install_after_migrate)
        post_migrate.connect(name_search.install_after_migrate, sender=self)
        post_migrate.connect(roles.keep_in_step, sender=self)
