"""Dates and times in Dutch."""
