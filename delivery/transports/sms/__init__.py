"""SMS through the gateway of the settings (`SMS_GATEWAY`), which prints by default."""

import logging
from contextlib import suppress

from audiences.outbox import gateways
from audiences.outbox.gateways import NotTaken
from delivery.transports.handing_over import (
    NoTransport,
    NotThere,
    Outgoing,
    Result,
    Uncertain,
    later,
    refused,
    taken,
)

__all__ = ["GatewayTransport"]

logger = logging.getLogger(__name__)


class GatewayTransport:
    """A gateway, made once and kept; any class with `send` can be one."""

    def __init__(self) -> None:
        try:
            self._gateway = gateways.gateway()
        except Exception as error:
            refused = NoTransport(f"SMS_GATEWAY cannot be used: {error}")
            raise refused.mended_by("gateways") from error

    def open(self) -> None:
        """Nothing: a gateway connects when it sends."""

    def close(self) -> None:
        """End the gateway's connections, if it keeps any."""
        with suppress(AttributeError):
            self._gateway.close()  # type: ignore[attr-defined]

    def hand_over(self, message: Outgoing) -> Result:
        """Give an SMS to the gateway; raises Uncertain for whatever it did not say."""
        try:
            number = self._gateway.send(message.address, str(message.body))
        except NotTaken as error:
            answer = later if error.passing else refused
            return answer(error.code, str(error))
        except NotThere as error:
            return later("", str(error))
        except Uncertain:
            raise
        except Exception as error:
            # The message of the error may hold the number.
            logger.error("The SMS gateway failed: %s", type(error).__name__)
            raise Uncertain(type(error).__name__) from error
        return taken(number or "")
