"""Brevo: an export of contacts. Its numbers have the country code without the +.

EXT_ID is the number that you gave a contact yourself. Source: Brevo help, "Export your
contacts", and its API reference.
"""

from audiences.channels import Scope

from ..meanings import When
from .layout import Layout, address, marks, opted_out, profile, table

_STATUS = When(
    frozenset(("unsubscribed", "blocklisted", "blacklisted", "no", "false", "0")),
    frozenset(("subscribed", "yes", "true", "1", "never_subscribed", "-")),
)
_COLUMNS = table(
    {
        "EMAIL": address("email"),
        "FIRSTNAME": profile("first_name"),
        "LASTNAME": profile("last_name"),
        "PRENOM": profile("first_name"),
        "NOM": profile("last_name"),
        "VOORNAAM": profile("first_name"),
        "ACHTERNAAM": profile("last_name"),
        "SMS": address("sms", is_international=True),
        "LANDLINE_NUMBER": address("phone", is_international=True),
        "EXT_ID": profile("external_id"),
        # As long as it was called Sendinblue.
        "BLACKLIST": opted_out(Scope.EMAIL),
        "BLACKLISTED": opted_out(Scope.EMAIL),
        "BLOCKLIST": opted_out(Scope.EMAIL),
        "BLOCKLISTED": opted_out(Scope.EMAIL),
        "EMAIL_BLACKLISTED": opted_out(Scope.EMAIL),
        "EMAIL_BLOCKLISTED": opted_out(Scope.EMAIL),
        "SMS_BLACKLISTED": opted_out(Scope.SMS),
        "SMS_BLOCKLISTED": opted_out(Scope.SMS),
        "EMAIL_MARKETING": opted_out(Scope.EMAIL, _STATUS),
        "SMS_MARKETING": opted_out(Scope.SMS, _STATUS),
    },
    (
        *("CONTACT ID", "OPT_IN", "DOUBLE_OPT-IN", "ADDED_TIME", "MODIFIED_TIME"),
        *("WHATSAPP", "WHATSAPP_BLACKLISTED", "WHATSAPP_MARKETING", "CONTACT_TIMEZONE"),
        *("JOB_TITLE", "LINKEDIN", "LIST_IDS", "TIMEZONE"),
    ),
)

LAYOUTS = tuple(
    Layout(name="Brevo", marks=marks(*found), columns=_COLUMNS)
    for found in (
        ("EMAIL", "EMAIL_BLACKLISTED"),
        ("EMAIL", "EMAIL_BLOCKLISTED"),
        ("EMAIL", "SMS", "BLACKLIST"),
        ("EMAIL", "SMS", "BLACKLISTED"),
        ("EMAIL", "CONTACT ID", "EMAIL_MARKETING"),
        ("EMAIL", "CONTACT ID", "ADDED_TIME"),
        ("EMAIL", "ADDED_TIME", "MODIFIED_TIME"),
    )
)
