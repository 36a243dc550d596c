"""The quarantine in the console."""

from delivery.admin.quarantine import entries, lists, logs, release

__all__ = ["entries", "lists", "logs", "release"]
