"""EMAIL_URL: a mail server, or a provider's own API.

`anymail+postmark://?server_token=…` is anymail's backend for Postmark, with its setting
POSTMARK_SERVER_TOKEN. Each option is one of the provider's settings, without its name:
https://anymail.dev/en/stable/esps/
"""

import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

SCHEME = "anymail+"


def read(url: str) -> dict[str, Any]:
    """The settings that an address stands for; raises ImproperlyConfigured."""
    if not url.startswith(SCHEME):
        found: dict[str, Any] = environ.Env.email_url_config(url)
        return found
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
