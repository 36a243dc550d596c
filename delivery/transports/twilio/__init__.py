"""SMS through Twilio: `SMS_GATEWAY=delivery.transports.twilio.TwilioGateway`.

https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource
"""

import json
from typing import Any

from django.conf import settings
from django.urls import reverse

from audiences.outbox.gateways import NotTaken
from delivery.transports.handing_over import NotThere, Uncertain
from delivery.transports.http_calls import Answer, Caller

__all__ = ["TwilioGateway"]

# Our own fault or a limit, which the same message may pass later: a wrong token, an
# account that is suspended or has no money, too many at once.
_PASSING = {401, 403, 404, 408, 429, 503}
_PASSING_CODES = {"20003", "20429", "30001", "14107", "21611"}


class TwilioGateway:
    """Sends from TWILIO_FROM: a number, a name, or a messaging service (MG…)."""

    def __init__(self) -> None:
        self._caller = Caller()

    @staticmethod
    def problems() -> list[str]:
        """What is missing in the settings."""
        needed = ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKENS", "TWILIO_FROM")
        return [f"{name} is not set." for name in needed if not getattr(settings, name)]

    def send(self, number: str, text: str) -> str:
        """Twilio's number of the message; raises NotTaken and Uncertain."""
        if problems := self.problems():
            raise NotTaken(" ".join(problems), passing=True)
        account = settings.TWILIO_ACCOUNT_SID
        own = settings.TWILIO_FROM
        by_service = own.startswith("MG")
        fields = {
            "To": number,
            "MessagingServiceSid" if by_service else "From": own,
            "Body": text,
        }
        if settings.BASE_URL.startswith("https://"):
            fields["StatusCallback"] = settings.BASE_URL + reverse("hook_twilio_status")
        try:
            answer = self._caller.call(
                "POST",
                f"{settings.TWILIO_URL}/2010-04-01/Accounts/{account}/Messages.json",
                data=fields,
                auth=(account, settings.TWILIO_AUTH_TOKENS[0]),
            )
        except NotThere as error:
            raise NotTaken(str(error), passing=True) from error
        return _number_of(answer)

    def close(self) -> None:
        self._caller.close()


def _number_of(answer: Answer) -> str:
    said = _fields_of(answer)
    if answer.status in (200, 201):
        return str(said.get("sid", ""))
    code, text = str(said.get("code", "")), str(said.get("message", ""))
    if answer.status >= 500 and answer.status not in _PASSING:
        raise Uncertain(f"Twilio answered {answer.status}")
    raise NotTaken(
        text or f"Twilio answered {answer.status}",
        passing=answer.status in _PASSING or code in _PASSING_CODES,
        code=code or str(answer.status),
    )


def _fields_of(answer: Answer) -> dict[str, Any]:
    try:
        said = json.loads(answer.text)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
