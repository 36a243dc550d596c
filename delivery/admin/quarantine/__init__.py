"""The quarantine in the console."""

from delivery.admin.quarantine import entries, evidence, lists, release

__all__ = ["entries", "evidence", "lists", "release"]
