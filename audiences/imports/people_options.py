"""What is said with a file of people: how it is read, and what it may do."""

from dataclasses import dataclass, field
from datetime import datetime

from django.utils import timezone

from audiences.channels import Scope

from .columns import Reading


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to read and import; `note` is needed when opting in is allowed.

    `all_opted_out`: whoever is in the file has opted out of it. `update_only`: nobody
    is created. Who has opted out after `since` is not opted in: the file is older.
    """

    reading: Reading = field(default_factory=Reading)
    allow_opt_in: bool = False
    all_opted_out: Scope | None = None
    update_only: bool = False
    note: str = ""
    actor: str = ""
    since: datetime = field(default_factory=timezone.now)
