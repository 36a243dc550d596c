"""HubSpot: contacts by label and by internal name, and the list of unsubscribes.

Who has left one kind of mail has opted out of email here: there is nothing narrower to
put it in, and too few mails are better than one too many. Source: HubSpot knowledge
base, "Default contact properties" and "Export unsubscribes and bounces".
"""

import re

from audiences.channels import Scope

from ..meanings import FILLED, YES_OR_NO, When
from .layout import (
    PASSED_OVER,
    Layout,
    address,
    failed,
    marks,
    opted_out,
    profile,
    table,
)

# The reason of the bounce, or TRUE.
_BOUNCED = When(no=frozenset(("false", "no", "0")), filled=True)
_COLUMNS = table(
    {
        "Email": address("email"),
        "Additional email addresses": address("email", 2),
        "hs_additional_emails": address("email", 2),
        "First Name": profile("first_name"),
        "Last Name": profile("last_name"),
        "Phone Number": address("phone"),
        "Phone": address("phone"),
        "Mobile Phone Number": address("sms"),
        "mobilephone": address("sms"),
        "Fax Number": address("fax"),
        "Fax": address("fax"),
        "Preferred language": profile("language"),
        "hs_language": profile("language"),
        "Unsubscribed from all email": opted_out(Scope.EMAIL),
        "hs_email_optout": opted_out(Scope.EMAIL),
        "Email hard bounce reason": failed("email", FILLED),
        "hs_email_hard_bounce_reason": failed("email", FILLED),
        "hs_email_hard_bounce_reason_enum": failed("email", FILLED),
        "Invalid email address": failed("email", YES_OR_NO),
        "hs_email_bad_address": failed("email", YES_OR_NO),
        # What HubSpot itself does not send to any more.
        "Email Address Quarantined": failed("email", YES_OR_NO),
        "hs_email_quarantined": failed("email", YES_OR_NO),
        "Email address quarantine reason": failed("email", FILLED),
        "Email address automated quarantine reason": failed("email", FILLED),
        "hs_email_quarantined_reason": failed("email", FILLED),
        "Portal Unsubscribe": opted_out(Scope.EMAIL),
        "Portal Spam Report": opted_out(Scope.EMAIL),
        "Portal Bounce": failed("email", _BOUNCED),
        "Global Bounce": failed("email", _BOUNCED),
        "Global Unsubscribe": opted_out(Scope.EMAIL),
        "Global Spam Report": opted_out(Scope.EMAIL),
        "WhatsApp opted out": PASSED_OVER,
    },
    (
        *("Record ID", "Country/Region", "Country", "Lifecycle Stage", "Email Domain"),
        *("Lead Status", "Contact owner", "Create Date", "City", "Company Name"),
        *(
            "Legal basis for processing contact's data",
            "hs_legal_basis",
            "hs_object_id",
        ),
        *("Marketing contact status", "hs_marketable_status"),
        "Marketing email confirmation status",
    ),
)
_PATTERNS = (
    (re.compile("^optedoutofemail"), opted_out(Scope.EMAIL)),
    (re.compile(r"^hsemailoptout\d"), opted_out(Scope.EMAIL)),
    # Counts and dates of what was sent, and where a contact came from.
    (re.compile("^marketing(email|contact)|marketingemail|^sendssince"), PASSED_OVER),
    (re.compile("^(hsemail|hsmarketable)"), PASSED_OVER),
)

LAYOUTS = tuple(
    Layout(name=name, marks=marks(*found), columns=_COLUMNS, patterns=_PATTERNS)
    for name, found in (
        ("HubSpot", ("Email", "Unsubscribed from all email")),
        ("HubSpot", ("Email", "Record ID", "Lifecycle Stage")),
        ("HubSpot", ("email", "hs_email_optout")),
        ("HubSpot (unsubscribes)", ("Email", "Portal Unsubscribe")),
        ("HubSpot (bounces)", ("Email", "Portal Bounce")),
    )
)
