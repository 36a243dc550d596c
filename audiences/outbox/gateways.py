"""SMS: the interface of a gateway, and one that prints, for trying things out.

`SMS_GATEWAY` names a class by its dotted path. It is made without arguments and has
`send`. A provider's gateway is one such class.
"""

from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string


class NotTaken(Exception):
    """The gateway certainly did not take the message; if `passing`, try again later.

    `code` is the provider's own for the reason.
    """

    def __init__(self, reason: str, *, passing: bool = False, code: str = "") -> None:
        self.passing, self.code = passing, code
        super().__init__(reason)


class Gateway(Protocol):
    """Hands over one SMS.

    `send` returns when the provider has taken the message, with the number that it gave
    it or nothing, and raises `NotTaken` when it certainly has not. Any other exception
    leaves it uncertain: it is not sent again.
    """

    def send(self, number: str, text: str) -> str | None: ...


class ConsoleGateway:
    """Prints each SMS, as Django's console backend does with mails."""

    def send(self, number: str, text: str) -> None:
        print(f"SMS to {number}:\n{text}\n{'-' * 79}", flush=True)  # noqa: T201


def gateway() -> Gateway:
    """The gateway of the settings."""
    made: Gateway = import_string(settings.SMS_GATEWAY)()
    return made
