"""Services: making and finding them (S1)."""

from django.utils.translation import gettext as _

from audiences.models import Service
from audiences.refusals import Refused


class NoSuchService(Refused):
    """No service has this slug."""


class ServiceClosed(Refused):
    """The service takes no new subscriptions."""

    def __init__(self, service: Service) -> None:
        super().__init__(
            _("“{service}” is closed: it takes no new subscriptions.").format(
                service=service.label
            )
        )
        self.mended_by("service", service.pk)


def create_service(
    slug: str,
    *,
    label: str,
    channel: str,
    validity_days: int | None = None,
    double_opt_in: bool = False,
) -> Service:
    """Make a service; raises ValidationError if the slug is taken or malformed."""
    service = Service(
        slug=slug,
        label=label,
        channel=channel,
        validity_days=validity_days,
        double_opt_in=double_opt_in,
    )
    service.full_clean()
    service.save()
    return service


def find_service(slug: str) -> Service:
    """The service with this slug; raises NoSuchService, which lists the services."""
    service = Service.objects.filter(slug=slug).first()
    if service is None:
        known = ", ".join(
            Service.objects.order_by("slug").values_list("slug", flat=True)
        )
        raise NoSuchService(
            f"There is no service {slug!r}.",
            hint=f"There are: {known}." if known else "Make one with create_service.",
        )
    return service
