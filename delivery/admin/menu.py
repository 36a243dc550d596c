"""What `delivery` has in the console's menu."""

from django.utils.translation import gettext_lazy as _

from audiences.console import remedies
from audiences.console.guide import places
from audiences.console.navigation import Entry, Section, add, of_model
from audiences.console.remedies import Way
from delivery.roles import PREPARE

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


remedies.add(
    preparation=Way(_("Prepare it"), "delivery_delivery_outcomes", PREPARE),
    content=Way(
        _("Go to the content"), "delivery_delivery_content", "delivery.view_delivery"
    ),
    senders=Way(_("Senders"), "delivery_sender_changelist", "delivery.view_sender"),
    entry=Way(
        _("Show that entry"),
        "delivery_quarantineentry_change",
        "delivery.view_quarantineentry",
    ),
    extraction_file=Way(
        _("How the file is made"), "docs:sending#direct-mail-phone-and-fax"
    ),
)

places.add(
    delivery_delivery="admin#making-and-preparing-one",
    delivery_delivery_content="composing#in-the-console",
    delivery_delivery_rules="rules#your-own-rules-typologies",
    delivery_delivery_outcomes="admin#a-delivery-who-is-excluded-and-why",
    delivery_delivery_why="rules",
    delivery_delivery_compare="admin#a-delivery-who-is-excluded-and-why",
    delivery_delivery_approval="rules#purposes",
    delivery_delivery_test="sending#testing",
    delivery_delivery_send="sending#when-it-begins",
    delivery_quarantineentry="quarantine#statuses",
    delivery_quarantineaction="quarantine#the-entry-follows-from-the-evidence",
    delivery_addresserror="quarantine#what-an-error-does",
    delivery_inbounditem="feedback#what-waits",
    delivery_messageevent="feedback#what-counts",
    delivery_typology="rules#your-own-rules-typologies",
    delivery_typologyrule="rules#your-own-rules-typologies",
    delivery_keyword="sms#keywords",
    delivery_sender="composing#around-a-mail",
    delivery_seed="sending#seeds",
    delivery_hookcount="webhooks",
)
