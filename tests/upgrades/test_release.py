"""A release is written in every place, once, or not at all."""

import shutil
import subprocess
from pathlib import Path

import pytest

from . import release


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of its own with what a release writes."""
    for name in (*release.PLACES, "CHANGELOG.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(release.ROOT / name, tmp_path / name)
    monkeypatch.setattr(release, "ROOT", tmp_path)
    for words in (
        ["init", "-q"],
        ["add", "-A"],
        ["-c", "user.name=a", "-c", "user.email=a@x.example", "commit", "-qm", "a"],
        ["tag", "v0.9.0"],
        ["tag", "v0.10.0"],
    ):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    return tmp_path


def test_the_version_and_its_heading_are_written(tree: Path) -> None:
    release.write_version("0.11.0")
    release.write_changelog("0.11.0")
    for name in release.PLACES:
        assert "0.11.0" in (tree / name).read_text(), name
    lines = (tree / "CHANGELOG.md").read_text().splitlines()
    at = lines.index("## Unreleased")
    assert lines[at + 2].startswith("## 0.11.0 (")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "Name the version"),
        (["eleven"], "Name the version"),
        (["0.10.0"], "not newer than 0.10.0"),
        (["0.9.1"], "not newer than 0.10.0"),
    ],
)
def test_what_is_no_new_version_is_refused(
    tree: Path, words: list[str], told: str
) -> None:
    with pytest.raises(SystemExit, match=told):
        release.main(words)
    assert not _changes(tree)


def test_a_tree_with_changes_is_refused(tree: Path) -> None:
    (tree / "CHANGELOG.md").write_text("something else")
    with pytest.raises(SystemExit, match="commit them first"):
        release.main(["0.11.0"])


def _changes(tree: Path) -> str:
    words = ["git", "status", "--porcelain"]
    said = subprocess.run(words, cwd=tree, capture_output=True, text=True, check=True)
    return said.stdout
