"""Mailchimp: the three files of an audience export.

Its own columns are English everywhere; labels of people's facts are the audience's.
Source: Mailchimp, "View or export contacts" and "About your audience export".
"""

from audiences.channels import Scope

from ..meanings import FILLED
from .layout import LOCAL, Layout, address, failed, marks, opted_out, profile, table

_COLUMNS = table(
    LOCAL
    | {
        "Email Address": address("email"),
        "First Name": profile("first_name"),
        "Last Name": profile("last_name"),
        "FNAME": profile("first_name"),
        "LNAME": profile("last_name"),
        "Phone Number": address("phone"),
        "SMS Phone Number": address("sms"),
        "UNSUB_TIME": opted_out(Scope.EMAIL, FILLED),
        "CLEAN_TIME": failed("email", FILLED),
        # Only of those who left, or whose address fails; the time may be cut.
        **dict.fromkeys(
            ("UNSUB_CAMPAIGN_TITLE", "UNSUB_CAMPAIGN_ID", "UNSUB_REASON"),
            opted_out(Scope.EMAIL, FILLED),
        ),
        "UNSUB_REASON_OTHER": opted_out(Scope.EMAIL, FILLED),
        "CLEAN_CAMPAIGN_TITLE": failed("email", FILLED),
        "CLEAN_CAMPAIGN_ID": failed("email", FILLED),
    },
    (
        *("Address", "Birthday", "Company", "MEMBER_RATING", "OPTIN_TIME", "OPTIN_IP"),
        *("CONFIRM_TIME", "CONFIRM_IP", "LATITUDE", "LONGITUDE", "GMTOFF", "DSTOFF"),
        *("TIMEZONE", "CC", "REGION", "LAST_CHANGED", "LEID", "EUID", "NOTES", "TAGS"),
    ),
)
_ANY = marks("LEID", "EUID")

LAYOUTS = (
    Layout(
        name="Mailchimp (unsubscribed)",
        marks=_ANY | marks("UNSUB_TIME"),
        lacks=marks("CLEAN_TIME"),
        columns=_COLUMNS,
        everybody=(Scope.EMAIL,),
    ),
    Layout(
        name="Mailchimp (cleaned)",
        marks=_ANY | marks("CLEAN_TIME"),
        lacks=marks("UNSUB_TIME"),
        columns=_COLUMNS,
        all_failed=True,
    ),
    Layout(name="Mailchimp", marks=_ANY, columns=_COLUMNS),
)
