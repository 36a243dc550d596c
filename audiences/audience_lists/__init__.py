"""Audiences from files: a list of people that is uploaded, checked and kept."""

from audiences.audience_lists.importing import ListImporter, check_name

__all__ = ["ListImporter", "check_name"]
