"""Commands of the project itself: serving, looking after it, backups."""
