"""The channels, their flag on the profile, and what kind of address each takes."""

from enum import Enum

from django.db import models
from django.utils.translation import gettext_lazy as _

ANY = "any"
ANY_FLAG = "no_longer_contact"


class Channel(models.TextChoices):
    """Where a person can be contacted (P1). The codes are public."""

    EMAIL = "email", _("Email")
    SMS = "sms", _("SMS")
    PHONE = "phone", _("Phone")
    DIRECT_MAIL = "direct_mail", _("Direct mail")
    PUSH = "push", _("Push")
    FAX = "fax", _("Fax")


class Scope(models.TextChoices):
    """What an opt-out or opt-in is about: one channel, or any channel (P2)."""

    ANY = "any", _("Any channel")
    EMAIL = "email", _("Email")
    SMS = "sms", _("SMS")
    PHONE = "phone", _("Phone")
    DIRECT_MAIL = "direct_mail", _("Direct mail")
    PUSH = "push", _("Push")
    FAX = "fax", _("Fax")

    @property
    def flag(self) -> str:
        """The profile's field that is true while opted out of this scope."""
        return flag_name(self)


class AddressKind(Enum):
    """How the addresses of a channel are written and compared."""

    EMAIL = "email"
    NUMBER = "number"
    POSTAL = "postal"
    TOKEN = "token"  # noqa: S105  (a device token, no secret)


ADDRESS_KINDS: dict[str, AddressKind] = {
    Channel.EMAIL: AddressKind.EMAIL,
    Channel.SMS: AddressKind.NUMBER,
    Channel.PHONE: AddressKind.NUMBER,
    Channel.DIRECT_MAIL: AddressKind.POSTAL,
    Channel.PUSH: AddressKind.TOKEN,
    Channel.FAX: AddressKind.NUMBER,
}


def flag_name(scope: str) -> str:
    """The name of the *no longer contact* flag for a channel code or for "any"."""
    return ANY_FLAG if scope == ANY else f"{ANY_FLAG}_{Channel(scope).value}"


FLAGS: dict[Scope, str] = {scope: flag_name(scope) for scope in Scope}
