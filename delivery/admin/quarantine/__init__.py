"""The quarantine in the console."""

from delivery.admin.quarantine import entries, evidence, many

__all__ = ["entries", "evidence", "many"]
