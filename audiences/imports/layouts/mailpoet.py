"""MailPoet: an export of subscribers, one row for each list that somebody is on.

Who left one list, and who never confirmed, has opted out of email here. Its quotes
within cells are \\" and not "". Source: MailPoet's export and its knowledge base,
"Subscriber statuses".
"""

from ..meanings import Column, When, when
from .layout import Layout, address, marks, profile, table

_STATUS = When(
    frozenset(("unsubscribed", "unconfirmed", "afgemeld", "onbevestigd")),
    frozenset(("subscribed", "inactive", "bounced", "aangemeld", "inactief")),
)
_BOTH = (
    Column("no_longer_contact_email", "flag", when=_STATUS, adds_up=True),
    Column("email", "failure", when=when("bounced"), adds_up=True),
)
_COLUMNS = table(
    {
        "Email": address("email"),
        "First name": profile("first_name"),
        "Last name": profile("last_name"),
        "Global status": _BOTH,
        "List status": _BOTH,
        "Status": _BOTH,
    },
    (
        *("List", "Subscription IP", "Subscription time", "Confirmation time"),
        *("Confirmation IP", "IP address", "Subscribed IP", "Tags"),
    ),
)

LAYOUTS = tuple(
    Layout(name="MailPoet", marks=marks("Email", *found), columns=_COLUMNS)
    for found in (
        ("Global status",),
        ("List status",),
        ("First name", "Last name", "Status", "List"),
        ("First name", "Last name", "List", "Subscription time"),
    )
)
