"""From an item that arrived to its effects: stored first, matched, counted once."""
