"""No pattern of ours can be made slow: twice the text takes twice as long, not four times.

Every pattern is found: those that modules hold, and those in calls of `re`. Each is run,
in the ways in which it is used, on texts made of what it looks for itself.
"""

import ast
import functools
import itertools
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from re import _parser  # type: ignore[attr-defined]
from typing import Any

import pytest

from audiences.wording import placeholders
from delivery.feedback.mails import classification

ROOT = Path(__file__).resolve().parents[2]
APPS = ("audiences", "delivery", "campaign")
CALLS = ("match", "search", "fullmatch", "sub", "split", "findall", "finditer")
# As long as the longest text that a visitor can post, and the largest part of a mail
# that is read line by line.
LONG = 6_000
# A pattern that takes more than half of what the cheapest quadratic one takes on this
# machine is measured again, against half of the text.
QUADRATIC = (r"\{\{(.*?)\}\}", r"a+b", r"\s+$", r"\w+@\w+")
GROWTH = 3.0

# Patterns whose texts are cut before, with their length.
CUT = {
    f"delivery.feedback.mails.classification.{name}": classification.LONGEST_WORDING
    for name in ("_FIRST_WORDINGS", "_LAST_WORDINGS")
}


@dataclass(frozen=True)
class Use:
    """A pattern as a module uses it."""

    where: str
    pattern: re.Pattern[Any]
    call: str

    @property
    def longest(self) -> int:
        return min(CUT.get(self.where, LONG), LONG)

    def seconds(self, text: str) -> float:
        subject: Any = (
            text.encode() if isinstance(self.pattern.pattern, bytes) else text
        )
        start = time.thread_time()
        if self.call == "sub":
            self.pattern.sub(lambda found: found[0], subject)
        elif self.call == "finditer":
            list(self.pattern.finditer(subject))
        else:
            getattr(self.pattern, self.call)(subject)
        return time.thread_time() - start


# ------------------------------------------------------------------ finding them
def modules() -> Iterator[tuple[str, Path]]:
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            if "migrations" in path.parts or path.name in ("wsgi.py", "settings.py"):
                continue
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            yield name.removesuffix(".__init__"), path


def held_by(value: Any, depth: int = 3) -> Iterator[re.Pattern[Any]]:
    """The patterns in a value of a module, also in its lists, tables and tuples."""
    if isinstance(value, re.Pattern):
        yield value
    elif depth and isinstance(value, dict):
        for each in (*value, *value.values()):
            yield from held_by(each, depth - 1)
    elif depth and isinstance(value, list | tuple | set | frozenset):
        for each in value:
            yield from held_by(each, depth - 1)


def in_calls(
    path: Path, names: dict[str, Any]
) -> Iterator[tuple[re.Pattern[Any], str]]:
    """The patterns in calls such as `re.sub(r"…", …)`, and how they are called."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        of = node.func.value
        if not (isinstance(of, ast.Name) and of.id == "re" and node.func.attr in CALLS):
            continue
        text = eval(ast.unparse(node.args[0]), names)
        yield re.compile(text), node.func.attr


def calls_of(name: str, sources: Iterable[str]) -> list[str]:
    """How a pattern is called by its name; in any way, where that cannot be seen."""
    found = {
        call
        for source in sources
        for call in re.findall(rf"\b{name}\.({'|'.join(CALLS)})\b", source)
    }
    return sorted(found) or ["search", "fullmatch"]


def uses() -> list[Use]:
    found: dict[tuple[str, str, str], Use] = {}
    for module, path in modules():
        names = vars(import_module(module))
        source = path.read_text("utf-8")
        for name, value in list(names.items()):
            for pattern in held_by(value):
                whole = isinstance(value, re.Pattern)
                for call in (
                    calls_of(name, [source]) if whole else ("search", "fullmatch")
                ):
                    use = Use(f"{module}.{name}", pattern, call)
                    found[module, str(pattern.pattern), call] = use
        for pattern, call in in_calls(path, names):
            use = Use(f"{module}: {pattern.pattern!r}", pattern, call)
            found[module, str(pattern.pattern), call] = use
    return [*found.values()]


# ------------------------------------------------------------------ hostile texts
def characters(parsed: Any) -> list[str]:
    """Some characters that a pattern looks for, in their order."""
    found: list[str] = []
    for op, given in parsed:
        name = str(op)
        if name in _ONE:
            found += _ONE[name](given)
        elif name == "IN":
            found += characters(given)
        elif name == "BRANCH":
            found += [c for branch in given[1] for c in characters(branch)]
        elif isinstance(given, tuple | list):
            inner = [each for each in given if isinstance(each, _parser.SubPattern)]
            found += [c for each in inner for c in characters(each)]
    return found


_ONE: dict[str, Callable[[Any], list[str]]] = {
    "LITERAL": lambda given: [chr(given)],
    "NOT_LITERAL": lambda given: ["a" if given != ord("a") else "b"],
    "RANGE": lambda given: [chr(given[0]), chr(given[1])],
    "CATEGORY": lambda given: _OF_CATEGORY.get(str(given), []),
    "ANY": lambda given: ["a"],
}
_OF_CATEGORY = {
    "CATEGORY_DIGIT": ["0"],
    "CATEGORY_SPACE": [" ", "\n"],
    "CATEGORY_WORD": ["a", "0"],
    "CATEGORY_NOT_DIGIT": ["a"],
    "CATEGORY_NOT_SPACE": ["a"],
    "CATEGORY_NOT_WORD": ["-"],
}


def hostile(use: Use) -> Iterator[str]:
    """Texts of what it looks for, over and over, that end in what it does not."""
    text = use.pattern.pattern
    plain = text.decode("latin-1") if isinstance(text, bytes) else text
    wanted = characters(_parser.parse(plain, use.pattern.flags & ~re.UNICODE))
    first = list(dict.fromkeys([*wanted, "a", " ", "\n"]))
    start = "".join(wanted[:12])
    units = [*first[:14], start, "".join(wanted[:3]), plain[:30]]
    units += ["".join(two) for two in itertools.permutations(first[:7], 2)]
    for unit in dict.fromkeys(filter(None, units)):
        many = unit * (use.longest // len(unit) + 1)
        yield many[: use.longest] + "\x01"
        yield (start + many)[: use.longest] + "\x01"


ALL = uses()


def test_the_search_finds_the_patterns_of_every_corner() -> None:
    found = {use.where.partition(":")[0] for use in ALL}
    for where in (
        "audiences.wording.placeholders._PLACE",
        "audiences.links.signing._DATED",
        "audiences.files.headings",
        "delivery.feedback.mails.addresses._ANY",
    ):
        assert where in found
    assert len(ALL) > 60


def quadratic() -> list[Use]:
    return [
        Use("here", re.compile(pattern, re.DOTALL), "search") for pattern in QUADRATIC
    ]


@functools.cache
def slow() -> float:
    """In seconds of this thread: more than this is not linear for sure."""
    return min(max(map(use.seconds, hostile(use))) for use in quadratic()) / 2


@pytest.mark.parametrize("use", ALL, ids=lambda use: f"{use.where} {use.call}"[:80])
def test_a_pattern_is_linear(use: Use) -> None:
    for text in hostile(use):
        took = use.seconds(text)
        if took < slow():
            continue
        half = min(use.seconds(text[: len(text) // 2] + "\x01") for _try in range(3))
        whole = min(use.seconds(text) for _try in range(3))
        assert whole < slow() or whole < GROWTH * half, (
            f"{use.where}, {use.call}: {whole:.2f} s for {len(text)} characters of "
            f"{text[:30]!r}, {half:.2f} s for half of them"
        )


def test_a_quadratic_pattern_would_be_found() -> None:
    for use in quadratic():
        assert any(_is_refused(use) for _try in range(5)), use


def _is_refused(use: Use) -> bool:
    """What else runs on the machine can make half of a text take as long as all."""
    try:
        test_a_pattern_is_linear(use)
    except AssertionError:
        return True
    return False


# ------------------------------------------------------------------ without a pattern
@pytest.mark.parametrize(
    "unit", ["{{", "{{ a", "{{ }}", "}}", "{", "{% ", "{{{}", "{{ link }}", "x"]
)
@pytest.mark.parametrize(
    "act",
    [
        lambda text: placeholders.problems(text, ["link"]),
        lambda text: placeholders.fill(text, {"link": "http://a.b"}),
        lambda text: placeholders.fill_markdown(text, {"link": "http://a.b"}),
    ],
    ids=["problems", "fill", "markdown"],
)
def test_the_places_of_a_text_are_read_in_one_pass(
    act: Callable[[str], Any], unit: str
) -> None:
    """A text of a megabyte took a quarter of a minute to refuse."""
    longest = 20_000
    took = time.thread_time()
    act((unit * longest)[:longest])
    assert time.thread_time() - took < 0.5
    too_long = unit * 1_000_000
    took = time.thread_time()
    assert placeholders.problems(too_long, ["link"]) == [
        "It is longer than 20,000 characters."
    ]
    assert time.thread_time() - took < 0.5
    assert sys.getsizeof(too_long) >= 1_000_000
