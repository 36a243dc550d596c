"""A door for gateways of your own: settings name them here (`SMS_GATEWAY`)."""

from audiences.outbox.gateways import ConsoleGateway, Gateway, Refused

__all__ = ["ConsoleGateway", "Gateway", "Refused"]
