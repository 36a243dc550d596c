"""What a provider of anymail answered; anymail is imported only where it is set up."""

from typing import Any

from delivery.transports.handing_over import Result, Uncertain, later, refused, taken
from delivery.transports.http_calls import never_left

# Our own key, a limit, or a provider that is busy: the mail itself is not at fault.
_PASSING = {401, 402, 403, 408, 429, 503}
_NOT_SENT = {"rejected", "invalid", "failed"}


def result_of_status(mail: Any, address: str) -> Result:
    """What the provider said of the recipient, with its number of the mail."""
    status = mail.anymail_status
    found = next(iter(status.recipients.values()), None)
    number = (found.message_id if found else None) or status.message_id or ""
    said = (found.status if found else None) or ""
    if said in _NOT_SENT:
        return refused(said, f"The provider says of the address: {said}")
    return taken(str(number), said)


def result_of_error(error: Exception) -> Result:
    """What an error of the provider means; raises Uncertain when nobody knows."""
    from anymail.exceptions import (  # noqa: PLC0415  (only where it is set up)
        AnymailConfigurationError,
        AnymailInvalidAddress,
        AnymailRecipientsRefused,
        AnymailUnsupportedFeature,
    )

    if isinstance(error, AnymailRecipientsRefused):
        return refused("rejected", str(error))
    if isinstance(error, AnymailInvalidAddress | AnymailUnsupportedFeature):
        return refused("", str(error))
    if isinstance(error, AnymailConfigurationError):
        return later("", str(error))
    status = getattr(error, "status_code", None)
    if status is None:
        if never_left(error.__cause__ or error):
            return later("", type(error).__name__)
        raise Uncertain(type(error).__name__) from error
    if status in _PASSING:
        return later(str(status), str(error))
    if 400 <= status < 500:
        return refused(str(status), str(error))
    raise Uncertain(f"The provider answered {status}") from error
