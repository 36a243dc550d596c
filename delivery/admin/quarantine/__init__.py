"""The quarantine in the console."""

from delivery.admin.quarantine import entries, evidence, many, people

__all__ = ["entries", "evidence", "many", "people"]
