"""The search by name: any word of it, by its beginning, in any letter case and accent.

"wit" finds "de Wit" and "Witteveen", "ozdemir" finds "Özdemir", and the words may come
in any order. The database itself keeps the index up to date, so that no writer of names
needs to know about it: PostgreSQL with an index on an expression, SQLite with a
full-text table that triggers fill. Both are installed after every `migrate`: SQLite
drops the triggers of a table that a migration rebuilds, and a changed table of letters
needs a new index.
"""

import functools
import hashlib
import re
import string
import unicodedata
from typing import Any

from django.db import connection
from django.db.models import BooleanField, F, Func, Q

from audiences.models import Profile
from audiences.sql import execute, fetch, is_postgresql

TABLE = Profile._meta.db_table
WORDS = "audiences_profile_words"
# Letters that Unicode does not split into a plain letter and an accent.
_WHOLE = dict(zip("ØøŁłĐđÐðßıÆæŒœÞþĦħŦŧ", "oollddddsiaaoottHhTt".lower(), strict=True))
_LATIN = [*range(0xC0, 0x250), *range(0x1E00, 0x1F00)]
_MARKS = "".join(map(chr, range(0x300, 0x370)))


@functools.cache
def plain_letters() -> dict[str, str]:
    """The plain small letter of every Latin letter with an accent."""
    letters = dict(_WHOLE)
    for letter in map(chr, _LATIN):
        base = unicodedata.normalize("NFKD", letter)[0].lower()
        if letter not in letters and base in string.ascii_lowercase:
            letters[letter] = base
    return letters


def words(text: str) -> list[str]:
    """The words of a text as they are compared."""
    table: dict[str, str | int | None] = {**plain_letters()}
    plain = text.translate(str.maketrans(table | dict.fromkeys(_MARKS)))
    return re.findall(r"[^\W_]+", plain.lower())


def named(text: str) -> Q:
    """Profiles whose name has, for each word of the text, a word that begins so."""
    sought = words(text)
    return Q(_NameHas(sought)) if sought else Q(pk__in=[])


class _NameHas(Func):
    """The condition behind `named`, written so that the database uses its index.

    The words are letters and digits alone: they need no quoting in a search language.
    """

    output_field = BooleanField()

    def __init__(self, sought: list[str], **extra: Any) -> None:
        super().__init__(F("id"), F("first_name"), F("last_name"), **extra)
        self.sought = sought

    @property
    def is_whole(self) -> bool:
        """A single letter matches itself alone: as a beginning it would match many."""
        return len(self.sought) == 1 and len(self.sought[0]) == 1

    @property
    def identity(self) -> Any:
        return (*super().identity, tuple(self.sought))

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        _pk, first, last = (
            compiler.compile(e)[0] for e in self.get_source_expressions()
        )
        query = " & ".join(
            f"{word}{'' if self.is_whole else ':*'}" for word in self.sought
        )
        sql = _pg_expression(first, last).replace("%", "%%")
        return f"{sql} @@ to_tsquery('simple', %s)", [query]

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        pk = compiler.compile(self.get_source_expressions()[0])[0]
        query = " ".join(
            f'"{word}"{"" if self.is_whole else "*"}' for word in self.sought
        )
        return f"{pk} IN (SELECT rowid FROM {WORDS} WHERE {WORDS} MATCH %s)", [query]


# ------------------------------------------------------------------ PostgreSQL
def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _pg_expression(first: str, last: str) -> str:
    name = f"{first} || ' ' || {last}"
    letters = plain_letters()
    accents = _literal("".join(letters) + _MARKS), _literal("".join(letters.values()))
    signs = string.punctuation
    # Looking up letters in a table takes time, and most names have none to look up.
    plain = (
        f"CASE WHEN octet_length({name}) = char_length({name}) THEN {name}"
        f" ELSE translate({name}, {accents[0]}, {accents[1]}) END"
    )
    spaces = _literal(" " * len(signs))
    bare = (
        f"CASE WHEN ({name}) !~ '[^A-Za-z0-9 ]' THEN {name}"
        f" ELSE translate({plain}, {_literal(signs)}, {spaces}) END"
    )
    return f"to_tsvector('simple', {bare})"


def _install_on_postgresql() -> None:
    expression = _pg_expression("first_name", "last_name")
    digest = hashlib.sha256(expression.encode()).hexdigest()[:8]
    wanted = f"profile_by_word_{digest}"
    present = {
        name
        for (name,) in fetch(
            "SELECT indexname FROM pg_indexes WHERE tablename = %s AND schemaname ="
            r" current_schema() AND indexname LIKE 'profile\_by\_word\_%%'",
            [TABLE],
        )
    }
    if wanted not in present:
        execute(f"CREATE INDEX {wanted} ON {TABLE} USING gin (({expression}))")
    for name in present - {wanted}:
        execute(f"DROP INDEX {name}")


# ------------------------------------------------------------------ SQLite
def _sqlite_plain(column: str) -> str:
    """The tokenizer folds accents itself, but not the letters that are whole.

    A name of as many bytes as letters has none of them.
    """
    folded = column
    for letter, plain in _WHOLE.items():
        folded = f"replace({folded}, '{letter}', '{plain}')"
    is_ascii = f"length({column}) = length(CAST({column} AS BLOB))"
    return f"CASE WHEN {is_ascii} THEN {column} ELSE {folded} END"


def _install_on_sqlite() -> None:
    def values(row: str) -> str:
        names = _sqlite_plain(f"{row}first_name"), _sqlite_plain(f"{row}last_name")
        return f"{row}id, {names[0]}, {names[1]}"

    triggers = {
        "insert": (
            f"AFTER INSERT ON {TABLE} BEGIN DELETE FROM {WORDS} WHERE rowid = new.id;"
            f" INSERT INTO {WORDS}(rowid, first_name, last_name)"
            f" VALUES ({values('new.')}); END"
        ),
        "update": (
            f"AFTER UPDATE OF first_name, last_name ON {TABLE} BEGIN"
            f" DELETE FROM {WORDS} WHERE rowid = old.id;"
            f" INSERT INTO {WORDS}(rowid, first_name, last_name)"
            f" VALUES ({values('new.')}); END"
        ),
        "delete": (
            f"AFTER DELETE ON {TABLE} BEGIN"
            f" DELETE FROM {WORDS} WHERE rowid = old.id; END"
        ),
    }
    present = dict(
        fetch("SELECT name, sql FROM sqlite_master WHERE name LIKE %s", [f"{WORDS}%"])
    )
    wanted = {
        f"{WORDS}_{act}": f"CREATE TRIGGER {WORDS}_{act} {t}"
        for act, t in triggers.items()
    }
    if WORDS in present and all(present.get(n) == sql for n, sql in wanted.items()):
        return
    # A trigger was missing, so the table lacks what happened meanwhile.
    for name in wanted:
        execute(f"DROP TRIGGER IF EXISTS {name}")
    execute(f"DROP TABLE IF EXISTS {WORDS}")
    execute(
        f"CREATE VIRTUAL TABLE {WORDS} USING fts5(first_name, last_name,"
        " tokenize='unicode61 remove_diacritics 2', prefix='1 2 3', detail='none')"
    )
    execute(
        f"INSERT INTO {WORDS}(rowid, first_name, last_name)"
        f" SELECT {values('')} FROM {TABLE}"
    )
    for sql in wanted.values():
        execute(sql)


def forget_erased() -> None:
    """Rewrite the index without words of names that are gone.

    SQLite only marks them as deleted until it merges the index of its own accord;
    PostgreSQL has no words in an index that are not in a row.
    """
    if not is_postgresql():
        execute(f"INSERT INTO {WORDS}({WORDS}) VALUES ('optimize')")


def install_after_migrate(sender: Any, **kwargs: Any) -> None:
    """Handler of `post_migrate`: bring the index of words up to date."""
    if kwargs.get("using", connection.alias) != connection.alias:
        return
    if TABLE not in connection.introspection.table_names():
        return  # migrated back to nothing
    if is_postgresql():
        _install_on_postgresql()
    else:
        _install_on_sqlite()
