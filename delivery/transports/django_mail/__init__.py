"""Mail through any mail backend of Django: the console, files, providers' own APIs."""

from delivery.transports.django_mail.transport import DjangoTransport

__all__ = ["DjangoTransport"]
