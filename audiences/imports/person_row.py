"""One row of a file of people, with typed values."""

from dataclasses import dataclass, field

from audiences.addresses import Normalised
from audiences.channels import Channel, Scope
from audiences.files import BadCell, Problem

from .own_facts import OwnFacts


@dataclass(slots=True)
class Row:
    """One person as the file says it; blank cells are not in it.

    `addresses` are channel, whether it becomes the primary one, and the address.
    `rejection` is why nothing but what restricts is taken from the row, and `repeats`
    the line that has said who the person is before.
    """

    line: int
    external_id: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    addresses: list[tuple[str, bool, Normalised]] = field(default_factory=list)
    flags: dict[Scope, bool] = field(default_factory=dict)
    failed: frozenset[str] = frozenset()
    problems: list[Problem] = field(default_factory=list)
    # The keys in the first column of email addresses, those that can be read.
    email_keys: tuple[str, ...] = ()
    # None in most files: they have no such column.
    own: OwnFacts | None = None
    rejection: BadCell | None = None
    nobody: BadCell | None = None
    repeats: int = 0

    def follow(self, above: "Row | None") -> None:
        """Be about the person of the row above, if this one names nobody at all."""
        is_bare = not (self.fields or self.addresses or self.problems)
        if above and is_bare and not self.external_id:
            self.external_id, self.email_keys = above.external_id, above.email_keys
            self.addresses = [a for a in above.addresses if a[0] == Channel.EMAIL]
            self.nobody = None

    @property
    def restricts(self) -> bool:
        return bool(self.failed) or True in self.flags.values()

    @property
    def restricts_only(self) -> bool:
        """Nothing else is taken from the row."""
        return self.rejection is not None or bool(self.repeats)

    @property
    def who(self) -> str:
        """The column that says who the person is."""
        return "external_id" if self.external_id else "email"
