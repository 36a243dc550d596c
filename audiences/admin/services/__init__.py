"""Services and subscriptions in the console, with their reports."""

from audiences.admin.services import pages, services

__all__ = ["pages", "services"]
