"""Mails and SMS of our own: a row first, later sent at most once."""
