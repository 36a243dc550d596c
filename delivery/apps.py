"""Delivery: what is sent, to whom, and what came back."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class DeliveryConfig(AppConfig):
    name = "delivery"
    verbose_name = "Delivery"

    def ready(self) -> None:
        # Models cannot be imported before the registry is ready.
        from audiences.signals import addresses_attached, profile_erased

        from . import condition_nodes, messages, quarantine, typologies  # noqa: F401

        post_migrate.connect(typologies.keep_in_step, sender=self)
        addresses_attached.connect(quarantine.mark_attached_addresses)
        profile_erased.connect(messages.forget_person)
