"""Copies of the database: made whole, checked, and restored to prove that they are."""

from campaign.backups.copies import Backup, newest, of_file
from campaign.backups.making import make
from campaign.backups.restoring import Drill, drill

__all__ = ["Backup", "Drill", "drill", "make", "newest", "of_file"]
