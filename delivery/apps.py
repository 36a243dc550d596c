"""Delivery: what is sent, to whom, and what came back."""

from importlib import import_module

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

# Modules that register something as they are imported.
REGISTERING = """
    delivery.feedback.figures
    delivery.personal_places
    delivery.quarantine.figures
    delivery.quarantine.files
    delivery.quarantine.people
    delivery.roles
    delivery.rules.checks
    delivery.rules.message_nodes
""".split()


class DeliveryConfig(AppConfig):
    name = "delivery"
    verbose_name = _("Delivery")

    def ready(self) -> None:
        # Models cannot be imported before the registry is ready.
        from audiences.changes import Watch
        from audiences.consent import guards
        from audiences.signals import (
            address_stop_requested,
            address_stop_withdrawn,
            addresses_attached,
            addresses_failed,
            audience_changed,
            audience_to_be_changed,
            mail_to_be_sent,
            profile_erased,
        )
        from delivery import approvals
        from delivery.feedback import reported
        from delivery.feedback.mails import reader
        from delivery.feedback.text_messages import keywords
        from delivery.hooks import readers
        from delivery.models import message_events, messages
        from delivery.quarantine import listeners
        from delivery.rules import writing
        from delivery.sending import handover

        for name in REGISTERING:
            import_module(name)
        readers.register()
        post_migrate.connect(writing.keep_in_step, sender=self)
        post_migrate.connect(keywords.keep_in_step, sender=self)
        addresses_attached.connect(listeners.mark_attached_addresses)
        addresses_failed.connect(listeners.quarantine_failed)
        address_stop_requested.connect(listeners.stop_address)
        address_stop_withdrawn.connect(listeners.withdraw_stop)
        audience_to_be_changed.connect(approvals.forbid_change)
        audience_changed.connect(approvals.note_change)
        mail_to_be_sent.connect(listeners.forbid_mail)
        profile_erased.connect(handover.forget_person)
        reader.register()
        reported.register()
        guards.register(
            guards.Guard(
                message_events.MessageEvent,
                "What became of messages is append-only",
                may_be_emptied=message_events.MAY_BE_EMPTIED,
            ),
            Watch(messages.Message),
        )
