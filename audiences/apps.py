"""Audiences: who may be contacted, where, and what they asked for."""

from importlib import import_module

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.translation import gettext_lazy as _

# Modules that register something as they are imported.
REGISTERING = """
    audiences.audience_lists.importing
    audiences.conditions.date_nodes
    audiences.conditions.group_nodes
    audiences.conditions.people_nodes
    audiences.conditions.text_nodes
    audiences.consent.departures
    audiences.consent.evidence
    audiences.consent.figures
    audiences.consent.reach
    audiences.fields.nodes
    audiences.ledger.checks
    audiences.ledger.guards
    audiences.membership.members
    audiences.privacy.answers
    audiences.privacy.impersonal_places
    audiences.privacy.own_places
    audiences.selections.bulk_acts
    audiences.signups.allowing
    audiences.signups.mailing_links
    audiences.signups.new_addresses
    audiences.signups.requesting
    audiences.subscriptions.figures
    audiences.subscriptions.messages
    audiences.tags.nodes
""".split()


class AudiencesConfig(AppConfig):
    name = "audiences"
    verbose_name = _("Audiences")

    def ready(self) -> None:
        # Models cannot be imported before the registry is ready.
        from audiences import roles
        from audiences.consent import checks, guards, site_role
        from audiences.profiles import name_search
        from audiences.suppression import checks as suppression_checks

        for name in REGISTERING:
            import_module(name)
        checks.register()
        suppression_checks.register()
        pre_migrate.connect(guards.step_aside, sender=self)
        pre_migrate.connect(guards.remove_before_migrate, sender=self)
        post_migrate.connect(guards.install_after_migrate, sender=self)
        post_migrate.connect(name_search.install_after_migrate, sender=self)
        post_migrate.connect(roles.keep_in_step, sender=self)
        post_migrate.connect(site_role.grant_after_migrate, sender=self)
