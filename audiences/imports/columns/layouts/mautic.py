"""Mautic: an export of contacts. "Do not contact" is about email unless it says SMS.

Source: Mautic documentation, "Contacts" and "Do not contact", and its field aliases.
"""

from audiences.channels import Scope

from ..meanings import TRUE, When, when
from .layout import Layout, address, failed, marks, opted_out, profile, table

# A number is the reason: 1 unsubscribed, 2 bounced, 3 by hand.
_DNC = When(
    TRUE | {"2", "3", "unsubscribed", "bounced", "manual", "email"},
    frozenset(("0", "false", "no", "contactable", "[]")),
)
_SMS = When(_DNC.yes | {"sms"}, _DNC.no)
_BOUNCED = failed("email", when("bounced", "bounce", "2"))
# Any other reason is a wish, also where no column says it of the channel.
_REASON = When(
    no=frozenset(("0", "contactable", "is_contactable", "bounced", "bounce", "2")),
    filled=True,
)
_COLUMNS = table(
    {
        "email": address("email"),
        "firstname": profile("first_name"),
        "lastname": profile("last_name"),
        "mobile": address("sms"),
        "phone": address("phone"),
        "fax": address("fax"),
        "preferred_locale": profile("language"),
        "doNotContact": opted_out(Scope.EMAIL, _DNC),
        "doNotEmail": opted_out(Scope.EMAIL, _DNC),
        "Do Not Contact": opted_out(Scope.EMAIL, _DNC),
        "dnc": opted_out(Scope.EMAIL, _DNC),
        "doNotSms": opted_out(Scope.SMS, _SMS),
        "dnc_reason": _BOUNCED + opted_out(Scope.EMAIL, _REASON),
        "dnc_channel": opted_out(Scope.SMS, when("sms", "text"))
        + opted_out(Scope.EMAIL, when("email", "e-mail")),
        "DNC reason": _BOUNCED + opted_out(Scope.EMAIL, _REASON),
    },
    (
        *("id", "title", "company", "position", "points", "stage", "owner", "tags"),
        *("address1", "address2", "city", "state", "zipcode", "country", "timezone"),
        *("dateAdded", "dateIdentified", "lastActive", "dateModified", "attribution"),
        *("attribution_date", "website", "facebook", "foursquare", "instagram"),
        *("linkedin", "skype", "twitter", "ipAddresses", "createdByUser", "doNotPush"),
        "dnc_comments",
    ),
)

LAYOUTS = tuple(
    Layout(name="Mautic", marks=marks("email", "firstname", found), columns=_COLUMNS)
    for found in ("doNotContact", "dnc", "doNotEmail", "dateIdentified")
)
