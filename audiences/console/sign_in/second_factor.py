"""The second factor: codes of an app (TOTP, RFC 6238) and recovery codes.

Optional for everybody. Whoever may give away power or erase people needs one, unless
`SECOND_FACTOR` says otherwise. The devices are those of django-otp.
"""

from typing import Any

import django_otp
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from audiences.models import Role
from audiences.roles import Code

RECOVERY_CODES = 10
DIGITS = 6
# Values of SECOND_FACTOR: who needs one.
NOBODY, POWERFUL, EVERYBODY = "optional", "administrators", "everybody"
CHOICES = (NOBODY, POWERFUL, EVERYBODY)
_POWERFUL_ROLES = (Code.ADMINISTRATOR, Code.PROTECTION_OFFICER)


def is_needed_by(user: Any) -> bool:
    """Whether somebody must have one: superusers and whoever has a powerful role."""
    if settings.SECOND_FACTOR == NOBODY:
        return False
    if settings.SECOND_FACTOR == EVERYBODY or user.is_superuser:
        return True
    roles = Role.objects.filter(code__in=_POWERFUL_ROLES, group__user=user)
    return roles.exists()


def has_one(user: Any) -> bool:
    return bool(TOTPDevice.objects.filter(user=user, confirmed=True).exists())


def begin(user: Any) -> TOTPDevice:
    """A new key that nothing depends on until a code of it is given."""
    with transaction.atomic():
        TOTPDevice.objects.filter(user=user, confirmed=False).delete()
        return TOTPDevice.objects.create(user=user, name="app", confirmed=False)


def waiting(user: Any) -> TOTPDevice | None:
    """The key that was shown and not yet confirmed."""
    return TOTPDevice.objects.filter(user=user, confirmed=False).first()


def confirm(request: HttpRequest, code: str) -> list[str]:
    """The first code of a new key: it counts from now on; returns recovery codes.

    Empty when the code is wrong. The session has proved the factor with it.
    """
    user = request.user
    with transaction.atomic():
        own = TOTPDevice.objects.select_for_update().filter(user=user, confirmed=False)
        device = own.first()
        if device is None or has_one(user) or not device.verify_token(_plain(code)):
            return []
        device.confirmed = True
        device.save()
        codes = renew_recovery_codes(user)
    django_otp.login(request, device)
    return codes


def proved(user: Any, code: str) -> Any:
    """The device that the code proves, of the app or of recovery; None when wrong.

    No code counts twice, also not at the same moment: the device's row is locked.
    """
    plain = _plain(code)
    is_of_app = plain.isdecimal() and len(plain) <= DIGITS
    kind = TOTPDevice if is_of_app else StaticDevice
    for device in kind.objects.filter(user=user, confirmed=True):
        if found := django_otp.verify_token(user, device.persistent_id, plain):
            return found
    return None


def renew_recovery_codes(user: Any) -> list[str]:
    """New recovery codes; those of before stop working. They are shown once."""
    codes = [StaticToken.random_token() for _number in range(RECOVERY_CODES)]
    with transaction.atomic():
        StaticDevice.objects.filter(user=user).delete()
        device = StaticDevice.objects.create(user=user, name="recovery")
        tokens = [StaticToken(device=device, token=code) for code in codes]
        StaticToken.objects.bulk_create(tokens)
    return codes


def recovery_codes_left(user: Any) -> int:
    return int(StaticToken.objects.filter(device__user=user).count())


def reset(user: Any) -> bool:
    """Take the second factor away; false when there was none."""
    with transaction.atomic():
        StaticDevice.objects.filter(user=user).delete()
        return bool(TOTPDevice.objects.filter(user=user).delete()[0])


def _plain(code: str) -> str:
    """A code as it is compared: people type spaces and dashes, and capitals."""
    return "".join(c for c in code if c.isalnum()).lower()[:16]
