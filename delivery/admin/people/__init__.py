"""What this app adds to a person's page."""

from delivery.admin.people import pages, panels

__all__ = ["pages", "panels"]
