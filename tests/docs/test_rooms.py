"""The house stays one that a newcomer can read: sizes, faces, and a line for each room.

docs/architecture.md says what the rooms are for; the contracts in pyproject.toml say
who may import whom. These are the facts that no contract can say.
"""

import ast
from pathlib import Path

import pytest

from .tables import DOCS, ROOT

APPS = ("audiences", "delivery")
MOST_FILES_IN_AN_APP = 14
LONGEST_FILE = 300
LONGEST_FUNCTION = 50
LARGEST_FACE = 15
# One flat list, which Django wants in one place.
SETTINGS = "campaign/settings.py"

CODE = sorted(
    path
    for folder in (*APPS, "campaign")
    for path in (ROOT / folder).rglob("*.py")
    if "migrations" not in path.parts
)
ROOMS = [
    path.parent.relative_to(ROOT)
    for path in CODE
    if path.name == "__init__.py"
    and path.parts[len(ROOT.parts)] in (*APPS, "campaign")
    # Django's own way to say how dates are written: no rooms.
    and "formats" not in path.parts
]
# The face of the models is the schema: it names every table.
FACES = [room for room in ROOMS if room.name != "models"]


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def lengths() -> dict[str, int]:
    return {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in CODE
    }


def function_lengths() -> dict[str, int]:
    """The lines of every function, by its file and name."""
    return {
        f"{path.relative_to(ROOT)}: {node.name}": node.end_lineno - node.lineno + 1
        for path in CODE
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef) and node.end_lineno
    }


def face(room: Path) -> list[str]:
    """The names that a package hands on."""
    for node in parsed(ROOT / room / "__init__.py").body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    return []


@pytest.mark.parametrize("app", APPS)
def test_few_files_lie_outside_the_rooms(app: str) -> None:
    loose = sorted(path.name for path in (ROOT / app).glob("*.py"))
    assert len(loose) <= MOST_FILES_IN_AN_APP, loose


def test_no_file_is_too_long_to_read() -> None:
    long = {f: n for f, n in lengths().items() if n > LONGEST_FILE and f != SETTINGS}
    assert not long


def test_no_function_is_too_long_to_read() -> None:
    assert not {f: n for f, n in function_lengths().items() if n > LONGEST_FUNCTION}


@pytest.mark.parametrize("room", FACES, ids=str)
def test_a_face_is_small(room: Path) -> None:
    assert len(face(room)) <= LARGEST_FACE


@pytest.mark.parametrize("room", ROOMS, ids=str)
def test_a_room_says_what_it_is_for(room: Path) -> None:
    said = ast.get_docstring(parsed(ROOT / room / "__init__.py")) or ""
    assert said.partition("\n\n")[0].rstrip().endswith(".")


@pytest.mark.parametrize("room", ROOMS, ids=str)
def test_a_room_stands_in_the_architecture(room: Path) -> None:
    page = (DOCS / "architecture.md").read_text(encoding="utf-8")
    assert f"`{room.as_posix()}/`" in page
