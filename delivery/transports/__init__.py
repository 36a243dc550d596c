"""Ways to hand a message over: SMTP, Django's mail backends, SMS gateways, Web Push.

One folder a provider. A transport is one connection; `transport_for` makes the one that
the settings name.
"""

from delivery.transports.choosing import transport_for
from delivery.transports.handing_over import (
    Kind,
    NoTransport,
    NotThere,
    Outgoing,
    Result,
    Transport,
    Uncertain,
)

__all__ = [
    "Kind",
    "NoTransport",
    "NotThere",
    "Outgoing",
    "Result",
    "Transport",
    "Uncertain",
    "transport_for",
]
