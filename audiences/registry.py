"""What modules add to while they are imported: each name once."""

from collections.abc import Mapping
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class RegisteredTwice(ValueError):
    """Two things claim one name: one of them would silently replace the other."""


class Registry(dict[K, V]):
    """Things by name, in the order in which they were added.

    `what` says what one of them is called.
    """

    def __init__(self, what: str, things: Mapping[K, V] | None = None) -> None:
        super().__init__(things or {})
        self.what = what

    def add(self, name: K, thing: V) -> V:
        """Add a thing; raises RegisteredTwice, which names both, if the name is taken.

        A module is imported once, and so registers once.
        """
        if name in self:
            raise RegisteredTwice(
                f"the {self.what} {str(name)!r} is registered already:"
                f" as {self[name]}, and now as {thing}"
            )
        self[name] = thing
        return thing
