"""Who keeps conditions: so that what they speak of is not deleted under them."""

from collections.abc import Callable, Iterable

from audiences.registry import Registry

from .node_kinds import Data
from .trees import Tree, walk

# What keeps conditions yields each with its name in words: `the audience “Runners”`.
keepers: Registry[str, Callable[[], Iterable[tuple[str, Tree]]]] = Registry(
    "keeper of conditions"
)


def speaking_of(is_meant: Callable[[Data], bool]) -> list[str]:
    """Those whose condition has a node that is meant, in words."""
    return [
        name
        for keep in keepers.values()
        for name, tree in keep()
        if any(is_meant(node) for node in walk(tree))
    ]
