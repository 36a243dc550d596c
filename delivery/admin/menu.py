"""What `delivery` has in the console's menu."""

from django.utils.translation import gettext_lazy as _

from audiences.console.navigation import Entry, Section, add, of_model

add(
    of_model(Section.DELIVERIES, _("Deliveries"), "delivery.delivery", 10),
    of_model(
        Section.QUARANTINE, _("Quarantined addresses"), "delivery.quarantineentry", 10
    ),
    of_model(Section.FEEDBACK, _("Inbound"), "delivery.inbounditem", 10),
    Entry(
        Section.FEEDBACK,
        _("Failures and complaints"),
        "admin:delivery_inbounditem_figures",
        ("delivery.view_inbounditem", "delivery.change_inbounditem"),
        20,
    ),
    of_model(Section.FEEDBACK, _("Message events"), "delivery.messageevent", 30),
    of_model(Section.FEEDBACK, _("Address errors"), "delivery.addresserror", 40),
    of_model(Section.SETTINGS, _("Senders"), "delivery.sender", 7),
    of_model(Section.SETTINGS, _("Seed addresses"), "delivery.seed", 8),
    of_model(Section.SETTINGS, _("Typologies"), "delivery.typology", 10),
    of_model(Section.SETTINGS, _("Typology rules"), "delivery.typologyrule", 20),
    of_model(Section.SETTINGS, _("Keywords"), "delivery.keyword", 30),
    of_model(Section.LOGS, _("Analyses"), "delivery.analysis", 28),
    of_model(Section.LOGS, _("Messages"), "delivery.message", 30),
    of_model(Section.LOGS, _("Quarantine actions"), "delivery.quarantineaction", 40),
    of_model(Section.LOGS, _("Webhook counters"), "delivery.hookcount", 50),
)
