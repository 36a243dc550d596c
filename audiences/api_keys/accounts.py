"""The account of each key in the console's log, whose rows name a user.

Nobody signs in as one: it is inactive, has no password and no rights. Its name has a
colon, which no name of an operator may have, so that neither is taken for the other.
"""

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.db.models import QuerySet

from audiences.models import ApiKey

MARK = "api:"


def name_of(key: ApiKey) -> str:
    """What histories call a key."""
    return f"{MARK}{key.name}"


def of(key: ApiKey) -> User:
    """The account of a key, made when it first changes something."""
    facts = {"is_active": False, "password": make_password(None)}
    found, _is_new = User.objects.get_or_create(username=name_of(key), defaults=facts)
    return found


def every() -> QuerySet[User]:
    """The accounts of all keys that have changed something."""
    return User.objects.filter(username__startswith=MARK)
