"""Delivery: what is sent, to whom, and what came back."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class DeliveryConfig(AppConfig):
    name = "delivery"
    verbose_name = _("Delivery")

    def ready(self) -> None:
        # Models cannot be imported before the registry is ready.
        from audiences import history_guards
        from audiences.signals import (
            address_stop_requested,
            address_stop_withdrawn,
            addresses_attached,
            mail_to_be_sent,
            profile_erased,
        )

        from . import (  # noqa: F401  (those that register something)
            bulk_quarantine,
            condition_nodes,
            figures,
            messages,
            quarantine,
            roles,
            typologies,
        )
        from .feedback import keyword_rows, mail_items
        from .hooks import readers
        from .models import message_events

        readers.register()
        post_migrate.connect(typologies.keep_in_step, sender=self)
        post_migrate.connect(keyword_rows.keep_in_step, sender=self)
        addresses_attached.connect(quarantine.mark_attached_addresses)
        address_stop_requested.connect(quarantine.stop_address)
        address_stop_withdrawn.connect(quarantine.withdraw_stop)
        mail_to_be_sent.connect(quarantine.forbid_denylisted)
        profile_erased.connect(messages.forget_person)
        mail_items.register()
        history_guards.register(
            history_guards.Guard(
                message_events.MessageEvent,
                "What became of messages is append-only",
                may_be_emptied=message_events.MAY_BE_EMPTIED,
            )
        )
