"""`services`: what people subscribe to."""

from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Schema
from pydantic import Field

from audiences import subscriptions
from audiences.api import history
from audiences.api.answers import at, require_match, said, with_tag
from audiences.api.calls import Resource
from audiences.api.paging import Cursor, Limit, page
from audiences.api.shapes import ChannelCode, Seen, Slug, Strict, Truth, example, kept
from audiences.models import Service
from audiences.models.services import LONGEST_VALIDITY

services = Resource("services")

Validity = Annotated[int, Field(ge=1, le=LONGEST_VALIDITY, strict=True)]
Label = Annotated[Seen, Field(max_length=150)]


class ServiceIn(Strict):
    """A service to make."""

    model_config = example(
        slug="newsletter", label="Newsletter", channel="email", double_opt_in=True
    )

    slug: Slug = Field(examples=["newsletter"], pattern="^[-a-zA-Z0-9_]+$")
    label: Label
    channel: ChannelCode
    validity_days: Validity | None = None
    double_opt_in: Truth = False


class ServiceChange(Strict):
    """What is to be changed of a service."""

    model_config = example(label="Monthly newsletter", validity_days=None)

    # Left out is not null: only a validity can be taken away.
    label: Label = kept()
    validity_days: Validity | None = kept(None)
    double_opt_in: Truth = kept(False)
    is_closed: Truth = kept(False)


class ServiceOut(Schema):
    slug: str
    label: str
    channel: str
    validity_days: int | None = None
    double_opt_in: bool
    is_closed: bool


class Services(Schema):
    items: list[ServiceOut]
    cursor: str | None = None


def shown(service: Service) -> dict[str, object]:
    names = ("slug", "label", "channel", "validity_days", "double_opt_in", "is_closed")
    return {name: getattr(service, name) for name in names}


def _tagged(row: Service, status: int = 200) -> HttpResponse:
    return with_tag(shown(row), shown(row), status)


@services.get("", Services)
def listed(
    request: HttpRequest, cursor: Cursor = "", limit: Limit = 100
) -> HttpResponse:
    """All services."""
    return said(page(Service.objects.all(), cursor, limit, shown))


@services.get("/{service}", ServiceOut, tagged=True)
def read(request: HttpRequest, service: str) -> HttpResponse:
    """One service."""
    return _tagged(subscriptions.find_service(service))


@services.post("", ServiceOut, status=201, tagged=True)
def create(request: HttpRequest, body: ServiceIn) -> HttpResponse:
    """Make a service."""
    made = subscriptions.create_service(
        body.slug,
        label=body.label,
        channel=body.channel.value,
        validity_days=body.validity_days,
        double_opt_in=body.double_opt_in,
    )
    history.added(request, made)
    return at(_tagged(made, 201), "services", made.slug)


@services.patch("/{service}", ServiceOut)
def change(request: HttpRequest, service: str, body: ServiceChange) -> HttpResponse:
    """Change a service; its subscriptions stay as they are."""
    found = subscriptions.find_service(service)
    row = Service.objects.select_for_update().get(pk=found.pk)
    before = shown(row)
    require_match(request, before)
    for name in body.model_fields_set:
        setattr(row, name, getattr(body, name))
    row.full_clean()
    row.save()
    changed = [name for name, value in shown(row).items() if value != before[name]]
    history.changed(request, row, changed)
    return _tagged(row)
