#!/usr/bin/env python
"""Django's command line for Campaign: `python manage.py help` lists the commands."""

import os
import re
import sys
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

_LOOPBACK = re.compile(r"localhost|127(\.\d{1,3}){3}|::1")


def is_local(arguments: list[str]) -> bool:
    """Whether this is somebody's own machine, as far as can be told.

    A site that the environment gives an address elsewhere is not, nor is one that
    `runserver` would show to others. The entries for servers do not ask: they are
    never local.
    """
    base = urlsplit(os.environ.get("BASE_URL") or "http://localhost")
    places = [base.hostname or ""]
    if arguments[:1] == ["runserver"]:
        shown = [text for text in arguments[1:] if not text.startswith("-")]
        host = shown[0].rpartition(":")[0].strip("[]") if shown else ""
        places.append(host or "localhost")
    return all(_LOOPBACK.fullmatch(place) for place in places)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "campaign.settings")
    if is_local(sys.argv[1:]):
        os.environ.setdefault("DEBUG", "1")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        # Its words say which setting and what to do; where it was raised helps nobody.
        sys.exit(f"{error}")
