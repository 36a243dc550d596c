"""What people write to stop text messages, other than a bare keyword.

"Any reasonable wording" stops (47 CFR 64.1200(a)(10)). Such words and sentences are in
sms_wordings.toml; a mere hint at stopping is for a person to decide.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Ten parts of 160: nobody needs more to say stop, and this limits the time it takes.
LONGEST = 1_600
OVERLAP = 100
# A longer sentence tells a story; a person reads it.
MOST_WORDS = 40

_FILE = Path(__file__).with_name("sms_wordings.toml")
_W: dict[str, Any] = tomllib.loads(_FILE.read_text(encoding="utf-8"))
_APOSTROPHES = re.compile(f"[{_W['apostrophes']}]")
# What Unicode does not decompose (and the stretching line in Arabic words).
_LETTERS = str.maketrans(_W["letters"])
# White letters in black circles and squares have no decomposition either.
_LETTERS |= {
    start + n: chr(ord("a") + n) for start in (0x1F150, 0x1F170) for n in range(26)
}
# Figures, and letters of other scripts, that are drawn like ours.
_LOOKALIKES = str.maketrans(_W["lookalikes"])
# Marks that stand for letters, where no words are left of them otherwise.
_SIGNS = str.maketrans(_W["signs"])
# Two halves of flags are a flag; more of them may be a word.
_FLAGS = re.compile("[\U0001f1e6-\U0001f1ff](?:\\W*[\U0001f1e6-\U0001f1ff]){2,}")
_HALVES = {0x1F1E6 + n: chr(ord("a") + n) for n in range(26)}
_STOP_SIGNS = re.compile(f"[{_W['stop_signs']}]")
_NOMORE = re.compile(
    r"\b(?:no more|not any ?more|no longer|niet meer|niet langer|geen meer|nooit meer"
    r"|nicht mehr|nie mehr|keine mehr|not anymore)\b"
)


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_BEFORE, _AFTER = _words(_W["polite_before"]), _words(_W["polite_after"])
_STOPS, _AROUND = _words(_W["stops"]), _words(_W["around"])
_SENTENCES = [_pattern(text) for text in _W["sentences"]]
_NEGATED = _pattern(
    rf"\b(?:{_W['no_words']})\b(?: \w+){{0,2}} {_W['no_to']}\b"
    rf"|\b(?:stop|stopp|stoppen)(?: \w+)? (?:niet|not|nicht|pas)\b"
)
_MISSES = _pattern(_W["misses_messages"])
_QUESTION, _REQUEST = _pattern(_W["questions"]), _pattern(_W["requests"])
_SMELLS = _pattern("|".join([_W["smells"], *(f"(?:{text})" for text in _W["hints"])]))
_ABOUT_MESSAGES = _pattern(_W["about_messages"])
_EVERYDAY = _pattern("|".join(f"(?:{text})" for text in _W["everyday"]))
_DRAWN = re.compile(r"(\w)\1{2,}")
# A word of which each letter stands alone.
_SPELLED = re.compile(r"\b\w(?: \w\b){2,}")
_SHORT_FORM = re.compile(r"\b\w(?:\.\w\b)+\.?")
_ENDS = re.compile(f"([{_W['sentence_ends']}]+)")


def clean(text: str) -> str:
    """The words of a text in comparable form, with single spaces between.

    Width and fonts (NFKC), letter case, accents, punctuation, emoji and invisible
    characters do not matter; nor do apostrophes ("don't" is "dont").
    """
    text = _APOSTROPHES.sub("", text[:LONGEST])
    text = unicodedata.normalize("NFKC", text).casefold().translate(_LETTERS)
    kept = []
    for character in unicodedata.normalize("NFD", text):
        category = unicodedata.category(character)
        if category[0] in "LN":
            kept.append(character)
        elif category not in ("Mn", "Me", "Cf"):
            kept.append(" ")
    return " ".join("".join(kept).translate(_LETTERS).split())


def drawn(text: str) -> str:
    """The text with the marks and flags that are drawn like letters as letters."""
    text = text[:LONGEST].replace("()", "o").translate(_SIGNS)
    return _FLAGS.sub(lambda flags: flags[0].translate(_HALVES), text)


def joined(whole: str) -> str:
    """A cleaned text with its spelled words as words: "s t o p now" is "stop now"."""
    return _SPELLED.sub(lambda spelled: spelled[0].replace(" ", ""), whole)


def is_filler(words: Sequence[str]) -> bool:
    """Whether the words say nothing by themselves: "the", "is", "please"."""
    return all(word in _AROUND or word in _AFTER or word in _BEFORE for word in words)


def readings(text: str) -> list[str]:
    """The keywords that a text may stand for: as it is, and without polite words.

    Also with spaced letters joined, drawn-out letters once, and digits that stand for
    letters ("S T O P", "stooop", "ST0P"). The most literal reading comes first.
    """
    found = [form for look in (text, drawn(text)) for form in _forms(clean(look))]
    found += [reading.translate(_LOOKALIKES) for reading in found]
    found += [_DRAWN.sub(r"\1", reading) for reading in found]
    found += [reading.replace(" ", "") for reading in found if len(reading) <= 30]
    return list(dict.fromkeys(reading for reading in found if reading))


def _forms(whole: str) -> tuple[str, str]:
    return whole, bare(whole)


def bare(whole: str) -> str:
    """A cleaned text without the polite words before and after it."""
    words = whole.split()
    while len(words) > 1 and words[-1] in _AFTER:
        words.pop()
    while len(words) > 1 and words[0] in _BEFORE:
        words.pop(0)
    return " ".join(words)


@dataclass(frozen=True)
class Clause:
    """A piece of a text between two marks, cleaned.

    `asks`: a question mark ends it; `shouts`: it is written in capitals.
    """

    text: str
    asks: bool
    shouts: bool

    def stops(self, extra: Sequence[str] = ()) -> bool:
        """Whether it clearly says that no more messages are wanted."""
        plain = _REQUEST.sub("", self.text).strip()
        words = plain.split()
        if not words or len(words) > MOST_WORDS:
            return False
        if _QUESTION.match(self.text) or (self.asks and plain == self.text):
            return False
        if _NEGATED.search(plain) or _MISSES.search(plain):
            return False
        known = _STOPS.union(extra)
        others = [word for word in words if word not in known]
        if len(others) < len(words) and is_filler(others):
            return True
        return any(pattern.search(plain) for pattern in _SENTENCES)


def clauses(text: str) -> list[Clause]:
    """The pieces into which punctuation divides a text."""
    whole = unicodedata.normalize("NFKC", text[:LONGEST])
    # The dots in "a.u.b." do not end a sentence.
    pieces = _ENDS.split(_SHORT_FORM.sub(lambda m: m[0].replace(".", ""), whole))
    found = []
    for piece, end in zip(pieces[::2], [*pieces[1::2], ""], strict=True):
        words = _NOMORE.sub("nomore", joined(clean(piece)))
        if words:
            asks = "?" in end or "؟" in end
            found.append(Clause(words, asks=asks, shouts=piece.isupper()))
    return found


def contradicts(text: str) -> bool:
    """Whether it speaks against stopping: "don't stop"."""
    return any(_NEGATED.search(clause.text) for clause in clauses(text))


def smells(text: str) -> bool:
    """Whether it hints at stopping at all."""
    if _STOP_SIGNS.search(text[:LONGEST]):
        return True
    # "d'arrêter" is two words, and so is "don't" for some.
    apart = _APOSTROPHES.sub(" ", text)
    return any(_hints(clean(look)) for look in {text, drawn(text), apart})


def _hints(plain: str) -> bool:
    if any(
        "stop" in spelled[0].replace(" ", "") for spelled in _SPELLED.finditer(plain)
    ):
        return True
    whole = _NOMORE.sub("nomore", joined(plain))
    if not _ABOUT_MESSAGES.search(whole):
        whole = _EVERYDAY.sub(" ", whole)
    looks = {whole, whole.translate(_LOOKALIKES)}
    # Drawn-out letters, too: "noooo more".
    looks |= {_NOMORE.sub("nomore", _DRAWN.sub(r"\1", look)) for look in looks}
    return any(_SMELLS.search(reading) for reading in looks)


def pieces(text: str) -> Iterator[str]:
    """A long text in pieces that are read one by one; they overlap, so that no word is
    cut in all of them."""
    for start in range(0, max(len(text) - OVERLAP, 1), LONGEST - OVERLAP):
        yield text[start : start + LONGEST]
