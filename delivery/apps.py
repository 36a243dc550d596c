"""Delivery: what is sent, to whom, and what came back."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class DeliveryConfig(AppConfig):
    name = "delivery"
    verbose_name = _("Delivery")

    def ready(self) -> None:
        # Models cannot be imported before the registry is ready.
        from audiences.consent import guards
        from audiences.signals import (
            address_stop_requested,
            address_stop_withdrawn,
            addresses_attached,
            mail_to_be_sent,
            profile_erased,
        )
        from delivery import roles  # noqa: F401
        from delivery.feedback.mails import items
        from delivery.feedback.texts import keyword_rows
        from delivery.hooks import readers
        from delivery.models import message_events
        from delivery.quarantine import figures, people  # noqa: F401
        from delivery.quarantine import writing as quarantine
        from delivery.rules import message_nodes, typologies  # noqa: F401
        from delivery.sending import handover

        readers.register()
        post_migrate.connect(typologies.keep_in_step, sender=self)
        post_migrate.connect(keyword_rows.keep_in_step, sender=self)
        addresses_attached.connect(quarantine.mark_attached_addresses)
        address_stop_requested.connect(quarantine.stop_address)
        address_stop_withdrawn.connect(quarantine.withdraw_stop)
        mail_to_be_sent.connect(quarantine.forbid_denylisted)
        profile_erased.connect(handover.forget_person)
        items.register()
        guards.register(
            guards.Guard(
                message_events.MessageEvent,
                "What became of messages is append-only",
                may_be_emptied=message_events.MAY_BE_EMPTIED,
            )
        )
