"""Make a release: python -m tests.upgrades.release VERSION

On a clean tree: the version goes into `campaign/__init__.py`, pyproject.toml and the
manifests, CHANGELOG.md gets its heading, and databases of this release are kept for the
tests of the next one. Nothing is committed: what to do then is printed.
"""

import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.postgres import find_url

ROOT = Path(__file__).resolve().parents[2]
# Where the version stands, and how.
PLACES = {
    "campaign/__init__.py": r'(__version__ = ")[^"]+',
    "pyproject.toml": r'(^version = ")[^"]+',
    "deploy/kubernetes/campaign.yaml": r"(image: campaign:)\S+",
    "deploy/kubernetes/migrate.yaml": r"(image: campaign:)\S+",
}
HEADING = "## Unreleased\n"
_VERSION = re.compile(r"\d+\.\d+\.\d+")


def write_version(version: str) -> None:
    for name, pattern in PLACES.items():
        path = ROOT / name
        old = path.read_text(encoding="utf-8")
        new, count = re.subn(pattern, rf"\g<1>{version}", old, flags=re.MULTILINE)
        if not count:
            raise SystemExit(f"{name} has no version.")
        path.write_text(new, encoding="utf-8")


def write_changelog(version: str) -> None:
    path = ROOT / "CHANGELOG.md"
    text = path.read_text(encoding="utf-8")
    if HEADING not in text:
        raise SystemExit("CHANGELOG.md has no heading Unreleased.")
    today = datetime.now(UTC).date().isoformat()
    heading = f"{HEADING}\n## {version} ({today})\n"
    path.write_text(text.replace(HEADING, heading, 1), encoding="utf-8")


def _parts(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def _newest() -> str:
    """The newest release that has a tag; empty before the first."""
    words = ["git", "tag", "--list", "v*.*.*"]
    said = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    tags = [tag[1:] for tag in said.stdout.split() if _VERSION.fullmatch(tag[1:])]
    return max(tags, key=_parts, default="")


def main(arguments: list[str]) -> None:
    if len(arguments) != 1 or not _VERSION.fullmatch(arguments[0]):
        raise SystemExit("Name the version, such as 0.2.0.")
    words = ["git", "status", "--porcelain"]
    if subprocess.run(words, cwd=ROOT, capture_output=True, check=True).stdout:
        raise SystemExit("The tree has changes: commit them first.")
    (version,) = arguments
    if (known := _newest()) and _parts(version) <= _parts(known):
        raise SystemExit(f"{version} is not newer than {known}.")
    server = find_url()
    if not server:
        raise SystemExit("A PostgreSQL server is needed: TEST_POSTGRES_URL names one.")
    write_version(version)
    write_changelog(version)
    for url in ("", server):
        dump = [sys.executable, "-m", "tests.upgrades.dump"]
        kept = {
            name: text for name, text in os.environ.items() if name != "DATABASE_URL"
        }
        given = {"DATABASE_URL": url} if url else {}
        subprocess.run(dump, cwd=ROOT, env=kept | given, check=True)
    print(
        f"git commit --all --message 'Release {version}' && git tag v{version}"
        f" && git push --atomic origin HEAD v{version}"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
