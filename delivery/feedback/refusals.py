"""What a refusal at hand-over says about the address, by the channel's own codes.

Mail servers say it in words and enhanced codes, as bounces do. Twilio and the push
services of browsers have numbers for it. A code that nobody knows is soft: the message
was refused for good, and that says nothing certain about the address.
"""

from delivery.feedback.mails.classification import Verdict, classify
from delivery.feedback.text_messages.reports import find_code
from delivery.models.quarantine import ErrorReason, ErrorType

# A refusal about our policy or the form of the message says nothing about the address
# (RFC 3463, 3.7 and 3.8).
_OURS = ("5.6.", "5.7.")
# Of a push service. Without a subscription there is nobody to reach (RFC 8030, 7.3).
_PUSH = {
    "404": (ErrorReason.UNREACHABLE, ErrorType.HARD),
    "410": (ErrorReason.UNREACHABLE, ErrorType.HARD),
    "413": (ErrorReason.TEXT_TOO_LONG, ErrorType.IGNORED),
}


def verdict_on(channel: str, code: str, text: str) -> Verdict:
    """The verdict on a refusal with this code and text, by the rules of Q3.

    Where the recipient has told the provider to stop, it is hard with the reason STOP:
    the address goes on the denylist.
    """
    if channel == "email":
        if code.startswith(_OURS):
            return Verdict(ErrorReason.REFUSED, ErrorType.IGNORED, code)
        return classify(text, status=code)
    reason, type = ErrorReason.NOT_DEFINED, ErrorType.SOFT
    if channel == "push":
        reason, type = _PUSH.get(code, (reason, type))
    elif row := find_code("twilio", "", code):
        reason, type = row.reason, row.type
        if reason == ErrorReason.STOP:
            type = ErrorType.HARD
    return Verdict(reason, type, code)
