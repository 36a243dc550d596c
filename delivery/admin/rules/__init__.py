"""Typologies and their rules in the console."""

from delivery.admin.rules import typologies

__all__ = ["typologies"]
