"""What a text message of a recipient asks for: stop, start, help, nothing; or unclear.

A message that is just a keyword does what the table says (`delivery.models.Keyword`,
which operators edit). A sentence that plainly wants no more messages is an opt-out too.
One that is neither but hints at stopping is for a person; nothing is handed over to the
number until they decide. The keywords that come with Campaign are in keywords.toml.
"""

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings

from delivery.feedback.text_messages import wording
from delivery.models import Keyword

# Everyday words: among others they hint at nothing ("we gaan uit eten").
EVERYDAY = frozenset("uit aus end ende red dur alto td fin baja".split())
# And these are an answer to us only where they are all that somebody wrote.
EVERYDAY_STARTS = frozenset("yes ja oui si sim tak evet da aan ok okay".split())
SHORT = 6


KeywordAction = Keyword.Action
# If a keyword has several meanings, the most cautious one counts.
_CAREFUL = list(KeywordAction)


_FILE = Path(__file__).with_name("keywords.toml")
# The file's name for the keywords of an action, and for its reply.
_PARTS = {
    "opt_out": (KeywordAction.OPT_OUT, "stopped"),
    "opt_in": (KeywordAction.OPT_IN, "started"),
    "help": (KeywordAction.HELP, "helped"),
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


@dataclass(frozen=True, kw_only=True)
class KeywordVerdict:
    """What a text asks for; `entry` is the keyword, if the text is one."""

    action: KeywordAction
    entry: Keyword | None = None


@dataclass(frozen=True)
class KeywordTable:
    """The table, by keyword as `wording.clean` leaves it, with and without spaces."""

    entries: Sequence[Keyword]
    _by_key: dict[str, list[Keyword]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        for entry in self.entries:
            whole = wording.clean(entry.keyword)
            for key in {whole, whole.replace(" ", "")} - {""}:
                self._by_key.setdefault(key, []).append(entry)

    def find(self, text: str, *, to: str = "", language: str = "") -> Keyword | None:
        """The row of the keyword that the whole text is, for texts to this number.

        A row for that number comes before one for all; among rows that do the same,
        the one in the recipient's language.
        """
        for reading in wording.readings(text):
            rows = [
                entry
                for entry in self._by_key.get(reading, [])
                if entry.short_code in ("", to)
            ]
            if rows:
                return min(
                    rows,
                    key=lambda entry: (
                        not entry.short_code,
                        _CAREFUL.index(KeywordAction(entry.action)),
                        entry.language != language,
                        entry.language != "en",
                    ),
                )
        return None

    def words(self, action: KeywordAction, *, to: str = "") -> set[str]:
        """Keywords that do this in texts to this number, without spaces."""
        return {
            key
            for key, rows in self._by_key.items()
            if any(
                entry.action == action and entry.short_code in ("", to)
                for entry in rows
            )
        }


def load_table() -> KeywordTable:
    """The keywords that are active."""
    rows = Keyword.objects.filter(is_active=True)
    return KeywordTable(list(rows.order_by("language", "pk")))


def judge(
    text: str,
    table: KeywordTable,
    *,
    to: str = "",
    language: str = "",
    region: str = "",
) -> KeywordVerdict:
    """What a text asks for.

    `to` is our number that it was sent to, `region` the country of the sender's number
    and `language` the recipient's, each empty when it is not known.
    """
    if len(text) > wording.LONGEST:
        return KeywordVerdict(action=_of_long(text, table, to))
    entry = table.find(text, to=to, language=language)
    if entry is not None and _chats(entry, text):
        return KeywordVerdict(action=KeywordAction.NONE)
    if entry is not None:
        regions = entry.region_codes()
        if regions and region and region not in regions:
            careful = entry.action == KeywordAction.OPT_OUT
            return KeywordVerdict(
                action=KeywordAction.REVIEW if careful else KeywordAction.NONE
            )
        return KeywordVerdict(action=KeywordAction(entry.action), entry=entry)
    return KeywordVerdict(action=_of_sentences(text, table, to))


def _chats(entry: Keyword, text: str) -> bool:
    """Whether a keyword to opt in may as well be small talk: "Yes please", "Start?".

    Whoever has stopped is not taken at such a word.
    """
    if entry.action != KeywordAction.OPT_IN:
        return False
    word = wording.clean(entry.keyword)
    if word in EVERYDAY_STARTS and wording.clean(text) != word:
        return True
    return any(clause.asks for clause in wording.clauses(text))


def _of_long(text: str, table: KeywordTable, to: str) -> KeywordAction:
    """A text that is too long to be understood: any hint in it is for a person.

    So is one that ends in a keyword.
    """
    stops = table.words(KeywordAction.OPT_OUT, to=to)
    ends = wording.clean(text[-wording.OVERLAP :]).split()[-1:]
    hints = any(wording.smells(piece) for piece in wording.pieces(text))
    is_for_a_person = hints or bool(stops.intersection(ends))
    return KeywordAction.REVIEW if is_for_a_person else KeywordAction.NONE


def _of_sentences(text: str, table: KeywordTable, to: str) -> KeywordAction:
    words = set(wording.clean(text).split())
    stops = table.words(KeywordAction.OPT_OUT, to=to)
    starts = table.words(KeywordAction.OPT_IN, to=to) - EVERYDAY_STARTS
    sure, clauses = _sure(stops), wording.clauses(text)
    stopping = any(clause.stops(sure) for clause in clauses)
    contrary = wording.contradicts(text) or bool(words & starts)
    if stopping and not contrary:
        return KeywordAction.OPT_OUT
    others = words - (stops & EVERYDAY)
    everyday = len(others) < len(words) <= SHORT and wording.is_filler(sorted(others))
    # "I am done. END"
    everyday |= any(clause.shouts and clause.text in stops for clause in clauses)
    if stopping or everyday or words & (stops - EVERYDAY) or wording.smells(text):
        return KeywordAction.REVIEW
    return KeywordAction.NONE


def _sure(keywords: Iterable[str]) -> list[str]:
    """Keywords that mean stopping even in a sentence: long, explicit ones."""
    return [
        word for word in keywords if word.startswith(("stop", "uitschrij", "afmel"))
    ]


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
