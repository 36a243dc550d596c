"""What is installed: explained, the same in every list, and only by its hash."""

import re

from .tables import ROOT

PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)(.*)$", re.MULTILINE)
READ, DEV = "requirements.txt", "requirements-dev.txt"
SITE, ALL = "requirements-site.txt", "requirements-all.txt"
# Named by the user of this project: they stay in the list that people read.
FIXED = "django django-crispy-forms psycopg2-binary pytest-django factory-boy".split()
OF_TESTS = (
    "pytest pytest-django factory-boy faker hypothesis mypy playwright ruff".split()
)


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def pins(text: str) -> dict[str, str]:
    """The pinned packages by their normalised name (PEP 503)."""
    return {
        re.sub(r"[-_.]+", "-", name).lower(): version
        for name, version, _rest in PIN.findall(text)
    }


def of_the_site() -> str:
    return text_of(READ).partition("# The tests")[0]


def test_every_pin_that_people_write_is_explained_in_its_line() -> None:
    for name in (READ, DEV):
        for package, _version, rest in PIN.findall(text_of(name)):
            assert re.fullmatch(r"( ; \S.*?)?  # \S.{5,}", rest), package


def test_the_names_that_are_fixed_are_there() -> None:
    assert set(FIXED) <= set(pins(text_of(READ)))


def test_what_is_installed_is_what_people_wrote() -> None:
    locked = pins(text_of(SITE))
    assert pins(of_the_site()).items() <= locked.items()
    everything = pins(text_of(ALL))
    written = pins(text_of(READ)) | pins(text_of(DEV))
    assert written.items() <= everything.items()
    assert locked.items() <= everything.items(), "production is what the tests tried"


def test_production_installs_nothing_of_the_tests() -> None:
    assert not set(OF_TESTS) & set(pins(text_of(SITE)))


def test_every_package_that_is_installed_has_hashes_and_says_for_whom_it_is() -> None:
    for name in (SITE, ALL):
        for block in re.split(r"\n(?=\S)", text_of(name)):
            if PIN.match(block):
                assert "--hash=sha256:" in block, block
                assert "# via" in block, block


def test_make_and_the_manual_install_by_hash_alone() -> None:
    makefile = text_of("Makefile")
    assert "--require-hashes" in makefile
    installs = re.findall(r"^.*install.*-r .*$", makefile, re.MULTILINE)
    assert all("$(INSTALL)" in line for line in installs)
    manual = text_of("docs/operations.md")
    assert "\nmake .venv/run " in manual
    assert not re.search(r"pip install", manual), "make serve would install again"
