"""The table of keywords as rows: kept in step with keywords.toml and read to judge."""

import tomllib
from pathlib import Path
from typing import Any

from django.conf import settings

from delivery.feedback.text_messages.keywords import (
    KeywordEntry,
    KeywordTable,
    KeywordVerdict,
)
from delivery.models import Keyword

_FILE = Path(__file__).with_name("keywords.toml")
Action = Keyword.Action
# The file's name for the keywords of an action, and for its reply.
_PARTS = {
    "opt_out": (Action.OPT_OUT, "stopped"),
    "opt_in": (Action.OPT_IN, "started"),
    "help": (Action.HELP, "helped"),
}


def built_in() -> list[Keyword]:
    """The keywords that come with Campaign, as rows that are not stored."""
    languages: dict[str, Any] = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return [
        Keyword(
            keyword=word,
            language=language,
            action=action,
            reply=texts[reply],
            is_built_in=True,
        )
        for language, texts in languages.items()
        for part, (action, reply) in _PARTS.items()
        for word in texts[part]
    ]


def keep_in_step(**kwargs: Any) -> None:
    """Listener of `post_migrate`: a row for each keyword that comes with Campaign.

    A row that exists stays as it is: an operator may have changed it.
    """
    Keyword.objects.bulk_create(built_in(), ignore_conflicts=True)


def load_table() -> KeywordTable:
    """The keywords that are active."""
    rows = Keyword.objects.filter(is_active=True).order_by("language", "pk")
    return KeywordTable(
        [
            KeywordEntry(
                keyword=row.keyword,
                language=row.language,
                action=Action(row.action),
                reply=row.reply,
                short_code=row.short_code,
                regions=tuple(row.region_codes()),
            )
            for row in rows
        ]
    )


def reply_to(
    verdict: KeywordVerdict, table: KeywordTable, *, language: str, to: str
) -> str:
    """The reply to a message, in the recipient's language; empty when there is none.

    That is the profile's language, if known and if there is such a reply; else the
    keyword's, the site's, or English.
    """
    entry = verdict.entry
    if entry is not None and entry.short_code:
        return entry.reply  # a row for this number settles it
    rows = [
        row
        for row in table.entries
        if row.action == verdict.action and row.short_code in ("", to)
    ]
    own = entry.language if entry is not None else ""
    for wanted in (language, own, settings.LANGUAGE_CODE, "en"):
        base = wanted.partition("-")[0].lower()
        if not base:
            continue
        if entry is not None and entry.language == base:
            return entry.reply
        if found := next((row for row in rows if row.language == base), None):
            return found.reply
    return ""
