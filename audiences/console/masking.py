"""Addresses in the admin: whole for those who may see them, else masked (A3).

Every page of the console shows an address through `shown`, and a text in which there
may be one through `shown_text`. Those who may not see addresses still find by a whole
one, and may not change what the page shows masked.
"""

from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext

from audiences import roles
from audiences.addresses import accept, unstorable
from audiences.channels import Channel
from audiences.console.allowances import Bucket, Scope
from audiences.masking import DOTS, masked, masked_text


def may_see_addresses(request: HttpRequest) -> bool:
    return request.user.has_perm(roles.SEE_ADDRESSES)


def shown(request: HttpRequest, channel: str, address: str) -> str:
    """The address as this operator may read it."""
    if not address or may_see_addresses(request):
        return address
    return masked(channel, address) or DOTS


def shown_text(request: HttpRequest, text: str) -> str:
    """A server's answer or a note as this operator may read it."""
    return text if may_see_addresses(request) else masked_text(text)


Column = Callable[[Any], str]


def column(
    request: HttpRequest, field: str, label: str | Promise, *, is_text: bool = False
) -> Column:
    """A field of a list or of a page, as this operator may read it."""

    def value(row: Any) -> str:
        text = str(getattr(row, field) or "")
        if is_text:
            # A note that the program wrote is known to the translators.
            return shown_text(request, gettext(text) if text else "")
        return shown(request, row.channel, text)

    value.short_description = label  # type: ignore[attr-defined]
    value.__name__ = field
    return value


def replaced(names: Sequence[Any], columns: dict[str, Column]) -> tuple[Any, ...]:
    """Names of fields, groups of them too, with columns in the place of some."""
    return tuple(
        columns.get(name, name)
        if isinstance(name, str)
        else replaced(name, columns)
        if isinstance(name, (tuple, list))
        else name
        for name in names
    )


# ------------------------------------------------------- searches for a whole address
# A device token or the place where somebody lives, as far as their form tells.
_LONG = 16
_NUMBERED = (Channel.SMS, Channel.PHONE, Channel.FAX)


class TooManySearches(Exception):
    """Who may not see addresses looked for too many of them; `seconds` to wait."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(seconds)


def names_an_address(text: str) -> bool:
    """Whether a search is for a whole address, rather than for a name or a number."""
    plain = text.strip().removeprefix("addr:").strip()
    if not plain or unstorable(plain):
        return False
    if "@" in plain or text.strip().startswith("addr:"):
        return True
    if any(accept(channel, plain).is_valid for channel in _NUMBERED):
        return True
    return len(plain) >= _LONG and any(c.isdigit() for c in plain)


def count_search(request: HttpRequest, text: str) -> None:
    """Count a search for a whole address by somebody who may not see addresses.

    They may find somebody whose address they know. Whoever looks for many is guessing:
    raises TooManySearches. A request counts once, however often it searches.
    """
    if not names_an_address(text) or may_see_addresses(request):
        return
    counted: set[str] = request.__dict__.setdefault("_searches_counted", set())
    if text in counted:
        return
    counted.add(text)
    bucket, who = Bucket(Scope.SEARCH, settings.ADDRESS_SEARCHES), str(request.user.pk)
    if not bucket.spend(who):
        raise TooManySearches(bucket.wait(who))
