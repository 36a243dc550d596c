"""What only ever restricts: written to a file, and replayed after a restore."""

from delivery.restrictions.replaying import Replayed, replay
from delivery.restrictions.writing import write

__all__ = ["Replayed", "replay", "write"]
