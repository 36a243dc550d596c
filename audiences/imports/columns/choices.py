"""What somebody may say that a column of a file of people means."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from audiences.channels import Channel, Scope

from .meanings import Column

# A column that is left out on purpose.
LEFT_OUT = "-"

LABELS: dict[str, str | Promise] = {
    "external_id": _("number in your own system (external id)"),
    "first_name": _("first name"),
    "last_name": _("last name"),
    "full_name": _("first and last name in one"),
    "language": _("language"),
    "country": _("country"),
    **{str(channel.value): channel.label for channel in Channel},
    "email_2": _("second email address"),
    "sms_2": _("second mobile number"),
    "international_sms": _("SMS number with its country code and no +"),
    "international_phone": _("phone number with its country code and no +"),
    "no_longer_contact": _("opted out: any channel"),
    "no_longer_contact_email": _("opted out: email"),
    "no_longer_contact_sms": _("opted out: SMS"),
    "no_longer_contact_phone": _("opted out: phone"),
    "no_longer_contact_direct_mail": _("opted out: direct mail"),
    "no_longer_contact_push": _("opted out: push"),
    "no_longer_contact_fax": _("opted out: fax"),
    "tags": _("tags, with ; between them"),
    "failed_email": _("the email address does not work"),
}
SCOPES = [(str(scope), scope.label) for scope in Scope]


def name_of_choice(column: Column) -> str:
    """The choice that means the same as a column, empty when there is none."""
    name = str(column)
    if column.kind == "own":
        return f"field: {name}"
    if column.is_international:
        name = f"international_{column.name}"
    return name if name in LABELS else ""
