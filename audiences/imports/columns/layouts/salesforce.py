"""Salesforce: a report of contacts or leads by label, and an export by field name.

A person account has the fields of its contact with "Person" before them. Source:
Salesforce object reference, Contact, Lead and Account.
"""

from audiences.channels import Scope

from ..meanings import FILLED, YES_OR_NO
from .layout import Layout, Meanings, address, failed, marks, opted_out, profile, table

_PERSON: dict[str, Meanings] = {
    "PersonEmail": address("email"),
    "PersonMobilePhone": address("sms"),
    "PersonMailingCountryCode": profile("country"),
    "PersonHasOptedOutOfEmail": opted_out(Scope.EMAIL),
    "PersonDoNotCall": opted_out(Scope.PHONE),
    "PersonHasOptedOutOfFax": opted_out(Scope.FAX),
    "PersonEmailBouncedDate": failed("email", FILLED),
    "PersonEmailBouncedReason": failed("email", FILLED),
}
_COLUMNS = table(
    _PERSON
    | {
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
        "IsEmailBounced": failed("email", YES_OR_NO),
        "Is Email Bounced": failed("email", YES_OR_NO),
    },
    (
        *("Contact ID", "Lead ID", "Id", "Account ID", "AccountId", "Account Name"),
        *("Contact Owner", "OwnerId", "Title", "Department", "Name", "Lead Source"),
        *("PersonContactId", "Lead Status", "Company / Account", "Company"),
        *(
            "Mailing Street",
            "Mailing City",
            "Mailing State/Province",
            "Mailing Country",
        ),
        *("Mailing Zip/Postal Code", "MailingStreet", "MailingCity", "MailingState"),
        *("MailingPostalCode", "MailingCountry"),
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
        ("Salesforce (API)", ("PersonEmail", "PersonHasOptedOutOfEmail")),
        ("Salesforce (API)", ("PersonEmail", "PersonDoNotCall")),
        ("Salesforce (report)", ("Email", "Do Not Call")),
        ("Salesforce (API)", ("Email", "DoNotCall", "Id")),
    )
)
