"""Adobe Campaign Standard (and Classic): profiles by label and by attribute.

Source: Adobe Campaign Standard documentation, data model of the resource Profile.
"""

import re

from audiences.channels import Scope

from .layout import PASSED_OVER, Layout, address, marks, opted_out, profile, table

# Attribute, the words of the label after "No longer contact", and those in Dutch.
_FLAGS = (
    (Scope.EMAIL, "Email", "byemail|pere?mail"),
    (Scope.FAX, "Fax", "byfax|perfax"),
    (Scope.SMS, "Mobile", "bysms|bymobile|(met|per|via)sms"),
    (Scope.PHONE, "Phone", "byphone|telefonisch|pertelefoon"),
    (Scope.DIRECT_MAIL, "PostalMail", "bydirectmail|bypost|perdirectmail|perpost"),
    (Scope.PUSH, "Pushnotification", "bypush|pushmelding|pushnotific"),
)
_KNOWN = {
    "externalId": profile("external_id"),
    "External source ID": profile("external_id"),
    "firstName": profile("first_name"),
    "First name": profile("first_name"),
    "Voornaam": profile("first_name"),
    "lastName": profile("last_name"),
    "Last name": profile("last_name"),
    "Achternaam": profile("last_name"),
    "email": address("email"),
    "E-mail": address("email"),
    "mobilePhone": address("sms"),
    "Mobile": address("sms"),
    "Mobiel": address("sms"),
    "phone": address("phone"),
    "Telefoon": address("phone"),
    "fax": address("fax"),
    "preferredLanguage": profile("language"),
    "Preferred language": profile("language"),
    "language": profile("language"),
    "countryIsoA2": profile("country"),
    "blackList": opted_out(Scope.ANY),
    "blackListAll": opted_out(Scope.ANY),
    "blockList": opted_out(Scope.ANY),
    "denyList": opted_out(Scope.ANY),
    **{
        f"{kind}List{name}": opted_out(scope)
        for scope, name, _words in _FLAGS
        for kind in ("black", "block", "deny")
    },
}
_COLUMNS = table(
    # Campaign Classic writes an @ before its attributes.
    _KNOWN | {f"@{name}": means for name, means in _KNOWN.items()},
    (
        *("PKey", "Primary key", "age", "birthDate", "gender", "salutation", "title"),
        *(
            "created",
            "lastModified",
            "cryptedId",
            "domain",
            "emailFormat",
            "isExternal",
        ),
        *("middleName", "timeZone", "thumbnail", "acsId", "href", "country"),
        *("Email domain", "Created", "Last modified", "Gender", "Birth date"),
    ),
)
_NO_LONGER = "(nolongercontact|geencontactmeer|neemnietmeercontactop)"
_PATTERNS = (
    *(
        (re.compile(rf"^{_NO_LONGER}\(?.*({words})"), opted_out(scope))
        for scope, _name, words in _FLAGS
    ),
    (
        re.compile(rf"^{_NO_LONGER}(\(?.*(any|all|kanaal|alle).*)?$"),
        opted_out(Scope.ANY),
    ),
    (re.compile("^(count|kpi|location|postaladdress|subscriptions|logs)"), PASSED_OVER),
)
# "blackList" alone is the heading of another system, too.
_SIGNS = (
    *(("blackListEmail",), ("blockListEmail",), ("denyListEmail",)),
    ("blackList", "PKey"),
    *(("blackList", "lastName", "firstName"), ("blackListMobile",)),
    *(("@blackListEmail",), ("@blackList", "@email")),
    *(("No longer contact by email",), ("No longer contact (by email)",)),
    *(("No longer contact (by any channel)",), ("No longer contact by SMS",)),
    *(("Geen contact meer per e-mail",), ("Geen contact meer (via een kanaal)",)),
)

LAYOUTS = tuple(
    Layout(
        name="Adobe Campaign",
        marks=marks(*signs),
        lacks=marks("is_blacklisted", "Opt Out", "SMS"),
        columns=_COLUMNS,
        patterns=_PATTERNS,
    )
    for signs in _SIGNS
)
