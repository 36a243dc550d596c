"""A database of the last release comes to this one: with its data, while pages serve."""
