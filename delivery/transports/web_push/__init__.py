"""Web Push: notifications of browsers, encrypted for each (RFC 8030, 8291, 8292).

The address of a person on the channel push is the subscription that their browser gave,
as JSON without spaces: `{"endpoint":"https://…","keys":{"p256dh":"…","auth":"…"}}`.
"""

from delivery.transports.web_push.transport import WebPushTransport

__all__ = ["WebPushTransport"]
