"""Salesforce: a report of contacts or leads by label, and an export by field name.

Source: Salesforce object reference, Contact and Lead.
"""

from audiences.channels import Scope

from ..meanings import FILLED
from .layout import Layout, address, failed, marks, opted_out, profile, table

_COLUMNS = table(
    {
        "Email": address("email"),
        "First Name": profile("first_name"),
        "FirstName": profile("first_name"),
        "Last Name": profile("last_name"),
        "Phone": address("phone"),
        "Business Phone": address("phone"),
        "Mobile": address("sms"),
        "Mobile Phone": address("sms"),
        "MobilePhone": address("sms"),
        "Fax": address("fax"),
        "Business Fax": address("fax"),
        "Mailing Country Code": profile("country"),
        "MailingCountryCode": profile("country"),
        "Email Opt Out": opted_out(Scope.EMAIL),
        "HasOptedOutOfEmail": opted_out(Scope.EMAIL),
        "Do Not Call": opted_out(Scope.PHONE),
        "DoNotCall": opted_out(Scope.PHONE),
        "Fax Opt Out": opted_out(Scope.FAX),
        "HasOptedOutOfFax": opted_out(Scope.FAX),
        "Email Bounced Date": failed("email", FILLED),
        "EmailBouncedDate": failed("email", FILLED),
        "Email Bounced Reason": failed("email", FILLED),
        "EmailBouncedReason": failed("email", FILLED),
    },
    (
        *("Contact ID", "Lead ID", "Id", "Account ID", "AccountId", "Account Name"),
        *("Contact Owner", "OwnerId", "Title", "Department", "Name", "Lead Source"),
        *(
            "Mailing Street",
            "Mailing City",
            "Mailing State/Province",
            "Mailing Country",
        ),
        *("Mailing Zip/Postal Code", "MailingStreet", "MailingCity", "MailingState"),
        *("MailingPostalCode", "MailingCountry", "IsEmailBounced", "Is Email Bounced"),
        *(
            "CreatedDate",
            "LastModifiedDate",
            "SystemModstamp",
            "IsDeleted",
            "LeadSource",
        ),
    ),
)

LAYOUTS = tuple(
    Layout(name=name, marks=marks(*found), columns=_COLUMNS)
    for name, found in (
        ("Salesforce (report)", ("Email", "Email Opt Out")),
        ("Salesforce (API)", ("Email", "HasOptedOutOfEmail")),
        ("Salesforce (report)", ("Email", "Do Not Call")),
        ("Salesforce (API)", ("Email", "DoNotCall", "Id")),
    )
)
