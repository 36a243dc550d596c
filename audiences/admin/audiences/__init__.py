"""Audiences in the console, and the builder of conditions."""

from audiences.admin.audiences import audiences

__all__ = ["audiences"]
