"""EMAIL_URL of a provider's own API: anymail+<provider>://?option=value&…

`anymail+postmark://?server_token=…` is anymail's backend for Postmark, with its setting
POSTMARK_SERVER_TOKEN. Each option is one of the provider's settings, without its name:
https://anymail.dev/en/stable/esps/
"""

import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.core.exceptions import ImproperlyConfigured

SCHEME = "anymail+"


def is_of_provider(url: str) -> bool:
    return url.startswith(SCHEME)


def read_provider(url: str) -> dict[str, Any]:
    """The settings that such an address stands for; raises ImproperlyConfigured."""
    scheme, _colon, rest = url.partition("://")
    name = scheme.removeprefix(SCHEME).replace("-", "_")
    if not re.fullmatch(r"[a-z_]+", name):
        raise ImproperlyConfigured(
            "EMAIL_URL does not name a provider, such as "
            "anymail+postmark://?server_token=…"
        )
    options = parse_qsl(urlsplit(f"x://{rest}").query)
    return {
        "EMAIL_BACKEND": f"anymail.backends.{name}.EmailBackend",
        "ANYMAIL": {
            f"{name}_{option}".upper(): _value(text) for option, text in options
        },
    }


def _value(text: str) -> Any:
    """A yes or no as such; anything else as it is."""
    return {"true": True, "false": False}.get(text, text)
