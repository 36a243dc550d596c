"""The quarantine in the console."""

from delivery.admin.quarantine import entries, logs, release

__all__ = ["entries", "logs", "release"]
