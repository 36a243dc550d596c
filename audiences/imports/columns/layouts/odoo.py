"""Odoo: mailing contacts by label and by field name, and the list of blocked addresses.

"Opt Out" is about one mailing list; here it stops email. Source: Odoo documentation,
"Mailing lists" and "Manage unsubscriptions (blacklist)", and the labels of its fields
in the translations of the modules mail and mass_mailing.
"""

import re

from audiences.channels import Scope

from ..meanings import FALSE, TRUE, When
from .layout import (
    EMAIL_LABELS,
    FULL_NAME,
    PASSED_OVER,
    Layout,
    address,
    marks,
    opted_out,
    profile,
    table,
)

# What is active on the blacklist is blocked.
_ACTIVE = When(TRUE, FALSE)
_ACTIVE_LABELS = ("Active", "Actief", "Aktiv", "Actif", "Activo", "Attivo")
_DATE_LABELS = ("Blacklist Date", "Blacklist datum")
_COLUMNS = table(
    {
        **dict.fromkeys(("Name", "Display Name", "Complete Name"), FULL_NAME),
        **dict.fromkeys(("Naam", "Weergavenaam"), FULL_NAME),
        **dict.fromkeys(EMAIL_LABELS, address("email")),
        "Telefoon": address("phone"),
        "Mobiel": address("sms"),
        "Zwarte lijst": opted_out(Scope.EMAIL),
        "Afgemeld": opted_out(Scope.EMAIL),
        "Uitgeschreven": opted_out(Scope.EMAIL),
        "Uitschrijven": opted_out(Scope.EMAIL),
        "First Name": profile("first_name"),
        "Last Name": profile("last_name"),
        "Email": address("email"),
        "Email Address": address("email"),
        "Phone": address("phone"),
        "Mobile": address("sms"),
        "Blacklist": opted_out(Scope.EMAIL),
        "Blacklisted": opted_out(Scope.EMAIL),
        "is_blacklisted": opted_out(Scope.EMAIL),
        "Opt Out": opted_out(Scope.EMAIL),
        "opt_out": opted_out(Scope.EMAIL),
        "phone_sanitized_blacklisted": opted_out(Scope.SMS),
        "mobile_blacklisted": opted_out(Scope.SMS),
        "Blacklisted Phone Is Mobile": opted_out(Scope.SMS),
        "Blacklisted Phone is Phone": opted_out(Scope.PHONE),
        # The label is that of the list for text messages, the name that for calls.
        "Phone Blacklisted": opted_out(Scope.SMS) + opted_out(Scope.PHONE),
    },
    (
        *("id", "External ID", "Title", "Company Name", "company_name", "Country"),
        *("country_id", "country_id/name", "Tags", "tag_ids", "Created on", "Bounce"),
        *("create_date", "Normalized Email", "email_normalized", "message_bounce"),
        *("Mailing Lists", "list_ids", "Salutation", "title_id", "Last Updated on"),
        *("Unsubscription Date", "unsubscription_date", "opt_out_reason_id", "Reason"),
        *("Opt-out Reason", "Salesperson", "Verkoper", "City", "Plaats", "Company"),
        *("Bedrijf", "Land", "Activities", "Activiteiten", "Mailinglijsten"),
    ),
)
# The list of blocked addresses: who is on it, and whether they still are.
_BLOCKED = table(
    {
        **dict.fromkeys(("Email Address", *EMAIL_LABELS), address("email")),
        **dict.fromkeys(_ACTIVE_LABELS, opted_out(Scope.EMAIL, _ACTIVE)),
    },
    (
        *("ID", "External ID", "Externe ID", "Display Name", "Weergavenaam"),
        *("Created on", "Aangemaakt op", "Created by", "Aangemaakt door"),
        *("Last Updated on", "Laatst bijgewerkt op", "Last Updated by"),
        *("Laatst bijgewerkt door", "Reason", "Reden", "Opt-out Reason"),
        *_DATE_LABELS,
    ),
)
_PATTERNS = (
    # Lines of the subscriptions of a contact: "Subscription List/Opt Out".
    (
        re.compile("(subscription|list).*/(optout|isblacklisted|blacklisted)$"),
        opted_out(Scope.EMAIL),
    ),
    (re.compile("^(subscription|mailinglist|list)"), PASSED_OVER),
)

LAYOUTS = (
    *(
        Layout(
            name="Odoo",
            marks=marks(*found),
            columns=_COLUMNS,
            patterns=_PATTERNS,
            has_lines=True,
        )
        for found in (
            ("Email", "Blacklist"),
            ("E-mail", "Blacklist"),
            ("Naam", "E-mail", "Zwarte lijst"),
            ("Email", "Blacklisted"),
            ("name", "email", "is_blacklisted"),
            ("Name", "Email", "Opt Out"),
            ("Naam", "E-mail", "Afgemeld"),
            ("Naam", "E-mail", "Uitgeschreven"),
            ("Naam", "E-mail", "Uitschrijven"),
            ("Name", "Email", "Subscription List/Opt Out"),
            ("Name", "Email", "Subscription Information/Opt Out"),
            ("name", "email", "subscription_ids/opt_out"),
            ("name", "email", "subscription_list_ids/opt_out"),
        )
    ),
    Layout(
        name="Odoo (blacklist)",
        marks=marks("email", "active", "opt_out_reason_id"),
        columns=_COLUMNS | table({"active": opted_out(Scope.EMAIL, _ACTIVE)}),
    ),
    *(
        Layout(
            name="Odoo (blacklist)",
            marks=marks(email, active),
            columns=_BLOCKED,
            spelled=frozenset((email, active)),
        )
        # "email" and "active" could as well be a list of customers.
        for email in ("Email Address", *EMAIL_LABELS)
        for active in _ACTIVE_LABELS
        if email not in ("E-mail", "E-Mail")
    ),
    *(
        Layout(
            name="Odoo (blacklist)",
            marks=marks(email, day),
            lacks=marks(*_ACTIVE_LABELS),
            columns=_BLOCKED,
            everybody=(Scope.EMAIL,),
            spelled=frozenset((email, day)),
        )
        for email in ("Email Address", *EMAIL_LABELS)
        for day in _DATE_LABELS
    ),
)
