"""Findings, and the examinations that make them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from importlib import import_module

from django.db import DatabaseError, InterfaceError, ProgrammingError

from audiences.registry import Registry


class Severity(StrEnum):
    """How bad it is. Only what is serious makes `doctor` fail."""

    FINE = "fine"
    NOTE = "note"
    WARNING = "warning"
    SERIOUS = "serious"


@dataclass(frozen=True)
class Finding:
    """What an examination found, and what a person does about it.

    `night` is the page of docs/nights that says more: what is safe meanwhile.
    """

    severity: Severity
    subject: str
    what: str
    remedy: str = ""
    night: str = ""

    @property
    def page(self) -> str:
        return f"docs/nights/{self.night}.md" if self.night else ""


Examination = Callable[[], Iterator[Finding]]


@dataclass(frozen=True)
class Registered:
    """An examination, and the night of what it finds."""

    make: Examination
    night: str
    asks_network: bool


_examinations: Registry[str, Registered] = Registry("examination")
# In the order in which they are told.
_MODULES = ("configuration", "database", "work", "mail_domain", "machine")
_AWAY = "the-database-does-not-answer"


def examination(
    name: str, *, night: str, asks_network: bool = False
) -> Callable[[Examination], Examination]:
    """Make a function one of the doctor's examinations.

    A finding that names no night has that of its examination.
    """

    def add(examine_it: Examination) -> Examination:
        _examinations.add(name, Registered(examine_it, night, asks_network))
        return examine_it

    return add


def examinations() -> dict[str, Registered]:
    """All of them by name, in the order in which they are told."""
    for module in _MODULES:
        import_module(f"campaign.doctor.{module}")
    return dict(_examinations.items())


def examine(*, asks_network: bool = True) -> Iterator[Finding]:
    """All findings; an examination that cannot be made is one too."""
    for name, registered in examinations().items():
        if registered.asks_network and not asks_network:
            continue
        try:
            for finding in registered.make():
                yield _with_night(finding, registered.night)
        except (DatabaseError, InterfaceError) as error:
            yield _of_error(name, error)


def _of_error(name: str, error: Exception) -> Finding:
    """An examination that the database would not let us make, and why that may be."""
    said = (str(error).strip() or type(error).__name__).splitlines()[0]
    if "permission denied" in said:
        remedy = "As the owner of the tables: manage.py grant_site_role NAME."
        return serious(name, f"the database refused: {said}", remedy, _AWAY)
    if isinstance(error, ProgrammingError) or "no such " in said:
        what = f"the database is not as this release wants it: {said}"
        return serious(name, what, "manage.py migrate", "the-database-does-not-fit")
    return serious(
        name,
        f"the database did not answer: {said}",
        "See that it runs, and that DATABASE_URL names it.",
        _AWAY,
    )


def _with_night(finding: Finding, night: str) -> Finding:
    """Only what somebody must do something about has one."""
    if finding.severity not in (Severity.WARNING, Severity.SERIOUS):
        return replace(finding, night="")
    return replace(finding, night=finding.night or night)


def fine(subject: str, what: str) -> Finding:
    return Finding(Severity.FINE, subject, what)


def warning(subject: str, what: str, remedy: str, night: str = "") -> Finding:
    return Finding(Severity.WARNING, subject, what, remedy, night)


def serious(subject: str, what: str, remedy: str, night: str = "") -> Finding:
    return Finding(Severity.SERIOUS, subject, what, remedy, night)


def note(subject: str, what: str, remedy: str = "") -> Finding:
    return Finding(Severity.NOTE, subject, what, remedy)
