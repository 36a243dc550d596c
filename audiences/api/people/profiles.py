"""`profiles`: finding people by any name, making and changing them, their addresses."""

from collections.abc import Iterator
from typing import Annotated

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_noop
from ninja import Schema
from pydantic import Field

from audiences import addresses, profiles as people
from audiences.api import history, naming
from audiences.api.answers import at, require_match, said, with_tag
from audiences.api.calls import Resource
from audiences.api.paging import Cursor, Limit, page
from audiences.api.problems import Problem, of_refusal
from audiences.api.shapes import (
    AddressText,
    ChannelCode,
    Held,
    Json,
    ProfileName,
    Short,
    Strict,
    Truth,
    When,
    example,
)
from audiences.channels import FLAGS
from audiences.models import Address, Profile
from audiences.profiles import writing
from audiences.records.profiles import subscription_facts

profiles = Resource("profiles")


class AddressIn(Strict):
    """An address to attach."""

    model_config = example(channel="email", address="ann@example.org", primary=True)

    channel: ChannelCode
    address: AddressText
    primary: Truth = False


class Facts(Strict):
    """Who it is; what is left out stays, and null is taken away."""

    model_config = example(first_name="Ann", language="nl", country=None)

    external_id: Annotated[str, Field(max_length=100)] | None = None
    first_name: Short | None = None
    last_name: Short | None = None
    language: Annotated[str, Field(max_length=35, examples=["nl"])] | None = None
    country: Annotated[str, Field(max_length=2, examples=["NL"])] | None = None


class NewProfile(Facts):
    """A person to make, with addresses."""

    model_config = example(
        external_id="1001",
        first_name="Ann",
        addresses=[{"channel": "email", "address": "ann@example.org"}],
    )

    addresses: Annotated[list[AddressIn], Field(max_length=50)] = []


class AddressOut(Schema):
    channel: str
    address: str
    key: str
    primary: bool
    valid: bool
    quarantine_status: str
    suppressed: bool


class ProfileOut(Schema):
    """A person as a program sees it."""

    id: int
    external_id: str | None = None
    first_name: str
    last_name: str
    language: str
    country: str
    created_at: When
    opted_out: dict[str, bool]
    addresses: list[AddressOut]
    subscriptions: list[Held]


class Profiles(Schema):
    items: list[ProfileOut]
    cursor: str | None = None


def shown(profile: Profile) -> Json:
    """A profile as plain data; addresses and subscriptions may be prefetched."""
    return {
        "id": profile.pk,
        "external_id": profile.external_id,
        "first_name": profile.first_name,
        "last_name": profile.last_name,
        "language": profile.language,
        "country": profile.country,
        "created_at": profile.created_at.isoformat(),
        "opted_out": {
            str(scope): getattr(profile, flag) for scope, flag in FLAGS.items()
        },
        "addresses": [
            _address(row)
            for row in sorted(
                profile.addresses.all(),
                key=lambda row: (row.channel, not row.is_primary, row.pk),
            )
        ],
        "subscriptions": [
            subscription_facts(held) for held in profile.subscriptions.all()
        ],
    }


def _address(row: Address) -> Json:
    return {
        "channel": row.channel,
        "address": row.value,
        "key": row.key,
        "primary": row.is_primary,
        "valid": row.is_valid,
        "quarantine_status": row.quarantine_status,
        "suppressed": row.is_suppressed,
    }


def _whole(pk: int) -> Json:
    rows = Profile.objects.prefetch_related("addresses", "subscriptions__service")
    return shown(rows.get(pk=pk))


def _editable(whole: Json) -> list[object]:
    """Who it is and where: not what came back from there, nor what was asked for."""
    names = ("channel", "address", "primary")
    places = [[row[name] for name in names] for row in whole["addresses"]]
    return [*(whole[name] for name in people.PROFILE_FIELDS), places]


def _tagged(pk: int, status: int = 200) -> HttpResponse:
    whole = _whole(pk)
    return with_tag(whole, _editable(whole), status)


@profiles.get("", Profiles)
def listed(
    request: HttpRequest,
    find: Annotated[str, Field(min_length=1, max_length=1_100)] | None = None,
    cursor: Cursor = "",
    limit: Limit = 100,
) -> HttpResponse:
    """People in pages; with `find`, those whom a text names: none, one or several."""
    rows = Profile.objects.prefetch_related("addresses", "subscriptions__service")
    if find:
        rows = rows.filter(pk__in=people.find_ids([find])[find])
    return said(page(rows, cursor, limit, shown))


@profiles.get("/{path:profile}", ProfileOut, tagged=True)
def read(request: HttpRequest, profile: ProfileName) -> HttpResponse:
    """The person whom an id, an external id or an address names."""
    return _tagged(naming.one(profile).pk)


@profiles.post("", ProfileOut, status=201, tagged=True)
def create(request: HttpRequest, body: NewProfile) -> HttpResponse:
    """Make a person. Nobody is opted in by it, and nobody out."""
    made = writing.create(_given(body))
    for place, item in enumerate(body.addresses):
        _attach(made, item, f"addresses.{place}.address")
    history.added(request, made)
    return at(_tagged(made.pk, 201), "profiles", f"id:{made.pk}")


def _given(body: Facts) -> dict[str, str | None]:
    names = body.model_fields_set & {*people.PROFILE_FIELDS}
    return {name: getattr(body, name) for name in names}


def _attach(profile: Profile, item: AddressIn, field: str = "address") -> Address:
    try:
        return addresses.attach(
            profile, item.channel.value, item.address, primary=item.primary
        )
    except addresses.InvalidAddress as error:
        found = of_refusal(error)
        raise found.about(field) from error


@profiles.patch("/{path:profile}", ProfileOut)
def change(request: HttpRequest, profile: ProfileName, body: Facts) -> HttpResponse:
    """Change who a person is; opting in and out is under `consent`."""
    found = _as_read(request, profile)
    after = writing.change(found, _given(body))
    history.changed(request, after, [*_differing(found, after)])
    return _tagged(found.pk)


def _differing(before: Profile, after: Profile) -> Iterator[str]:
    for name in people.PROFILE_FIELDS:
        if getattr(before, name) != getattr(after, name):
            yield name


def _as_read(request: HttpRequest, profile: str) -> Profile:
    """Of two who change the same, the second sees what the first has written."""
    rows = Profile.objects.select_for_update(of=("self",))
    found = rows.get(pk=naming.one(profile).pk)
    require_match(request, _editable(_whole(found.pk)))
    return found


@profiles.post("/{path:profile}/addresses", ProfileOut, matches=True)
def attach(request: HttpRequest, profile: ProfileName, body: AddressIn) -> HttpResponse:
    """Give a person an address, or make one that it has the primary one."""
    found = _as_read(request, profile)
    before = found.addresses.in_bulk()
    row = _attach(found, body)
    if text := _what_became(before.get(row.pk), row):
        history.told_of(request, found, text, row.channel, row.value)
    return _tagged(found.pk)


def _what_became(before: Address | None, after: Address) -> str:
    """What a person's address is now, in the words of the console; empty: the same."""
    if before is None:
        return gettext_noop("Address “{address}” was added.")
    if after.is_primary != before.is_primary:
        return gettext_noop("Address “{address}” is now primary.")
    if after.value != before.value:
        return gettext_noop("The profile had address “{address}” already.")
    return ""


@profiles.delete("/{path:profile}/addresses")
def detach(
    request: HttpRequest,
    profile: ProfileName,
    channel: ChannelCode,
    address: AddressText,
) -> HttpResponse:
    """Take an address from a person; what is known of the address itself stays."""
    found = _as_read(request, profile)
    key = addresses.accept(channel.value, address).key
    row = found.addresses.filter(channel=channel.value, key=key).first()
    if row is None:
        raise Problem(
            404,
            "The person has no such address.",
            field="address",
            remedy="GET …/profiles/{profile} has their addresses.",
        )
    addresses.detach(row)
    text = gettext_noop("Address “{address}” was removed.")
    history.told_of(request, found, text, row.channel, row.value)
    return said(None, 204)
