"""Findings, and the examinations that make them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module

from django.db import DatabaseError, InterfaceError

from audiences.registry import Registry


class Severity(StrEnum):
    """How bad it is. Only what is serious makes `doctor` fail."""

    FINE = "fine"
    NOTE = "note"
    WARNING = "warning"
    SERIOUS = "serious"


@dataclass(frozen=True)
class Finding:
    """What an examination found, and what a person does about it."""

    severity: Severity
    subject: str
    what: str
    remedy: str = ""


Examination = Callable[[], Iterator[Finding]]
_examinations: Registry[str, tuple[Examination, bool]] = Registry("examination")
# In the order in which they are told.
_MODULES = ("configuration", "database", "work", "mail_domain", "machine")


def examination(
    name: str, *, asks_network: bool = False
) -> Callable[[Examination], Examination]:
    """Make a function one of the doctor's examinations."""

    def add(examine_it: Examination) -> Examination:
        _examinations.add(name, (examine_it, asks_network))
        return examine_it

    return add


def examine(*, asks_network: bool = True) -> Iterator[Finding]:
    """All findings; an examination that cannot be made is one too."""
    for module in _MODULES:
        import_module(f"campaign.doctor.{module}")
    for name, (make, asks) in _examinations.items():
        if asks and not asks_network:
            continue
        try:
            yield from make()
        except (DatabaseError, InterfaceError) as error:
            said = (str(error).strip() or type(error).__name__).splitlines()[0]
            yield Finding(
                Severity.SERIOUS,
                name,
                f"the database did not answer: {said}",
                "See that it runs, and that DATABASE_URL names it.",
            )


def fine(subject: str, what: str) -> Finding:
    return Finding(Severity.FINE, subject, what)


def warning(subject: str, what: str, remedy: str) -> Finding:
    return Finding(Severity.WARNING, subject, what, remedy)


def serious(subject: str, what: str, remedy: str) -> Finding:
    return Finding(Severity.SERIOUS, subject, what, remedy)


def note(subject: str, what: str, remedy: str = "") -> Finding:
    return Finding(Severity.NOTE, subject, what, remedy)
