"""Typologies and their rules in the console."""

from delivery.admin.rules import of_delivery, own_rules, typologies

__all__ = ["of_delivery", "own_rules", "typologies"]
