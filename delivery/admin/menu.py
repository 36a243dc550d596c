"""What `delivery` has in the console's menu."""

from django.utils.translation import gettext_lazy as _

from audiences.console.navigation import Section, add, of_model

add(
    of_model(Section.DELIVERIES, _("Deliveries"), "delivery.delivery", 10),
    of_model(
        Section.QUARANTINE, _("Quarantined addresses"), "delivery.quarantineentry", 10
    ),
    of_model(Section.FEEDBACK, _("Errors of addresses"), "delivery.addresserror", 10),
    of_model(Section.SETTINGS, _("Typologies"), "delivery.typology", 10),
    of_model(Section.SETTINGS, _("Rules"), "delivery.typologyrule", 20),
    of_model(Section.LOGS, _("Messages handed over"), "delivery.message", 30),
    of_model(Section.LOGS, _("Quarantine decisions"), "delivery.quarantineaction", 40),
)
