"""What a text message of a recipient asks for: stop, start, help, nothing; or unclear.

A message that is just a keyword does what the table says (`delivery.models.Keyword`,
which operators edit). A sentence that plainly wants no more messages is an opt-out too.
One that is neither but hints at stopping is for a person; nothing is handed over to the
number until they decide. Pure: nothing here reads the database.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from delivery.feedback.text_messages import wording
from delivery.models import Keyword

# Everyday words, which hint at stopping only in a short message.
EVERYDAY = frozenset("uit aus end ende red dur alto td fin".split())
SHORT = 6


KeywordAction = Keyword.Action
# If a keyword has several meanings, the most cautious one counts.
_CAREFUL = list(KeywordAction)


@dataclass(frozen=True, kw_only=True)
class KeywordEntry:
    """A row of the table: what a keyword does, and where it applies."""

    keyword: str
    language: str
    action: KeywordAction
    reply: str = ""
    # Empty: for all our numbers, from all countries.
    short_code: str = ""
    regions: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class KeywordVerdict:
    """What a text asks for; `entry` is the keyword, if the text is one."""

    action: KeywordAction
    entry: KeywordEntry | None = None


@dataclass(frozen=True)
class KeywordTable:
    """The table, by keyword as `wording.clean` leaves it, with and without spaces."""

    entries: Sequence[KeywordEntry]
    _by_key: dict[str, list[KeywordEntry]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        for entry in self.entries:
            whole = wording.clean(entry.keyword)
            for key in {whole, whole.replace(" ", "")} - {""}:
                self._by_key.setdefault(key, []).append(entry)

    def find(
        self, text: str, *, to: str = "", language: str = ""
    ) -> KeywordEntry | None:
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
                        _CAREFUL.index(entry.action),
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
    entry = table.find(text, to=to, language=language)
    if entry is not None:
        if entry.regions and region and region not in entry.regions:
            careful = entry.action == KeywordAction.OPT_OUT
            return KeywordVerdict(
                action=KeywordAction.REVIEW if careful else KeywordAction.NONE
            )
        return KeywordVerdict(action=entry.action, entry=entry)
    return KeywordVerdict(action=_of_sentences(text, table, to))


def _of_sentences(text: str, table: KeywordTable, to: str) -> KeywordAction:
    words = set(wording.clean(text).split())
    stops = table.words(KeywordAction.OPT_OUT, to=to)
    starts = table.words(KeywordAction.OPT_IN, to=to) - {"yes", "aan"}
    sure = _sure(stops)
    stopping = any(clause.stops(sure) for clause in wording.clauses(text))
    contrary = wording.contradicts(text) or bool(words & starts)
    if stopping and not contrary:
        return KeywordAction.OPT_OUT
    everyday = words & stops & EVERYDAY and len(wording.clean(text).split()) <= SHORT
    if stopping or everyday or words & (stops - EVERYDAY) or wording.smells(text):
        return KeywordAction.REVIEW
    return KeywordAction.NONE


def _sure(keywords: Iterable[str]) -> list[str]:
    """Keywords that mean stopping even in a sentence: long, explicit ones."""
    return [
        word for word in keywords if word.startswith(("stop", "uitschrij", "afmel"))
    ]
