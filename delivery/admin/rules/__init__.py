"""Typologies and their rules in the console."""
