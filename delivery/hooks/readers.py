"""The readers of what the hooks have kept, by source."""

from anymail.signals import tracking

from delivery.feedback import intake

from . import email, sms, twilio
from .email_providers import PROVIDERS
from .gate import counting


def register() -> None:
    """Register the readers of all providers with the intake."""
    intake.register(twilio.SOURCE, counting(twilio.read))
    intake.register(sms.SOURCE, counting(sms.read))
    for provider in PROVIDERS:
        intake.register(provider.name, counting(email.reader_of(provider)))
    tracking.connect(email.event_of_report)
