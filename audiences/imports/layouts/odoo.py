"""Odoo: mailing contacts by label and by field name, and the list of blocked addresses.

"Opt Out" is about one mailing list; here it stops email. Source: Odoo documentation,
"Mailing lists" and "Manage unsubscriptions (blacklist)".
"""

import re

from audiences.channels import Scope

from ..meanings import FALSE, TRUE, When
from .layout import (
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
_COLUMNS = table(
    {
        "Name": FULL_NAME,
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
        "Phone Blacklisted": opted_out(Scope.SMS),
        "phone_sanitized_blacklisted": opted_out(Scope.SMS),
        "mobile_blacklisted": opted_out(Scope.SMS),
        "Blacklisted Phone Is Mobile": opted_out(Scope.SMS),
        "Blacklisted Phone is Phone": opted_out(Scope.PHONE),
        "phone_blacklisted": opted_out(Scope.PHONE),
    },
    (
        *("id", "External ID", "Title", "Company Name", "company_name", "Country"),
        *("country_id", "country_id/name", "Tags", "tag_ids", "Created on", "Bounce"),
        *("create_date", "Normalized Email", "email_normalized", "message_bounce"),
        *("Mailing Lists", "list_ids", "Salutation", "title_id", "Last Updated on"),
        *("Unsubscription Date", "unsubscription_date", "opt_out_reason_id", "Reason"),
        "Opt-out Reason",
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
        Layout(name="Odoo", marks=marks(*found), columns=_COLUMNS, patterns=_PATTERNS)
        for found in (
            ("Name", "Email", "Blacklist"),
            ("Name", "Email", "Blacklisted"),
            ("name", "email", "is_blacklisted"),
            ("Name", "Email", "Opt Out"),
            ("Name", "Email", "Subscription List/Opt Out"),
            ("name", "email", "subscription_ids/opt_out"),
            ("name", "email", "subscription_list_ids/opt_out"),
        )
    ),
    Layout(
        name="Odoo (blacklist)",
        marks=marks("email", "active", "opt_out_reason_id"),
        columns=_COLUMNS | table({"active": opted_out(Scope.EMAIL, _ACTIVE)}),
    ),
    Layout(
        name="Odoo (blacklist)",
        marks=marks("Email Address", "Active", "Opt-out Reason"),
        columns=_COLUMNS | table({"active": opted_out(Scope.EMAIL, _ACTIVE)}),
    ),
)
