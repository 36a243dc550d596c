"""SMS through any provider that takes an HTTP call, as the settings describe it.

`SMS_GATEWAY=delivery.transports.http_sms.HttpGateway`
"""

from delivery.transports.http_sms.gateway import HttpGateway

__all__ = ["HttpGateway"]
