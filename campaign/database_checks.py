"""System checks that ask the database: how it keeps text, and what requests showed."""

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, Warning as Caution, register
from django.db import connection
from django.utils import translation

from audiences.console import proxies
from audiences.models import Figure
from audiences.sql import fetch, is_postgresql


@register(Tags.database)
def check_encoding(databases: Any = None, **kwargs: Any) -> Iterator[CheckMessage]:
    """A server that was set up without a locale makes databases without an encoding.

    Such a one takes names in, and then refuses every text in JSON: nothing is sealed.
    """
    if not databases or not is_postgresql():
        return
    ((encoding,),) = fetch("SHOW server_encoding")
    if encoding != "UTF8":
        yield Error(
            f"The database keeps text as {encoding}, and the site needs UTF8.",
            hint="Make a new one: createdb --encoding UTF8 --template template0 NAME. "
            "What is in the old one: pg_dump --encoding UTF8, then restore it there.",
            id="campaign.E027",
        )


@register(Tags.database)
def check_proxies(databases: Any = None, **kwargs: Any) -> Iterator[CheckMessage]:
    """What the last sign-in said of the proxies before the site."""
    table = Figure._meta.db_table
    if not databases or table not in connection.introspection.table_names():
        return
    if found := proxies.as_seen():
        with translation.override("en"):
            yield Caution(
                proxies.remedy(found),
                hint="This is what the last sign-in showed.",
                id="campaign.W009",
            )
