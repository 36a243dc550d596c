"""A door for gateways of your own: settings name them here (`SMS_GATEWAY`)."""

# Gateways of others raise `Refused`, the name that was promised to them.
from audiences.outbox.gateways import ConsoleGateway, Gateway, NotTaken as Refused

__all__ = ["ConsoleGateway", "Gateway", "Refused"]
