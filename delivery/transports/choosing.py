"""Which transport a channel has, by the settings."""

from django.conf import settings
from django.utils.module_loading import import_string

from audiences.channels import Channel

from .handing_over import NoTransport, Transport

SMTP_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
SMTP, DJANGO = "smtp.SmtpTransport", "django_mail.DjangoTransport"
# Each brings libraries along, which are loaded when it is used.
TRANSPORTS = {
    Channel.SMS: "sms.GatewayTransport",
    Channel.PUSH: "web_push.WebPushTransport",
}


def transport_for(channel: str) -> Transport:
    """A connection of its own for messages of the channel; it is not open yet.

    Raises NoTransport for a channel whose target leaves as a file, and when a setting
    is missing.
    """
    if channel == Channel.EMAIL:
        name = SMTP if settings.EMAIL_BACKEND == SMTP_BACKEND else DJANGO
    elif channel in TRANSPORTS:
        name = TRANSPORTS[Channel(channel)]
    else:
        raise NoTransport(
            f"Messages on the channel {channel} are not handed over by Campaign: their "
            "target leaves as a file."
        )
    made: Transport = import_string(f"delivery.transports.{name}")()
    return made
